"""The residual players of WGAN-GP and SNGAN, for images of 32 to 128 pixels.

A tuple of widths says how large: each width of the generator but the first doubles the map, each of
the discriminator's first blocks halves it.

=================  =======================================  =========================================
                   generator                                discriminator
=================  =======================================  =========================================
WGAN-GP, 32x32     ``widths=(128,) * 4``                    ``constrain_fn=plain, pool_fn=mean``
SNGAN, 32x32       the defaults                             the defaults
SNGAN, 128x128     ``(1024, 1024, 512, 256, 128, 64)``      ``(64, 128, 256, 512, 1024, 1024)``,
                                                            ``halvings=5``
=================  =======================================  =========================================

References:
    Gulrajani et al. 2017, arXiv 1704.00028, appendix F;
    Miyato et al. 2018, arXiv 1802.05957, appendix B.4, tables 4 and 5;
    Miyato and Koyama 2018, arXiv 1802.05637 (the conditional ones).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import BatchNorm, Conv, UpsampleConv, plain, spectral
from gan_jax.models.conditioning import LabelBatchNorm, check_labels, join_condition
from gan_jax.models.heads import Head

# Glorot's uniform weights, and those of the blocks' 3x3 convolutions with a gain of sqrt(2):
# the published program of Miyato et al. 2018
glorot = nn.initializers.variance_scaling(1.0, "fan_avg", "uniform")
block_glorot = nn.initializers.variance_scaling(2.0, "fan_avg", "uniform")

sum_pool = partial(jnp.sum, axis=(1, 2))
mean_pool = partial(jnp.mean, axis=(1, 2))


class ResidualBlock(nn.Module):
    """``shortcut(x) + F(x)`` with F = norm, activation, 3x3, norm, activation, 3x3; of either player.

    Attributes:
        features: channels of the result.
        hidden: channels between the two convolutions; ``features`` if None.
        up: whether the map doubles, before the first convolution (nearest neighbour).
        down: whether it halves, after the second (means of 2x2).
        activate_first: whether F begins with norm and activation; not so on an image.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`.
        norm_fn: ``(dtype=) -> module(inputs, train=)``, or None; where the block is told something,
            ``module(inputs, told, train=)``.
        activation_fn: elementwise.
        kernel_init: of the 3x3 convolutions.
        shortcut_init: of the shortcut's 1x1 convolution.
        dtype: of the computation.
        remat: whether the inside is computed anew for the gradient, which saves its memory.
    """

    features: int
    hidden: int | None = None
    up: bool = False
    down: bool = False
    activate_first: bool = True
    constrain_fn: Callable = plain
    norm_fn: Callable | None = None
    activation_fn: Callable = nn.relu
    kernel_init: Callable = block_glorot
    shortcut_init: Callable = glorot
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, told: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, H, W, C]`` (and what the norms are told) to ``[B, H', W', features]``."""

        def inside(block: "ResidualBlock", images: jax.Array, told: jax.Array | None):
            hidden = images
            if block.activate_first:
                hidden = normalised(block.norm_fn, hidden, told, dtype=block.dtype, train=train)
                hidden = block.activation_fn(hidden)
            hidden = block.conv(hidden, block.hidden or block.features, train, up=block.up)
            hidden = normalised(block.norm_fn, hidden, told, dtype=block.dtype, train=train)
            hidden = block.conv(block.activation_fn(hidden), block.features, train)
            return block.shortcut(images, train) + (halved(hidden) if block.down else hidden)

        return (nn.remat(inside) if self.remat else inside)(self, images, told)

    def conv(self, images: jax.Array, features: int, train: bool, *, up: bool = False) -> jax.Array:
        """A 3x3 convolution, perhaps of the doubled map."""
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        layer = UpsampleConv(features, 3, 2, **options) if up else Conv(features, 3, **options)
        return self.constrain_fn(layer)(images, train=train)

    def shortcut(self, images: jax.Array, train: bool) -> jax.Array:
        """The input at the size of the result; a 1x1 convolution where anything changes."""
        images = halved(images) if self.down else images  # commutes with the 1x1 convolution
        if self.up or self.down or images.shape[-1] != self.features:
            layer = Conv(self.features, 1, kernel_init=self.shortcut_init, dtype=self.dtype)
            images = self.constrain_fn(layer)(images, train=train)
        return doubled(images) if self.up else images


def normalised(
    norm_fn: Callable | None, inputs: jax.Array, told: Any, *, dtype: Any, train: bool
) -> jax.Array:
    """Through a new module of ``norm_fn``, which is told what there is to tell."""
    if norm_fn is None:
        return inputs
    norm = norm_fn(dtype=dtype)
    return norm(inputs, train=train) if told is None else norm(inputs, told, train=train)


def doubled(images: jax.Array) -> jax.Array:
    """Each pixel 2x2 times: ``[B, H, W, C] -> [B, 2 H, 2 W, C]``."""
    return images.repeat(2, axis=1).repeat(2, axis=2)


def halved(images: jax.Array) -> jax.Array:
    """Means of 2x2 pixels: ``[B, H, W, C] -> [B, H / 2, W / 2, C]``.

    Raises:
        ValueError: a length is odd.
    """
    batch, height, width, channels = images.shape
    if height % 2 or width % 2:
        raise ValueError(
            f"a map of {height}x{width} cannot be halved: take images whose sides can be halved as "
            "often as the discriminator does, or fewer halvings"
        )
    return images.reshape(batch, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def start_size(image_shape: tuple[int, int, int], doublings: int) -> tuple[int, int]:
    """Of the map from which so many doublings lead to the image.

    Raises:
        ValueError: there is none.
    """
    height, width, _ = image_shape
    scale = 2**doublings
    if doublings < 1 or height % scale or width % scale:
        raise ValueError(
            f"image_shape {image_shape} must be a multiple of {scale}: each width but the first "
            f"doubles the size, and there are {doublings + 1} widths (two or more)"
        )
    return height // scale, width // scale


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
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        hidden, told, norm_fn = self.join(latents, condition)
        layer = nn.Dense(math.prod(start), **options)
        hidden = self.constrain_fn(layer)(hidden, train=train).reshape(-1, *start)
        for features in others:
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
        hidden = normalised(self.norm_fn, hidden, None, dtype=self.dtype, train=train)
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
