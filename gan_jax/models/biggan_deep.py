"""BigGAN-deep: bottleneck blocks twice as many, whose shortcuts keep what they are given.

The sizes that the paper used stand in the table of :mod:`gan_jax.models.biggan`.

References:
    Brock et al. 2019, arXiv 1809.11096, appendix B, figure 16 and tables 7 to 9.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.attention import SelfAttention, blocks_with_attention
from gan_jax.models.biggan import BigGANGenerator, beside, orthogonal_init
from gan_jax.models.blocks import Conv, UpsampleConv, plain, spectral
from gan_jax.models.heads import Head
from gan_jax.models.residual import doubled, halved, normalized
from gan_jax.models.resnet import check_halvings, sum_pool


class DeepBlock(nn.Module):
    """``shortcut(x) + F(x)`` with F of four layers, 1x1, 3x3, 3x3, 1x1, a quarter as wide within.

    Each layer follows a norm and an activation. The shortcut keeps the first channels where there are
    fewer afterwards, and joins a 1x1 convolution's where there are more.

    Attributes:
        features: channels of the result.
        up: whether the map doubles, before the first 3x3 convolution.
        down: whether it halves, before the last layer.
        constrain_fn: as of :class:`gan_jax.models.residual.ResidualBlock`, and so are the others.
    """

    features: int
    up: bool = False
    down: bool = False
    constrain_fn: Callable = plain
    norm_fn: Callable | None = None
    activation_fn: Callable = nn.relu
    kernel_init: Callable = orthogonal_init
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, told: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, H, W, C]`` (and what the norms are told) to ``[B, H', W', features]``."""
        most = max(images.shape[-1], self.features)
        if most % 4:
            raise ValueError(f"a block's widths must be multiples of 4, got {most}")

        def inside(block: "DeepBlock", images: jax.Array, told: jax.Array | None):
            hidden = images
            sizes = ((most // 4, 1), (most // 4, 3), (most // 4, 3), (block.features, 1))
            for index, (features, kernel_size) in enumerate(sizes):
                hidden = normalized(block.norm_fn, hidden, told, dtype=block.dtype, train=train)
                hidden = block.activation_fn(hidden)
                hidden = halved(hidden) if block.down and index == 3 else hidden
                doubles = block.up and index == 1
                hidden = block.conv(hidden, features, kernel_size, train, up=doubles)
            return block.shortcut(images, train) + hidden

        return (nn.remat(inside) if self.remat else inside)(self, images, told)

    def conv(
        self, images: jax.Array, features: int, size: int, train: bool, *, up: bool = False
    ) -> jax.Array:
        """A convolution, perhaps of the doubled map."""
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        kind = partial(UpsampleConv, stride=2) if up else Conv
        return self.constrain_fn(kind(features, size, **options))(images, train=train)

    def shortcut(self, images: jax.Array, train: bool) -> jax.Array:
        """The input at the size of the result."""
        images = halved(images) if self.down else images
        missing = self.features - images.shape[-1]
        if missing > 0:
            joined = self.conv(images, missing, 1, train)
            images = jnp.concatenate([images, joined], axis=-1)
        images = images[..., : self.features]
        return doubled(images) if self.up else images


class BigGANDeepGenerator(BigGANGenerator):
    """As :class:`BigGANGenerator`; all latents, beside the label's vector, go to every layer.

    Attributes:
        depth: blocks for each doubling; the last of them doubles.
    """

    depth: int = 2

    @nn.nowrap
    def parts(
        self, latents: jax.Array, vectors: jax.Array | None
    ) -> tuple[jax.Array, list[jax.Array]]:
        """What goes into the dense layer, and what each stage is told."""
        told = beside(vectors, latents)
        return told, [told] * (len(self.widths) - 1)

    def stage(self, hidden: jax.Array, told: jax.Array, features: int, train: bool) -> jax.Array:
        """The blocks to the next, doubled map."""
        for index in range(self.depth):
            last = index == self.depth - 1
            block = DeepBlock(
                features if last else hidden.shape[-1], up=last, norm_fn=self.vector_norm(),
                **self.shared_options(),
            )  # fmt: skip
            hidden = block(hidden, told, train=train)
        return hidden


class BigGANDeepDiscriminator(nn.Module):
    """Images ``[B, H, W, C]`` to logits ``[B]``: a convolution, blocks, activation, pooling, head.

    Attributes:
        widths: channels after the first convolution, and after each stage.
        halvings: how many of the stages, the first ones, halve the map.
        depth: blocks of each stage; the first of them halves.
        attention: heights of the maps that go through self-attention, after the first stage that
            gives them.
        constrain_fn: as of :class:`gan_jax.models.resnet.ResNetDiscriminator`, and so are the
            others.
    """

    widths: tuple[int, ...] = (192, 192, 192, 192)
    halvings: int = 2
    depth: int = 2
    attention: tuple[int, ...] = (16,)
    constrain_fn: Callable = spectral
    activation_fn: Callable = nn.relu
    pool_fn: Callable = sum_pool
    kernel_init: Callable = orthogonal_init
    num_classes: int | None = None
    head_fn: Callable = Head
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, H, W, C] -> [B]``, float32."""
        first, *others = self.widths
        check_halvings(self.halvings, tuple(others))
        heights = [
            images.shape[1] // 2 ** min(n, self.halvings) for n in range(1, len(self.widths))
        ]
        attended = blocks_with_attention(self.attention, heights)
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        hidden = self.constrain_fn(Conv(first, 3, **options))(images, train=train)
        for stage, features in enumerate(others):
            for index in range(self.depth):
                block = DeepBlock(
                    features, down=stage < self.halvings and index == 0, remat=self.remat,
                    constrain_fn=self.constrain_fn, activation_fn=self.activation_fn, **options,
                )  # fmt: skip
                hidden = block(hidden, train=train)
            if stage in attended:
                hidden = SelfAttention(self.constrain_fn, **options)(hidden, train=train)
        features = self.pool_fn(self.activation_fn(hidden))
        head = self.head_fn(self.num_classes, self.constrain_fn, self.kernel_init, self.dtype)
        return head(features, condition, train=train)
