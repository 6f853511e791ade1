"""Layers with an equalised learning rate: weights are drawn with variance 1 and scaled where they are used.

Adam moves all weights by about as much; scaled so, it moves every layer's function by about as much.

References:
    Karras et al. 2018, arXiv 1710.10196, section 4.1;
    Karras et al. 2020, arXiv 1912.04958, appendix B.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models import convolutions
from gan_jax.models.resampling import reduced, smoothed

unit_normal = nn.initializers.normal(1.0)


def scaled_leaky_relu(inputs: jax.Array) -> jax.Array:
    """``sqrt(2)`` times the leaky ReLU of slope 0.2: what has variance 1 keeps it, nearly."""
    return 2.0**0.5 * jax.nn.leaky_relu(inputs, 0.2)


class EqualizedDense(nn.Module):
    """``activation(r (W x / sqrt(fan_in) + b))`` with W drawn from ``N(0, 1 / r^2)``.

    Attributes:
        features: of the output.
        activation_fn: elementwise, or None.
        bias: what r b begins with.
        rate_scale: r: at the same rate of the optimiser this layer learns r times as fast.
        dtype: of the computation.
        use_bias: whether there is one.
    """

    features: int
    activation_fn: Callable | None = None
    bias: float = 0.0
    rate_scale: float = 1.0
    dtype: Any = None
    use_bias: bool = True

    @nn.compact
    def __call__(self, inputs: jax.Array) -> jax.Array:
        """``[..., F] -> [..., features]``."""
        fan_in, rate = inputs.shape[-1], self.rate_scale
        kernel_init = nn.initializers.normal(1.0 / rate)
        kernel = self.param("kernel", kernel_init, (fan_in, self.features))
        bias_init = nn.initializers.constant(self.bias / rate)
        bias = self.param("bias", bias_init, (self.features,)) if self.use_bias else None
        inputs, kernel, bias = nn.dtypes.promote_dtype(inputs, kernel, bias, dtype=self.dtype)
        outputs = inputs @ kernel * (rate / fan_in**0.5)
        if bias is not None:
            outputs += jnp.broadcast_to(rate * bias, outputs.shape)
        return outputs if self.activation_fn is None else self.activation_fn(outputs)


class EqualizedConv(nn.Module):
    """``gain * activation(W * x / sqrt(fan_in) + b)``, perhaps of the smoothed image at every second place.

    Attributes:
        features: channels of the result.
        kernel_size: 1 or 3.
        down: whether the map halves, with the filter [1, 3, 3, 1].
        activation_fn: elementwise, or None.
        use_bias: whether there is one.
        gain: of the result.
        dtype: of the computation.
    """

    features: int
    kernel_size: int = 3
    down: bool = False
    activation_fn: Callable | None = scaled_leaky_relu
    use_bias: bool = True
    gain: float = 1.0
    dtype: Any = None

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """``[B, H, W, C] -> [B, H', W', features]``."""
        shape = (self.kernel_size, self.kernel_size, images.shape[-1], self.features)
        kernel = self.param("kernel", unit_normal, shape)
        zeros = nn.initializers.zeros
        bias = self.param("bias", zeros, (self.features,)) if self.use_bias else None
        images, kernel, bias = nn.dtypes.promote_dtype(images, kernel, bias, dtype=self.dtype)
        kernel = kernel / (shape[0] * shape[1] * shape[2]) ** 0.5
        convolve = halving_conv if self.down else lambda x, k: convolutions.conv(x, k, 1)
        images = convolve(images, kernel)
        if bias is not None:
            images += bias[None, None, None]
        images = images if self.activation_fn is None else self.activation_fn(images)
        return self.gain * images


def halving_conv(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """The smoothed image, and a convolution at every second place: ``[B, H / 2, W / 2, O]``.

    Raises:
        ValueError: H or W is odd.
    """
    if kernel.shape[0] == 1:
        return convolutions.conv(reduced(images), kernel, 1)
    height, width = images.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(f"a map of {height}x{width} cannot be halved: its sides must be even")
    # one more row and column than the windows reach, so that their number is even
    smooth = smoothed(images, 2, 3)
    return convolutions.conv(smooth, kernel, 2)[:, : height // 2, : width // 2]


def doubling_conv(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """A transposed 3x3 convolution to ``2 H + 1``, smoothed to ``[B, 2 H, 2 W, O]``.

    The kernel is not mirrored, as it would be in the transpose of a convolution: published weights
    of other programs are to be mirrored before.
    """
    height, width = images.shape[1:3]
    padded = jnp.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)))
    large = convolutions.conv_transpose(padded, kernel, 2)[:, : 2 * height + 1, : 2 * width + 1]
    return smoothed(large, 1, 1, gain=2.0)
