"""Strided and transposed convolutions, in the form that is fast on the platform they run on.

XLA on a CPU is slow at strided and at transposed convolutions. Both are equal to a convolution of
stride 1 with a rearranged kernel, next to a rearrangement of pixels: space to depth before it, or
depth to space after it (the sub-pixel form). The arithmetic is the same up to the order of sums,
the parameters are the very same, and on two CPU cores a step of a 28x28 DCGAN takes about a
ninth of the time (``tests/test_models.py`` shows the equality). ``jax.lax.platform_dependent``
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


def native_conv(images: Images, kernel: Kernel, stride: int) -> Images:
    """XLA's own strided convolution."""
    return lax.conv_general_dilated(
        images, kernel, (stride, stride), "SAME", dimension_numbers=_LAYOUT
    )


def native_conv_transpose(images: Images, kernel: Kernel, stride: int) -> Images:
    """XLA's own transposed convolution."""
    return lax.conv_transpose(images, kernel, (stride, stride), "SAME", dimension_numbers=_LAYOUT)


def space_to_depth_conv(images: Images, kernel: Kernel, stride: int) -> Images:
    """:func:`native_conv` as space to depth and a convolution of stride 1.

    Pixel ``stride i + r`` becomes channel block ``r`` of pixel ``i``. Output ``o`` reads pixel
    ``stride o + t - low`` through tap ``t``, so block ``r`` at distance ``m`` meets tap
    ``t = stride m + r + low``. Height and width must be multiples of the stride.
    """
    low = max(kernel.shape[0] - stride, 0) // 2
    distances, taps = _tap_table(kernel.shape[0], stride, lambda m, r: stride * m + r + low)
    blocks = _gather_taps(kernel, taps)  # [r, m, r', m', I, O]
    blocks = blocks.transpose(1, 3, 0, 2, 4, 5)
    blocks = blocks.reshape(*blocks.shape[:2], -1, kernel.shape[3])
    batch, height, width, channels = images.shape
    depth = images.reshape(batch, height // stride, stride, width // stride, stride, channels)
    depth = depth.transpose(0, 1, 3, 2, 4, 5)
    depth = depth.reshape(batch, height // stride, width // stride, -1)
    return _unit_stride_conv(depth, blocks, distances)


def sub_pixel_conv(images: Images, kernel: Kernel, stride: int) -> Images:
    """:func:`native_conv_transpose` as a convolution of stride 1 and depth to space.

    Output ``stride q + r`` reads input ``q + m`` through tap ``t`` where
    ``stride m = t + r - low``: for each phase ``r`` a small kernel of its own, whose outputs are
    the channel blocks of pixel ``q``.
    """
    size = kernel.shape[0]
    # the padding that lax.conv_transpose gives to "SAME"
    low = size - 1 if stride > size - 1 else -(-(size + stride - 2) // 2)
    distances, taps = _tap_table(size, stride, lambda m, r: stride * m - r + low)
    phases = _gather_taps(kernel, taps)  # [r, m, r', m', I, O]
    phases = phases.transpose(1, 3, 4, 0, 2, 5)
    phases = phases.reshape(*phases.shape[:3], -1)
    depth = _unit_stride_conv(images, phases, distances)
    batch, height, width, _ = depth.shape
    pixels = depth.reshape(batch, height, width, stride, stride, kernel.shape[3])
    pixels = pixels.transpose(0, 1, 3, 2, 4, 5)
    return pixels.reshape(batch, height * stride, width * stride, kernel.shape[3])


def _tap_table(size, stride, tap_of):
    """The distances that matter, and for each phase and distance the tap (``size``: none)."""
    reach = range(-size - stride, size + stride + 1)
    met = [m for m in reach for r in range(stride) if 0 <= tap_of(m, r) < size]
    distances = range(min(met), max(met) + 1)
    taps = [[tap_of(m, r) for m in distances] for r in range(stride)]
    taps = [[t if 0 <= t < size else size for t in row] for row in taps]
    return distances, np.array(taps)


def _gather_taps(kernel: Kernel, taps: np.ndarray) -> jax.Array:
    """``[k, k, I, O] -> [phase, distance, phase', distance', I, O]``, zero where there is no tap."""
    padded = jnp.pad(kernel, ((0, 1), (0, 1), (0, 0), (0, 0)))
    return padded[taps[:, :, None, None], taps[None, None]]


def _unit_stride_conv(images: Images, kernel: Kernel, distances: range) -> Images:
    padding = (-distances[0], distances[-1])
    return lax.conv_general_dilated(
        images, kernel, (1, 1), (padding, padding), dimension_numbers=_LAYOUT
    )
