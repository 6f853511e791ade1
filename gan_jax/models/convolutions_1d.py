"""Strided and transposed convolutions along time, in the form that is fast on the platform they run on.

The one-dimensional counterpart of :mod:`gan_jax.models.convolutions`, which says how the forms follow from
one another. Measured on a core of a CPU that others used too, a kernel of 25 taps and a stride of 4 at batch
32, with both gradients: from 8 steps of 512 channels (in blocks of 4) to 256 channels 713 ms native and
48 ms in the form below; longer sequences cost the same in both. So what matters is the matrix product where
a window is longer than the sequence.

Sequences are ``[B, T, C]``, kernels ``[taps, inputs, outputs]``, padding is "SAME", as in ``flax.linen``.

References:
    Shi et al. 2016, arXiv 1609.05158 (sub-pixel convolution, in two dimensions).
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Sequences = Float[Array, "batch time channels"]
Kernel = Float[Array, "taps inputs outputs"]

_LAYOUT = ("NWC", "WIO", "NWC")


def conv_1d(sequences: Sequences, kernel: Kernel, stride: int) -> Sequences:
    """``[B, T, C] -> [B, ceil(T / stride), O]``, as ``nn.Conv``."""
    if sequences.shape[1] % stride:
        return native_conv_1d(sequences, kernel, stride)
    return lax.platform_dependent(
        sequences,
        kernel,
        cpu=lambda sequences, kernel: space_to_depth_conv_1d(sequences, kernel, stride),
        default=lambda sequences, kernel: native_conv_1d(sequences, kernel, stride),
    )


def conv_transpose_1d(sequences: Sequences, kernel: Kernel, stride: int) -> Sequences:
    """``[B, T, C] -> [B, stride T, O]``, as ``nn.ConvTranspose``."""
    return lax.platform_dependent(
        sequences,
        kernel,
        cpu=lambda sequences, kernel: sub_pixel_conv_1d(sequences, kernel, stride),
        default=lambda sequences, kernel: native_conv_transpose_1d(sequences, kernel, stride),
    )


def native_conv_1d(sequences: Sequences, kernel: Kernel, stride: int) -> Sequences:
    """XLA's own strided convolution."""
    return lax.conv_general_dilated(sequences, kernel, (stride,), "SAME", dimension_numbers=_LAYOUT)


def native_conv_transpose_1d(sequences: Sequences, kernel: Kernel, stride: int) -> Sequences:
    """XLA's own transposed convolution."""
    return lax.conv_transpose(sequences, kernel, (stride,), "SAME", dimension_numbers=_LAYOUT)


def space_to_depth_conv_1d(sequences: Sequences, kernel: Kernel, stride: int) -> Sequences:
    """:func:`native_conv_1d` of blocks of ``stride`` steps, with a stride of 1.

    The length must be a multiple of the stride.
    """
    taps, whole, rest = _split_taps(kernel, stride)
    reach = len(taps)
    padded = jnp.pad(sequences, ((0, 0), (rest, -rest % stride), (0, 0)))
    blocks = padded.reshape(len(sequences), -1, stride * sequences.shape[2])
    outputs = _same_size_conv(blocks, taps.reshape(reach, -1, kernel.shape[2]), before=whole)
    return outputs[:, : sequences.shape[1] // stride]


def sub_pixel_conv_1d(sequences: Sequences, kernel: Kernel, stride: int) -> Sequences:
    """:func:`native_conv_transpose_1d` as a convolution to ``stride`` times the channels, which are steps then."""
    taps, whole, rest = _split_taps(kernel[::-1], stride)
    reach = len(taps)
    taps = taps[::-1].transpose(0, 2, 1, 3).reshape(reach, kernel.shape[1], -1)
    padded = jnp.pad(sequences, ((0, 0), (0, 1 if rest else 0), (0, 0)))
    blocks = _same_size_conv(padded, taps, before=reach - 1 - whole)
    steps = blocks.reshape(len(sequences), -1, kernel.shape[2])
    return steps[:, rest : rest + sequences.shape[1] * stride]


def _split_taps(kernel: Kernel, stride: int) -> tuple[jax.Array, int, int]:
    """``[k, I, O] -> [m, r, I, O]``: tap ``stride m + r``, zero beyond the kernel.

    Returns:
        The taps, and the quotient and the rest by the stride of what "SAME" puts before a sequence,
        zeros before the kernel included.
    """
    size, inputs, outputs = kernel.shape
    reach = -(-size // stride)
    start = max(size - stride, 0) // 2
    before = -start % stride
    if size + before > reach * stride:
        before = 0
    padded = jnp.pad(kernel, ((before, reach * stride - size - before), (0, 0), (0, 0)))
    return padded.reshape(reach, stride, inputs, outputs), *divmod(start + before, stride)


def _same_size_conv(sequences: Sequences, kernel: Kernel, *, before: int) -> Sequences:
    """A convolution of stride 1 that keeps the length; of short sequences, a matrix product."""
    reach, length = len(kernel), sequences.shape[1]
    border = (before, reach - 1 - before)
    if length > reach:
        return lax.conv_general_dilated(
            sequences, kernel, (1,), (border,), dimension_numbers=_LAYOUT
        )
    padded = jnp.pad(sequences, ((0, 0), border, (0, 0)))
    shifts = [padded[:, place : place + length] for place in range(reach)]
    return jnp.concatenate(shifts, axis=-1) @ kernel.reshape(-1, kernel.shape[2])


class Conv1D(nn.Module):
    """``nn.Conv`` along time with "SAME" padding: same parameters, same result."""

    features: int
    kernel_size: int
    stride: int = 1
    kernel_init: Callable = nn.initializers.lecun_normal()
    dtype: Any = None
    apply_fn: Callable = conv_1d

    @nn.compact
    def __call__(self, sequences: jax.Array) -> jax.Array:
        """``[B, T, C] -> [B, ceil(T / stride), features]``."""
        shape = (self.kernel_size, sequences.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        sequences, kernel, bias = nn.dtypes.promote_dtype(sequences, kernel, bias, dtype=self.dtype)
        return self.apply_fn(sequences, kernel, self.stride) + bias[None, None]


class ConvTranspose1D(Conv1D):
    """``nn.ConvTranspose`` along time with "SAME" padding: ``[B, T, C] -> [B, stride T, features]``."""

    apply_fn: Callable = conv_transpose_1d
