"""Convolutional players for images of 8 to 64 pixels.

The size follows from the number of strides: ``widths=(128, 64)`` with strides 2 and 2 draws
28x28 from 7x7 and 8x8 from 2x2; four widths draw 64x64 from 4x4, and 28x28 from 2x2 by way of 4x4,
7x7 and 14x14, the sizes that a discriminator of as many strides makes of it.

References:
    Radford et al. 2015, arXiv 1511.06434, section 3 and figure 1.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import (
    BatchNorm,
    Block,
    Conv,
    ConvTranspose,
    Residual,
    leaky_relu,
    plain,
    times,
)
from gan_jax.models.conditioning import join_condition
from gan_jax.models.heads import Head

# Radford et al. 2015, section 4: all weights from N(0, 0.02^2)
dcgan_init = nn.initializers.normal(0.02)


class DCGANGenerator(nn.Module):
    """Latents ``[B, Z]`` to images ``[B, H, W, C]`` in ``[-1, 1]``.

    A projection to ``[h, w, widths[0]]``, then one transposed convolution per width; the last one
    makes the image. The sizes are those of strided convolutions the other way round, rounded up:
    where one is not a multiple of its stride, the first rows and columns of what is larger are cut
    off, which keeps kernels of odd size centred.

    Attributes:
        image_shape: ``(H, W, C)``.
        widths: channels before each transposed convolution.
        strides: of each transposed convolution; 2 everywhere if None.
        kernel_size: of each transposed convolution.
        norm_fn: after the inner transposed convolutions, or None.
        dense_widths: of fully connected layers before the projection.
        projection_norm_fn: after the projection and each of them, or None.
        use_bias: of the projection and of every convolution.
        residual_blocks: after each inner transposed convolution, of as many channels.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...] = (128, 64)
    strides: tuple[int, ...] | None = None
    kernel_size: int = 5
    dense_widths: tuple[int, ...] = ()
    norm_fn: Callable | None = BatchNorm
    projection_norm_fn: Callable | None = BatchNorm
    activation_fn: Callable = leaky_relu
    kernel_init: Callable = dcgan_init
    use_bias: bool = True
    residual_blocks: int = 0
    num_classes: int | None = None
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, Z] -> [B, H, W, C]``, float32 in ``[-1, 1]``."""
        height, width, channels = self.image_shape
        strides = strides_of(self.widths, self.strides)
        first, *sizes = growing_sizes((height, width), strides)
        start = (*first, self.widths[0])
        options = dict(use_bias=self.use_bias, kernel_init=self.kernel_init, dtype=self.dtype)
        shared = dict(
            activation_fn=self.activation_fn,
            dtype=self.dtype,
            remat=self.remat,
        )

        hidden = join_condition(latents, condition, self.num_classes)
        for features in (*self.dense_widths, math.prod(start)):
            layer = nn.Dense(features, **options)
            hidden = Block(layer, norm_fn=self.projection_norm_fn, **shared)(hidden, train=train)
        hidden = hidden.reshape(-1, *start)
        same_size = partial(Conv, kernel_size=self.kernel_size, **options)
        for features, stride, size in zip(self.widths[1:], strides, sizes, strict=False):
            layer = ConvTranspose(features, self.kernel_size, stride, size=size, **options)
            hidden = Block(layer, norm_fn=self.norm_fn, **shared)(hidden, train=train)
            for _ in times(self.residual_blocks):
                block = Residual(same_size, norm_fn=self.norm_fn, **shared)
                hidden = block(hidden, train=train)
        layer = ConvTranspose(channels, self.kernel_size, strides[-1], size=sizes[-1], **options)
        return jnp.tanh(layer(hidden).astype(jnp.float32))


class DCGANDiscriminator(nn.Module):
    """Images ``[B, H, W, C]`` to logits ``[B]``: one convolution per width, then a dense layer.

    Attributes:
        widths: channels after each convolution.
        strides: of each convolution; 2 everywhere if None.
        kernel_size: of each convolution.
        norm_fn: after every convolution but the first, or None.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`, for every layer.
        dropout_rate: after every convolution, in ``[0, 1)``.
        residual_blocks: after each convolution, of as many channels.
        statistic_fn: makes a module that adds features of the whole batch before the last layer,
            such as :class:`gan_jax.models.minibatch_std.MinibatchStd`; or None.
        num_classes: for integer labels as the condition.
        head_fn: the last layer, of :mod:`gan_jax.models.heads`.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    widths: tuple[int, ...] = (64, 128)
    strides: tuple[int, ...] | None = None
    kernel_size: int = 5
    norm_fn: Callable | None = None
    activation_fn: Callable = leaky_relu
    constrain_fn: Callable = plain
    kernel_init: Callable = dcgan_init
    dropout_rate: float = 0.0
    residual_blocks: int = 0
    statistic_fn: Callable | None = None
    num_classes: int | None = None
    head_fn: Callable = Head
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, H, W, C] -> [B]``, float32."""
        hidden = images
        strides = strides_of(self.widths, self.strides)
        layer_fn = partial(
            Conv, kernel_size=self.kernel_size, kernel_init=self.kernel_init, dtype=self.dtype
        )
        shared = dict(
            constrain_fn=self.constrain_fn,
            activation_fn=self.activation_fn,
            dtype=self.dtype,
            remat=self.remat,
        )
        for index, (features, stride) in enumerate(zip(self.widths, strides, strict=True)):
            hidden = Block(
                layer_fn(features, stride=stride),
                # not on the layer that sees the images: Radford et al. 2015, section 3
                norm_fn=self.norm_fn if index > 0 else None,
                dropout_rate=self.dropout_rate,
                **shared,
            )(hidden, train=train)
            for _ in times(self.residual_blocks):
                hidden = Residual(layer_fn, norm_fn=self.norm_fn, **shared)(hidden, train=train)
        if self.statistic_fn is not None:
            hidden = self.statistic_fn()(hidden)
        head = self.head_fn(self.num_classes, self.constrain_fn, self.kernel_init, self.dtype)
        return head(hidden.reshape(len(hidden), -1), condition, train=train)


def strides_of(widths: tuple[int, ...], strides: tuple[int, ...] | None) -> tuple[int, ...]:
    """The strides of as many layers as there are widths; 2 everywhere if None.

    Raises:
        ValueError: there are no widths, or not as many strides.
    """
    if not widths:
        raise ValueError("widths must hold at least one number of channels, got ()")
    strides = (2,) * len(widths) if strides is None else strides
    if len(strides) != len(widths):
        raise ValueError(f"one stride per width: got widths {widths} and strides {strides}")
    return strides


def growing_sizes(size: tuple[int, int], strides: tuple[int, ...]) -> list[tuple[int, int]]:
    """From the smallest map to the image, the sizes before and after each transposed convolution.

    Raises:
        ValueError: the image is too small for the strides.
    """
    sizes = [size]
    for stride in reversed(strides):
        if stride > 1 and 1 in sizes[0]:
            raise ValueError(
                f"images of {size[0]}x{size[1]} have too few pixels for the strides {strides}: the "
                "map before the first is smaller than one pixel; take fewer widths, or strides of 1"
            )
        sizes.insert(0, tuple(-(-length // stride) for length in sizes[0]))
    return sizes
