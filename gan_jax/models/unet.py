"""U-Net: an image of any size that its levels can halve, to another of the same size.

What lies far is seen on small maps, what lies near comes around them: each level's map on the way down is laid
beside the map of its size on the way up.

References:
    Ronneberger et al. 2015, arXiv 1505.04597, figure 1; Isola et al. 2017, arXiv 1611.07004, section 3.2; Zhang et
    al. 2018, arXiv 1710.04026, section III-B (blocks of pixels as channels).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import Block, Conv, UpsampleConv, leaky_relu
from gan_jax.models.convolutions import depth_to_space, space_to_depth


class UNet(nn.Module):
    """Images ``[B, H, W, C]`` to maps ``[B, scale H, scale W, channels]``, unbounded.

    Two convolutions a level; the first of a level below halves the map. On the way up the map is
    enlarged before a convolution, without the checkerboard of a transposed one. What the last
    convolution says is added to the input where ``residual``: the network then starts from what it is
    given, and learns what is wrong with it.

    Attributes:
        channels: of the output.
        widths: channels of each level, from full size down.
        scale: by which the input is enlarged, without smoothing, before everything else.
        block: sides of the squares of pixels that become channels at the door, and pixels again at the
            end: the network then works on a smaller map, at the same accuracy and less cost.
        residual: whether the output is added to the (enlarged) input.
        norm_fn: after every hidden convolution, or None.
        dropout_rate: on the way up, in training: the only noise of pix2pix.
        kernel_init: of every convolution but the last.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient.
    """

    channels: int
    widths: tuple[int, ...] = (32, 64, 128)
    scale: int = 1
    block: int = 1
    residual: bool = True
    norm_fn: Callable | None = None
    dropout_rate: float = 0.0
    activation_fn: Callable = leaky_relu
    kernel_init: Callable = nn.initializers.he_normal()
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(self, images: jax.Array, condition: None = None, *, train: bool) -> jax.Array:
        """``[B, H, W, C] -> [B, scale H, scale W, channels]``, float32.

        Raises:
            ValueError: the levels cannot halve the image; the nearest sizes that fit are named.
        """
        images = images.repeat(self.scale, axis=1).repeat(self.scale, axis=2)
        check_halves(images.shape[1:3], len(self.widths) - 1, block=self.block)
        conv = partial(Conv, kernel_size=3, kernel_init=self.kernel_init, dtype=self.dtype)
        options = dict(
            norm_fn=self.norm_fn,
            activation_fn=self.activation_fn,
            dtype=self.dtype,
            remat=self.remat,
        )
        hidden, passed = space_to_depth(images, self.block), []
        for level, width in enumerate(self.widths):
            hidden = Block(conv(width, stride=2 if level else 1), **options)(hidden, train=train)
            hidden = Block(conv(width), **options)(hidden, train=train)
            passed.append(hidden)
        for width, beside in zip(self.widths[-2::-1], passed[-2::-1], strict=True):
            layer = UpsampleConv(width, 3, 2, kernel_init=self.kernel_init, dtype=self.dtype)
            hidden = Block(layer, **options)(hidden, train=train)
            hidden = jnp.concatenate([hidden, beside.astype(hidden.dtype)], axis=-1)
            block = Block(conv(width), **options, dropout_rate=self.dropout_rate)
            hidden = block(hidden, train=train)
        features = self.channels * self.block**2
        last = Conv(features, 3, kernel_init=nn.initializers.normal(1e-3), dtype=self.dtype)
        outputs = depth_to_space(last(hidden).astype(jnp.float32), self.block)
        return outputs + images if self.residual else outputs


def check_halves(size: tuple[int, int], times: int, *, block: int = 1) -> None:
    """Refuses sides that cannot be cut into blocks, and these halved so many times.

    Raises:
        ValueError: with the nearest sizes that fit.
    """
    step = block * 2**times
    if any(side % step for side in size):
        below = "x".join(str(max(side // step, 1) * step) for side in size)
        above = "x".join(str(-(-side // step) * step) for side in size)
        raise ValueError(
            f"a network that halves maps of {block}x{block} pixels {times} times needs sides that are multiples of {step}, got "
            f"{size[0]}x{size[1]}: the nearest that fit are {below} and {above}"
        )
