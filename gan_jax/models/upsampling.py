"""A generator that enlarges before each convolution, behind a stack of dense layers.

Its opponent is :class:`gan_jax.models.dcgan.DCGANDiscriminator`.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import (
    Block,
    Conv,
    Residual,
    UpsampleConv,
    leaky_relu,
    times,
)
from gan_jax.models.conditioning import join_condition


class UpsamplingGenerator(nn.Module):
    """Latents ``[B, Z]`` to images ``[B, H, W, C]`` in ``[-1, 1]``.

    Dense layers, a dense layer to ``[H / 2^n, W / 2^n, start_channels]``, ``n`` times enlargement
    by two and a convolution, and a last convolution to the image.

    Attributes:
        image_shape: ``(H, W, C)``; H and W are multiples of ``2 ** len(widths)``.
        dense_widths: of the dense layers before the map.
        start_channels: of the first, smallest map.
        widths: channels after each enlargement by two.
        kernel_size: of the convolutions that follow an enlargement.
        output_kernel_size: of the last one.
        norm_fn: after every hidden layer, or None.
        residual_blocks: after each convolution that follows an enlargement.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    image_shape: tuple[int, int, int]
    dense_widths: tuple[int, ...] = ()
    start_channels: int = 256
    widths: tuple[int, ...] = (128, 128, 128)
    kernel_size: int = 5
    output_kernel_size: int = 7
    norm_fn: Callable | None = None
    residual_blocks: int = 0
    activation_fn: Callable = leaky_relu
    kernel_init: Callable = nn.initializers.lecun_normal()
    num_classes: int | None = None
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, Z] -> [B, H, W, C]``, float32 in ``[-1, 1]``."""
        height, width, channels = self.image_shape
        scale = 2 ** len(self.widths)
        if height % scale or width % scale:
            raise ValueError(
                f"image_shape {self.image_shape} must be a multiple of {scale}: each of the "
                f"{len(self.widths)} widths doubles the size"
            )
        start = (height // scale, width // scale, self.start_channels)
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        shared = dict(
            norm_fn=self.norm_fn,
            activation_fn=self.activation_fn,
            dtype=self.dtype,
            remat=self.remat,
        )
        hidden = join_condition(latents, condition, self.num_classes)
        for features in (*self.dense_widths, math.prod(start)):
            hidden = Block(nn.Dense(features, **options), **shared)(hidden, train=train)
        hidden = hidden.reshape(-1, *start)
        same_size = partial(Conv, kernel_size=self.kernel_size, **options)
        for features in self.widths:
            layer = UpsampleConv(features, self.kernel_size, 2, **options)
            hidden = Block(layer, **shared)(hidden, train=train)
            for _ in times(self.residual_blocks):
                hidden = Residual(same_size, **shared)(hidden, train=train)
        images = Conv(channels, self.output_kernel_size, **options)(hidden)
        return jnp.tanh(images.astype(jnp.float32))
