"""Self-attention over the places of a map, behind a gate that is shut when training begins.

References:
    Zhang et al. 2019, arXiv 1805.08318, section 3 (SAGAN). The block is that of the published
    program, which the paper describes otherwise: keys and values are pooled, values have half of
    the channels, and the products are not divided by a root.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import Conv, plain


class SelfAttention(nn.Module):
    """``x + gate * W_o(softmax(q k^T) v)``: 1x1 convolutions without biases, gate 0 at first.

    Queries q have C / 8 channels at every place; keys k have C / 8 and values v C / 2, each the
    largest of 2x2 places.

    Attributes:
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`.
        kernel_init: of the convolutions.
        dtype: of the computation.
    """

    constrain_fn: Callable = plain
    kernel_init: Callable = nn.initializers.lecun_normal()
    dtype: Any = None

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> jax.Array:
        """``[B, H, W, C] -> [B, H, W, C]``; C is a multiple of 8, H and W are even."""
        batch, height, width, channels = images.shape
        if channels % 8 or height % 2 or width % 2:
            raise ValueError(
                "attention needs channels in multiples of 8 and even sides, got "
                f"{channels} channels of {height}x{width}"
            )

        def conv(name: str, inputs: jax.Array, features: int) -> jax.Array:
            options = dict(use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype)
            return self.constrain_fn(Conv(features, 1, name=name, **options))(inputs, train=train)

        queries = conv("query", images, channels // 8).reshape(batch, -1, channels // 8)
        keys = _pooled(conv("key", images, channels // 8))
        values = _pooled(conv("value", images, channels // 2))
        # in float32: the softmax of large bfloat16 products is coarse
        shares = jax.nn.softmax(jnp.einsum("bqc,bkc->bqk", queries, keys).astype(jnp.float32))
        found = jnp.einsum("bqk,bkc->bqc", shares.astype(values.dtype), values)
        found = conv("output", found.reshape(batch, height, width, -1), channels)
        gate = self.param("gate", nn.initializers.zeros, ())
        return images + gate.astype(found.dtype) * found


def _pooled(images: jax.Array) -> jax.Array:
    """The largest of each 2x2 places, as rows: ``[B, H, W, C] -> [B, H W / 4, C]``."""
    batch, height, width, channels = images.shape
    places = images.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return places.max((2, 4)).reshape(batch, -1, channels)


def blocks_with_attention(attention: tuple[int, ...], heights: list[int]) -> set[int]:
    """After which of a network's blocks there is attention: the first that gives a map of the height.

    Args:
        attention: heights at which it is asked for.
        heights: of the map after each block.

    Raises:
        ValueError: one does not occur.
    """
    missing = [height for height in attention if height not in heights]
    if missing:
        raise ValueError(
            f"attention is asked for at maps of height {missing}, and the blocks give {heights}"
        )
    return {heights.index(height) for height in attention}
