"""The layers of StyleGAN2: a mapping to styles, and convolutions whose weights the styles scale.

References:
    Karras et al. 2019, arXiv 1812.04948, section 2; 2020, arXiv 1912.04958, section 2 and appendix B.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models import convolutions
from gan_jax.models.equalized import EqualizedDense, doubling_conv, scaled_leaky_relu, unit_normal
from gan_jax.models.resampling import enlarged


class MappingNetwork(nn.Module):
    """Latents, labels or both to vectors ``[B, features]``, each input with a mean square of 1.

    Attributes:
        features: of every layer.
        layers: how many there are.
        rate_scale: how fast they learn; the label's vector learns at the rate of the rest.

    References:
        Karras et al. 2019, arXiv 1812.04948, section 2; 2020, arXiv 2006.06676, appendix F (labels).
    """

    features: int
    layers: int = 8
    rate_scale: float = 0.01

    @nn.compact
    def __call__(self, latents: jax.Array | None, labels: jax.Array | None) -> jax.Array:
        """``[B, Z]`` or None, and one-hot labels ``[B, K]`` or None, to ``[B, features]``."""
        inputs = [] if latents is None else [of_unit_square(latents)]
        if labels is not None:
            inputs.append(of_unit_square(EqualizedDense(self.features, name="label")(labels)))
        hidden = jnp.concatenate(inputs, axis=-1)
        for _ in range(self.layers):
            layer = EqualizedDense(self.features, scaled_leaky_relu, rate_scale=self.rate_scale)
            hidden = layer(hidden)
        return hidden


def one_hot(labels: jax.Array | None, num_classes: int | None) -> jax.Array | None:
    """Rows of labels, where there are labels."""
    return None if labels is None else jax.nn.one_hot(labels, num_classes)


def of_unit_square(rows: jax.Array) -> jax.Array:
    """Rows with a mean square of 1."""
    return rows * jax.lax.rsqrt(jnp.mean(jnp.square(rows), axis=-1, keepdims=True) + 1e-8)


class Synthesis(nn.Module):
    """A learned map, layers, and after each resolution colours that are added up."""

    start: tuple[int, int]
    channels: int
    widths: tuple[int, ...]
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(self, styles: jax.Array, *, train: bool) -> jax.Array:
        """``[B, L, W] -> [B, H, W, C]``."""
        shape = (1, *self.start, self.widths[0])
        basis = self.param("basis", unit_normal, shape)
        hidden = jnp.repeat(basis.astype(self.dtype or basis.dtype), len(styles), axis=0)
        options = dict(dtype=self.dtype, remat=self.remat)
        images, layer = None, 0
        for stage, features in enumerate(self.widths):
            if stage > 0:
                hidden = StyledConv(features, up=True, **options)(
                    hidden, styles[:, layer], train=train
                )
                layer += 1
            hidden = StyledConv(features, **options)(hidden, styles[:, layer], train=train)
            layer += 1
            # of the next layer's style, which is one more than there are convolutions
            colors = ToRGB(self.channels, self.dtype)(hidden, styles[:, layer])
            images = colors if images is None else enlarged(images) + colors
        return images


class StyledConv(nn.Module):
    """A modulated 3x3 convolution, noise, bias, activation.

    Attributes:
        features: channels of the result.
        up: whether the map doubles.
        dtype: of the computation.
        remat: whether the inside is computed anew for the gradient, which saves its memory.
    """

    features: int
    up: bool = False
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(self, images: jax.Array, style: jax.Array, *, train: bool) -> jax.Array:
        """``[B, H, W, C]`` and styles ``[B, W]`` to ``[B, H', W', features]``."""

        def inside(layer: "StyledConv", images: jax.Array, style: jax.Array) -> jax.Array:
            scales = EqualizedDense(images.shape[-1], bias=1.0, name="scales")(style)
            shape = (3, 3, images.shape[-1], layer.features)
            kernel = layer.param("kernel", unit_normal, shape)
            images = modulated_conv(images, kernel, scales, up=layer.up, dtype=layer.dtype)
            strength = layer.param("noise_strength", nn.initializers.zeros, ())
            noise = strength * layer.noise(images.shape, train)
            bias = layer.param("bias", nn.initializers.zeros, (layer.features,))
            images += (noise + bias[None, None, None]).astype(images.dtype)
            return scaled_leaky_relu(images)

        return (nn.remat(inside) if self.remat else inside)(self, images, style)

    def noise(self, shape: tuple[int, ...], train: bool) -> jax.Array:
        """One number for each place: of each image in training, of all in evaluation."""
        batch, height, width, _ = shape

        def drawn(rows: int) -> jax.Array:
            return jax.random.normal(self.make_rng("noise"), (rows, height, width, 1))

        kept = self.variable("constants", "noise", lambda: drawn(1))
        return drawn(batch) if train else jnp.repeat(kept.value, batch, axis=0)


class ToRGB(nn.Module):
    """A modulated 1x1 convolution, without demodulation, noise and activation; float32."""

    channels: int
    dtype: Any = None

    @nn.compact
    def __call__(self, images: jax.Array, style: jax.Array) -> jax.Array:
        """``[B, H, W, C]`` and styles ``[B, W]`` to ``[B, H, W, channels]``."""
        inputs = images.shape[-1]
        scales = EqualizedDense(inputs, bias=1.0, name="scales")(style) / inputs**0.5
        kernel = self.param("kernel", unit_normal, (1, 1, inputs, self.channels))
        bias = self.param("bias", nn.initializers.zeros, (self.channels,))
        colors = modulated_conv(images, kernel, scales, demodulate=False, dtype=self.dtype)
        return colors.astype(jnp.float32) + bias[None, None, None]


def modulated_conv(
    images: jax.Array,
    kernel: jax.Array,
    scales: jax.Array,
    *,
    demodulate: bool = True,
    up: bool = False,
    dtype: Any = None,
) -> jax.Array:
    """Each image's own kernel ``s_i w_ijk``, divided by its norm over i and the window.

    The scales multiply the image and the norms the result, which is the same, and one convolution.

    Args:
        images: ``[B, H, W, I]``.
        kernel: ``[k, k, I, O]``.
        scales: s, ``[B, I]``.
        demodulate: whether each output's kernel is divided by its norm.
        up: whether the map doubles (k is 3 then).
        dtype: of the convolution.

    Returns:
        ``[B, H', W', O]``.

    References:
        Karras et al. 2020, arXiv 1912.04958, equations 1 and 3.
    """
    norms = jax.lax.rsqrt(jnp.square(scales) @ jnp.square(kernel).sum((0, 1)) + 1e-8)
    images, kernel, factors = nn.dtypes.promote_dtype(images, kernel, scales, dtype=dtype)
    images *= factors[:, None, None]
    images = doubling_conv(images, kernel) if up else convolutions.conv(images, kernel, 1)
    return images * norms.astype(images.dtype)[:, None, None] if demodulate else images
