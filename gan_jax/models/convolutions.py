"""Strided, transposed and upsampling convolutions, in the form that is fast on the platform they run on.

XLA on a CPU is slow at strided and at transposed convolutions. Both are equal to a convolution of
stride 1 with a rearranged kernel, next to a rearrangement of pixels: space to depth before it, or
depth to space after it (the sub-pixel form). So is upsampling before a convolution, with fewer
products: taps that read the same pixel are summed first. The arithmetic is the same up to the order of sums,
the parameters are the very same (``tests/test_models.py`` shows the equality of values and
gradients). Measured on two CPU cores, the kernel gradient of a 4x4 transposed convolution from 7x7x128
to 14x14x256 at batch 64: 2.3 s native, under 0.1 s in the sub-pixel form. ``jax.lax.platform_dependent``
picks the form when the program is lowered, so a GPU or TPU gets XLA's own operation.

Images are NHWC, kernels HWIO, padding is "SAME", as in ``flax.linen``.

References:
    Shi et al. 2016, arXiv 1609.05158 (sub-pixel convolution).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

Images = Float[Array, "batch height width channels"]
Kernel = Float[Array, "k k inputs outputs"]

_LAYOUT = ("NHWC", "HWIO", "NHWC")


def conv(images: Images, kernel: Kernel, stride: int) -> Images:
    """``[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), O]``, as ``nn.Conv``."""
    divisible = images.shape[1] % stride == 0 and images.shape[2] % stride == 0
    if stride == 1 or not divisible:
        return native_conv(images, kernel, stride)
    return lax.platform_dependent(
        images,
        kernel,
        cpu=lambda images, kernel: space_to_depth_conv(images, kernel, stride),
        default=lambda images, kernel: native_conv(images, kernel, stride),
    )


def conv_transpose(images: Images, kernel: Kernel, stride: int) -> Images:
    """``[B, H, W, C] -> [B, stride H, stride W, O]``, as ``nn.ConvTranspose``."""
    if stride == 1:
        return native_conv_transpose(images, kernel, stride)
    return lax.platform_dependent(
        images,
        kernel,
        cpu=lambda images, kernel: sub_pixel_conv(images, kernel, stride),
        default=lambda images, kernel: native_conv_transpose(images, kernel, stride),
    )


def upsample_conv(images: Images, kernel: Kernel, scale: int) -> Images:
    """Each pixel ``scale x scale`` times, then a convolution: ``[B, scale H, scale W, O]``."""
    if scale == 1:
        return native_conv(images, kernel, 1)
    return lax.platform_dependent(
        images,
        kernel,
        cpu=lambda images, kernel: sub_pixel_upsample_conv(images, kernel, scale),
        default=lambda images, kernel: native_upsample_conv(images, kernel, scale),
    )


def grouped_conv(images: Images, kernel: Kernel, groups: int) -> Images:
    """Each of ``groups`` runs of channels by itself: the kernel is ``[k, k, C / groups, O]``; stride 1."""
    fast = grouped_products if groups >= 8 else block_diagonal_conv  # where each is the faster one
    return lax.platform_dependent(
        images,
        kernel,
        cpu=lambda images, kernel: fast(images, kernel, groups),
        default=lambda images, kernel: native_grouped_conv(images, kernel, groups),
    )


def native_conv(images: Images, kernel: Kernel, stride: int) -> Images:
    """XLA's own strided convolution."""
    return lax.conv_general_dilated(
        images, kernel, (stride, stride), "SAME", dimension_numbers=_LAYOUT
    )


def native_conv_transpose(images: Images, kernel: Kernel, stride: int) -> Images:
    """XLA's own transposed convolution."""
    return lax.conv_transpose(images, kernel, (stride, stride), "SAME", dimension_numbers=_LAYOUT)


def native_upsample_conv(images: Images, kernel: Kernel, scale: int) -> Images:
    """The enlarged image itself, and XLA's own convolution."""
    return native_conv(images.repeat(scale, axis=1).repeat(scale, axis=2), kernel, 1)


