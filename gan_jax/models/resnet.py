"""The residual players of WGAN-GP, SNGAN and SAGAN, for images of 32 to 128 pixels.

A tuple of widths says how large: each width of the generator but the first doubles the map, each of
the discriminator's first blocks halves it.

=================  =======================================  =========================================
                   generator                                discriminator
=================  =======================================  =========================================
WGAN-GP, 32x32     ``widths=(128,) * 4``                    ``constrain_fn=plain, pool_fn=mean``
SNGAN, 32x32       the defaults                             the defaults
SNGAN, 128x128     ``(1024, 1024, 512, 256, 128, 64)``      ``(64, 128, 256, 512, 1024, 1024)``,
                                                            ``halvings=5``
SAGAN, 32x32       ``constrain_fn=spectral``,               ``attention=(16,)``
                   ``attention=(16,)``
=================  =======================================  =========================================

References:
    Gulrajani et al. 2017, arXiv 1704.00028, appendix F;
    Miyato et al. 2018, arXiv 1802.05957, appendix B.4, tables 4 and 5;
    Miyato and Koyama 2018, arXiv 1802.05637 (the conditional ones);
    Zhang et al. 2019, arXiv 1805.08318 (SAGAN).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.attention import SelfAttention, blocks_with_attention
from gan_jax.models.blocks import BatchNorm, Conv, plain, spectral
from gan_jax.models.conditioning import LabelBatchNorm, check_labels, join_condition
from gan_jax.models.heads import Head
from gan_jax.models.residual import (
    ResidualBlock,
    block_glorot,
    glorot,
    normalized,
    start_size,
)

sum_pool = partial(jnp.sum, axis=(1, 2))
mean_pool = partial(jnp.mean, axis=(1, 2))


class ResNetGenerator(nn.Module):
    """Latents ``[B, Z]`` to images ``[B, H, W, C]`` in ``[-1, 1]``.

    A dense layer, a residual block for each doubling, norm, activation, a 3x3 convolution, tanh.

    Attributes:
        image_shape: ``(H, W, C)``; H and W are multiples of ``2 ** (len(widths) - 1)``.
        widths: channels of the smallest map, and after each block.
        norm_fn: :class:`gan_jax.models.blocks.BatchNorm`, or None.
        label_norm_fn: ``(num_classes=, dtype=) -> module(inputs, labels, train=)``, which takes the
            place of ``norm_fn`` within the blocks where there are labels; None joins the labels to
            the latents instead.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`, for every layer.
        attention: heights of the maps that go through
            :class:`gan_jax.models.attention.SelfAttention`, after the first block that gives them.
        block_init: of the blocks' 3x3 convolutions.
        kernel_init: of all other layers.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...] = (256, 256, 256, 256)
    norm_fn: Callable | None = BatchNorm
    label_norm_fn: Callable | None = LabelBatchNorm
    constrain_fn: Callable = plain
    attention: tuple[int, ...] = ()
    activation_fn: Callable = nn.relu
    block_init: Callable = block_glorot
    kernel_init: Callable = glorot
    num_classes: int | None = None
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, Z] -> [B, H, W, C]``, float32 in ``[-1, 1]``."""
        first, *others = self.widths
        start = (*start_size(self.image_shape, len(others)), first)
        attended = blocks_with_attention(
            self.attention, [start[0] * 2**n for n in range(1, len(self.widths))]
        )
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        hidden, told, norm_fn = self.join(latents, condition)
        layer = nn.Dense(math.prod(start), **options)
        hidden = self.constrain_fn(layer)(hidden, train=train).reshape(-1, *start)
        for index, features in enumerate(others):
            block = ResidualBlock(
                features,
                up=True,
                constrain_fn=self.constrain_fn,
                norm_fn=norm_fn,
                activation_fn=self.activation_fn,
                kernel_init=self.block_init,
                shortcut_init=self.kernel_init,
                dtype=self.dtype,
                remat=self.remat,
            )
            hidden = block(hidden, told, train=train)
            if index in attended:
                hidden = SelfAttention(self.constrain_fn, **options)(hidden, train=train)
        hidden = normalized(self.norm_fn, hidden, None, dtype=self.dtype, train=train)
        layer = Conv(self.image_shape[-1], 3, **options)
        images = self.constrain_fn(layer)(self.activation_fn(hidden), train=train)
        return jnp.tanh(images.astype(jnp.float32))

    def join(self, latents: jax.Array, condition: jax.Array | None):
        """What goes into the first layer, what the blocks' norms are told, and their ``norm_fn``."""
        if condition is None or self.label_norm_fn is None:
            return join_condition(latents, condition, self.num_classes), None, self.norm_fn
        check_labels(condition, self.num_classes)
        return latents, condition, partial(self.label_norm_fn, num_classes=self.num_classes)


class ResNetDiscriminator(nn.Module):
    """Images ``[B, H, W, C]`` to logits ``[B]``: residual blocks, activation, pooling, head.

    The first block sees an image: it begins with a convolution, not with an activation.

    Attributes:
        widths: channels after each block.
        halvings: how many of the blocks, the first ones, halve the map.
        wide: whether the inner map of a block has the channels of its result (Brock et al. 2019)
            instead of those of its input.
        norm_fn: within the blocks, or None.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`, for every layer.
        attention: heights of the maps that go through
            :class:`gan_jax.models.attention.SelfAttention`, after the first block that gives them.
        pool_fn: ``[B, h, w, C] -> [B, C]``: :data:`sum_pool` or :data:`mean_pool`.
        block_init: of the blocks' 3x3 convolutions.
        kernel_init: of all other layers.
        num_classes: for integer labels as the condition.
        head_fn: the last layer, of :mod:`gan_jax.models.heads`.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    widths: tuple[int, ...] = (128, 128, 128, 128)
    halvings: int = 2
    wide: bool = False
    norm_fn: Callable | None = None
    constrain_fn: Callable = spectral
    attention: tuple[int, ...] = ()
    activation_fn: Callable = nn.relu
    pool_fn: Callable = sum_pool
    block_init: Callable = block_glorot
    kernel_init: Callable = glorot
    num_classes: int | None = None
    head_fn: Callable = Head
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, H, W, C] -> [B]``, float32."""
        check_halvings(self.halvings, self.widths)
        halvings = [min(n, self.halvings) for n in range(1, len(self.widths) + 1)]
        attended = blocks_with_attention(
            self.attention, [images.shape[1] // 2**n for n in halvings]
        )
        hidden = images
        for index, features in enumerate(self.widths):
            first = index == 0
            block = ResidualBlock(
                features,
                hidden=features if first or self.wide else hidden.shape[-1],
                down=index < self.halvings,
                activate_first=not first,
                constrain_fn=self.constrain_fn,
                # not on what an image's first convolution gives: as in Radford et al. 2015
                norm_fn=None if first else self.norm_fn,
                activation_fn=self.activation_fn,
                kernel_init=self.block_init,
                shortcut_init=self.kernel_init,
                dtype=self.dtype,
                remat=self.remat,
            )
            hidden = block(hidden, train=train)
            if index in attended:
                attention = SelfAttention(self.constrain_fn, self.kernel_init, self.dtype)
                hidden = attention(hidden, train=train)
        features = self.pool_fn(self.activation_fn(hidden))
        head = self.head_fn(self.num_classes, self.constrain_fn, self.kernel_init, self.dtype)
        return head(features, condition, train=train)


def check_halvings(halvings: int, widths: tuple[int, ...]) -> None:
    """Refuses more halvings than there are blocks.

    Raises:
        ValueError: there are.
    """
    if not 0 <= halvings <= len(widths):
        raise ValueError(
            f"halvings must be between 0 and the number of widths, {len(widths)}, got {halvings}"
        )
