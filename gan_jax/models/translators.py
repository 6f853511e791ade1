"""Image to image between two domains, with residual blocks in the middle: the generators of CycleGAN.

References:
    Zhu et al. 2017, arXiv 1703.10593, section 4 and appendix 7.2; Johnson et al. 2016, arXiv 1603.08155.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import Block, Conv, Residual, UpsampleConv, times
from gan_jax.models.unet import check_halves


class InstanceNorm(nn.Module):
    """Each channel of each image: its mean 0, its variance 1. Without parameters, and without memory.

    Attributes:
        dtype: of the result; the statistics are float32.
        epsilon: added to the variance.

    References:
        Ulyanov et al. 2016, arXiv 1607.08022, equation 5.
    """

    dtype: Any = None
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> jax.Array:
        """``[B, H, W, C] -> [B, H, W, C]``."""
        wide = images.astype(jnp.float32)
        mean = wide.mean((1, 2), keepdims=True)
        variance = jnp.square(wide - mean).mean((1, 2), keepdims=True)
        normal = (wide - mean) * jax.lax.rsqrt(variance + self.epsilon)
        return normal.astype(self.dtype or images.dtype)


class Translator(nn.Module):
    """Images ``[B, H, W, C]`` to images ``[B, H, W, channels]`` in ``[-1, 1]``.

    A convolution by 7x7, one more for each further width, which halves the map, residual blocks, and the same
    way back by enlargement before a convolution (the paper's are transposed). Borders are zeros, not mirrored.

    Attributes:
        channels: of the output.
        widths: channels from full size down.
        residual_blocks: on the smallest map.
        norm_fn: after every convolution but the last, or None.
        kernel_init: of every convolution.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient.
    """

    channels: int
    widths: tuple[int, ...] = (16, 32, 64)
    residual_blocks: int = 3
    norm_fn: Callable | None = InstanceNorm
    activation_fn: Callable = nn.relu
    kernel_init: Callable = nn.initializers.he_normal()
    dtype: Any = None
    remat: bool = False

    def setup(self):
        """The layers, which both methods share."""
        conv = partial(Conv, kernel_init=self.kernel_init, dtype=self.dtype)
        same = dict(
            norm_fn=self.norm_fn,
            activation_fn=self.activation_fn,
            dtype=self.dtype,
            remat=self.remat,
        )
        first, *further = self.widths
        self.down = [
            Block(conv(first, 7), **same),
            *(Block(conv(width, 3, stride=2), **same) for width in further),
        ]
        self.middle = [
            Residual(partial(conv, kernel_size=3), **same) for _ in times(self.residual_blocks)
        ]
        enlarge = partial(UpsampleConv, kernel_size=3, stride=2, kernel_init=self.kernel_init)
        self.up = [Block(enlarge(width, dtype=self.dtype), **same) for width in self.widths[-2::-1]]
        self.last = conv(self.channels, 7)

    def __call__(self, images: jax.Array, condition: None = None, *, train: bool) -> jax.Array:
        """``[B, H, W, C] -> [B, H, W, channels]``, float32 in ``[-1, 1]``.

        Raises:
            ValueError: the widths cannot halve the image; the nearest sizes that fit are named.
        """
        hidden = self.features(images, train=train)[-1]
        for block in self.up:
            hidden = block(hidden, train=train)
        return jnp.tanh(self.last(hidden).astype(jnp.float32))

    def features(self, images: jax.Array, *, train: bool) -> list[jax.Array]:
        """What the first half makes of an image: the image itself, and the map after each block."""
        check_halves(images.shape[1:3], len(self.widths) - 1)
        maps = [images]
        for block in (*self.down, *self.middle):
            maps.append(block(maps[-1], train=train))
        return maps


class TwoWays(nn.Module):
    """A translator for each direction; one player.

    Attributes:
        forth: the module from domain a to domain b.
        back: from b to a.
    """

    forth: nn.Module
    back: nn.Module

    def __call__(self, images: jax.Array, condition: None = None, *, train: bool) -> jax.Array:
        """From a to b."""
        return self.into_b(images, train=train)

    def into_b(self, images: jax.Array, *, train: bool) -> jax.Array:
        """From a to b."""
        return self.forth(images, train=train)

    def into_a(self, images: jax.Array, *, train: bool) -> jax.Array:
        """From b to a."""
        return self.back(images, train=train)


class OneJudgeEach(nn.Module):
    """A discriminator for each domain: ``{"a": images, "b": images}`` to ``{"a": logits, "b": logits}``.

    Attributes:
        judges: name of a domain -> its module.
    """

    judges: dict[str, nn.Module]

    def __call__(self, samples: dict[str, jax.Array], condition: None = None, *, train: bool):
        """A tree of samples to a tree of logits."""
        return {name: judge(samples[name], train=train) for name, judge in self.judges.items()}