def native_grouped_conv(images: Images, kernel: Kernel, groups: int) -> Images:
    """XLA's own grouped convolution: on a CPU 10 to 300 times slower than the forms below."""
    return lax.conv_general_dilated(
        images, kernel, (1, 1), "SAME", dimension_numbers=_LAYOUT, feature_group_count=groups
    )


def block_diagonal_conv(images: Images, kernel: Kernel, groups: int) -> Images:
    """:func:`native_grouped_conv` as one convolution, with zeros between the groups."""
    *window, inputs, outputs = kernel.shape
    apart = kernel.reshape(*window, inputs, groups, outputs // groups)
    whole = jnp.einsum("abigo,gh->abhigo", apart, jnp.eye(groups, dtype=kernel.dtype))
    return native_conv(images, whole.reshape(*window, groups * inputs, outputs), 1)


def grouped_products(images: Images, kernel: Kernel, groups: int) -> Images:
    """:func:`native_grouped_conv` as a product of matrices for each group: its pixels' windows, and taps."""
    batch, height, width, _ = images.shape
    taps, _, inputs, outputs = kernel.shape
    apart = jnp.moveaxis(images.reshape(batch, height, width, groups, inputs), 3, 0)
    border = ((taps - 1) // 2, taps // 2)
    padded = jnp.pad(apart, ((0, 0), (0, 0), border, border, (0, 0)))
    shifted = [
        padded[:, :, row : row + height, column : column + width]
        for row in range(taps)
        for column in range(taps)
    ]
    windows = jnp.concatenate(shifted, axis=-1).reshape(groups, -1, taps * taps * inputs)
    weights = jnp.moveaxis(kernel.reshape(-1, groups, outputs // groups), 1, 0)
    found = (windows @ weights).reshape(groups, batch, height, width, -1)
    return jnp.moveaxis(found, 0, 3).reshape(batch, height, width, outputs)


def space_to_depth_conv(images: Images, kernel: Kernel, stride: int) -> Images:
    """:func:`native_conv` as space to depth and a convolution of stride 1.

    Output ``o`` reads pixel ``stride o + t - start`` through tap ``t``. In blocks of ``stride``
    pixels, with ``start = stride whole + rest`` and ``rest`` zeros before the image: block
    ``o + m - whole``, place ``r``, through tap ``t = stride m + r``. Height and width must be
    multiples of the stride.
    """
    taps, whole, rest = _split_taps(kernel, stride)
    reach = len(taps)
    taps = taps.transpose(0, 2, 1, 3, 4, 5)  # [m, m', r, r', I, O]
    taps = taps.reshape(reach, reach, -1, kernel.shape[3])
    border = (rest, -rest % stride)
    padded = jnp.pad(images, ((0, 0), border, border, (0, 0)))
    outputs = _same_size_conv(space_to_depth(padded, stride), taps, before=whole)
    return outputs[:, : images.shape[1] // stride, : images.shape[2] // stride]


def sub_pixel_conv(images: Images, kernel: Kernel, stride: int) -> Images:
    """:func:`native_conv_transpose` as a convolution of stride 1 and depth to space.

    Output ``o`` with ``o + start = stride q + r`` is the sum over ``m`` of input ``q - m`` times tap
    ``stride m + r`` of the flipped kernel: each phase ``r`` has a small kernel of its own, whose
    outputs are channel block ``r`` of pixel ``q``.
    """
    taps, whole, rest = _split_taps(kernel[::-1, ::-1], stride)
    reach = len(taps)
    taps = taps[::-1, :, ::-1].transpose(0, 2, 4, 1, 3, 5)  # [m, m', I, r, r', O]
    taps = taps.reshape(reach, reach, kernel.shape[2], -1)
    after = (0, 1 if rest else 0)
    padded = jnp.pad(images, ((0, 0), after, after, (0, 0)))
    blocks = _same_size_conv(padded, taps, before=reach - 1 - whole)
    pixels = depth_to_space(blocks, stride)
    height, width = images.shape[1] * stride, images.shape[2] * stride
    return pixels[:, rest : rest + height, rest : rest + width]


def sub_pixel_upsample_conv(images: Images, kernel: Kernel, scale: int) -> Images:
    """:func:`native_upsample_conv` as a convolution of stride 1 and depth to space.

    Output ``scale q + r`` reads enlarged pixel ``scale q + r + t - start`` through tap ``t``, which
    is pixel ``q + floor((r + t - start) / scale)``: each phase ``r`` has a kernel of its own, in which
    the taps of one pixel are summed. A 5x5 kernel at scale 2 becomes four of 3x3.
    """
    size, start = len(kernel), (len(kernel) - 1) // 2
    offsets = [[(r + t - start) // scale for t in range(size)] for r in range(scale)]
    first, last = min(map(min, offsets)), max(map(max, offsets))
    reads = np.zeros((last - first + 1, scale, size), kernel.dtype)  # [pixel, phase, tap]
    for r, row in enumerate(offsets):
        for t, offset in enumerate(row):
            reads[offset - first, r, t] = 1
    taps = jnp.einsum("mrt,nsu,tuio->mnirso", reads, reads, kernel)
    taps = taps.reshape(len(reads), len(reads), kernel.shape[2], -1)
    return depth_to_space(_same_size_conv(images, taps, before=-first), scale)


def depth_to_space(blocks: Images, scale: int) -> Images:
    """Channels become squares of pixels: ``[B, H, W, scale * scale * C] -> [B, scale H, scale W, C]``."""
    batch, rows, columns, _ = blocks.shape
    pixels = blocks.reshape(batch, rows, columns, scale, scale, -1).transpose(0, 1, 3, 2, 4, 5)
    return pixels.reshape(batch, rows * scale, columns * scale, -1)


def space_to_depth(images: Images, scale: int) -> Images:
    """The inverse of :func:`depth_to_space`: ``[B, scale H, scale W, C] -> [B, H, W, scale * scale * C]``."""
    batch, rows, columns, channels = images.shape
    rows, columns = rows // scale, columns // scale
    blocks = images.reshape(batch, rows, scale, columns, scale, channels)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, -1)


def _split_taps(kernel: Kernel, stride: int) -> tuple[jax.Array, int, int]:
    """``[k, k, I, O] -> [m, r, m', r', I, O]``: tap ``stride m + r``, zero beyond the kernel.

    ``start``, the pixels that "SAME" puts before an image, is rounded up to a multiple of the
    stride by zeros before the kernel where that needs no further distance ``m``.

    Returns:
        The taps, and the quotient and the rest of ``start`` by the stride.
    """
    size, inputs, outputs = kernel.shape[1:]
    reach = -(-size // stride)
    start = max(size - stride, 0) // 2
    before = -start % stride
    if size + before > reach * stride:
        before = 0
    border = (before, reach * stride - size - before)
    padded = jnp.pad(kernel, (border, border, (0, 0), (0, 0)))
    taps = padded.reshape(reach, stride, reach, stride, inputs, outputs)
    return taps, *divmod(start + before, stride)


def _same_size_conv(images: Images, kernel: Kernel, *, before: int) -> Images:
    """A convolution of stride 1 whose output is as large as its input.

    With equal sizes the gradients, of any order, are such convolutions too. Where a window (in a
    gradient, an image) is larger than the image that it slides over, XLA's CPU compiler falls back
    to a loop that is ten times slower or more: small images take shifted copies and a matrix product.
    """
    reach = len(kernel)
    height, width = images.shape[1:3]
    border = (before, reach - 1 - before)
    if min(height, width) >= reach:
        return lax.conv_general_dilated(
            images, kernel, (1, 1), (border, border), dimension_numbers=_LAYOUT
        )
    padded = jnp.pad(images, ((0, 0), border, border, (0, 0)))
    shifts = [
        padded[:, row : row + height, column : column + width]
        for row in range(reach)
        for column in range(reach)
    ]
    return jnp.concatenate(shifts, axis=-1) @ kernel.reshape(-1, kernel.shape[3])
