"""PatchGAN: a discriminator that judges every patch of an image by itself.

It says nothing of how patches far from one another go together, which is left to a loss that compares images.
So it has few parameters, and takes images of any size.

References:
    Isola et al. 2017, arXiv 1611.07004, section 3.3; Wang et al. 2018, arXiv 1711.11585, section 3.2 (several
    scales).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import Block, Conv, leaky_relu, plain
from gan_jax.models.residual import halved


class PatchDiscriminator(nn.Module):
    """Images ``[B, H, W, C]`` to a logit for each patch ``[B, h, w]``; of several scales, a tuple of them.

    Each width is a convolution by 4x4 pixels that halves the map. What the image was made from, the condition, is
    laid beside it: an image ``[B, H', W', C']`` of its size, or smaller by a whole factor. A patch is
    :func:`receptive_field` pixels wide; with no width it is one pixel (PixelGAN).

    Attributes:
        widths: channels after each convolution.
        scales: judges of their own parameters, each of which sees the image at half the size of the
            one before.
        norm_fn: after every convolution but the first and the last, or None.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`, for every layer.
        kernel_init: of every convolution.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient.
    """

    widths: tuple[int, ...] = (32, 64)
    scales: int = 1
    norm_fn: Callable | None = None
    constrain_fn: Callable = plain
    activation_fn: Callable = leaky_relu
    kernel_init: Callable = nn.initializers.he_normal()
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> Any:
        """``[B, H, W, C] -> [B, h, w]``, float32, or a tuple of them."""
        if self.scales < 1:
            raise ValueError(f"scales must be at least 1, got {self.scales}")
        hidden = images if condition is None else laid_beside(images, condition)
        logits = []
        for scale in range(self.scales):
            hidden = halved(hidden) if scale else hidden
            logits.append(self._judge(hidden, scale, train))
        return logits[0] if self.scales == 1 else tuple(logits)

    def _judge(self, hidden: jax.Array, scale: int, train: bool) -> jax.Array:
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        block = partial(Block, constrain_fn=self.constrain_fn, dtype=self.dtype, remat=self.remat)
        for place, width in enumerate(self.widths):
            layer = Conv(width, 4, 2, **options, name=f"scale_{scale}_{place}")
            hidden = block(
                layer,
                norm_fn=self.norm_fn if place else None,
                activation_fn=self.activation_fn,
                name=f"scale_{scale}_{place}_block",
            )(hidden, train=train)
            self.sow("intermediates", "features", hidden)
        layer = Conv(1, 3 if self.widths else 1, **options, name=f"scale_{scale}_logits")
        last = block(layer, activation_fn=None, name=f"scale_{scale}_logits_block")
        return last(hidden, train=train)[..., 0].astype(jnp.float32)


def laid_beside(images: jax.Array, condition: jax.Array) -> jax.Array:
    """Both images in one, the condition enlarged to the size of the other by a whole factor.

    Raises:
        ValueError: no whole factor does it.
    """
    factor = images.shape[1] // condition.shape[1]
    enlarged = condition.repeat(factor, axis=1).repeat(factor, axis=2)
    if enlarged.shape[:3] != images.shape[:3]:
        raise ValueError(
            f"a condition of {condition.shape} cannot be laid beside images of {images.shape}: its "
            "sides must be theirs, or a whole part of them"
        )
    return jnp.concatenate([images, enlarged.astype(images.dtype)], axis=-1)


def receptive_field(widths: tuple[int, ...]) -> int:
    """How many pixels wide a patch is: ``1`` without widths, else ``2^n + 2 + 3 (2^n - 1)``... by recursion.

    From a logit back: a convolution by 3, then for each width one by 4 with a stride of 2.
    """
    if not widths:
        return 1
    field = 3
    for _ in widths:
        field = 2 * field + 2
    return field
