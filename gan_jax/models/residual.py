"""The residual block of WGAN-GP, SNGAN and BigGAN, and what doubles and halves its maps.

References:
    Gulrajani et al. 2017, arXiv 1704.00028, appendix F;
    Miyato et al. 2018, arXiv 1802.05957, figures 7 and 8 of appendix B.4.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax

from gan_jax.models.blocks import Conv, UpsampleConv, plain

# Glorot's uniform weights, and those of the blocks' 3x3 convolutions with a gain of sqrt(2):
# the published program of Miyato et al. 2018
glorot = nn.initializers.variance_scaling(1.0, "fan_avg", "uniform")
block_glorot = nn.initializers.variance_scaling(2.0, "fan_avg", "uniform")


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
                hidden = normalized(block.norm_fn, hidden, told, dtype=block.dtype, train=train)
                hidden = block.activation_fn(hidden)
            hidden = block.conv(hidden, block.hidden or block.features, train, up=block.up)
            hidden = normalized(block.norm_fn, hidden, told, dtype=block.dtype, train=train)
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


def normalized(
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
