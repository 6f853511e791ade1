"""Packing: the discriminator judges several samples at once, so that it sees a lack of variety."""

import math

import jax
import jax.numpy as jnp

from gan_jax.augment import AugmentFn
from gan_jax.context import Turn


def pack(size: int) -> AugmentFn:
    """Join ``size`` samples to one along the last axis: ``[B, ..., C] -> [B / size, ..., size C]``.

    For ``Game.augment_fn``, as the last of a composition. A judgement is then of a pack: the
    logits, and so the terms of the losses, are one per pack; a gradient penalty takes the norm over
    a whole pack. A discriminator of this library takes any number of channels and needs no change.

    Args:
        size: samples in a pack, at least 1 (which changes nothing); it divides the batch.

    Raises:
        ValueError: now, when ``size`` is below 1; while tracing, when it does not divide the batch.

    References:
        Lin et al. 2018, arXiv 1712.04086, section 3 and figure 1.
    """
    if size < 1:
        raise ValueError(f"a pack holds at least 1 sample, got {size}")

    def augment_fn(key: jax.Array, samples: jax.Array, turn: Turn | None = None) -> jax.Array:
        rows = len(samples)
        if rows % size:
            raise ValueError(
                f"the pack size {size} must divide the batch, got {rows} samples; such as "
                f"{math.ceil(rows / size) * size}"
            )
        *rest, channels = samples.shape[1:]
        packs = samples.reshape(rows // size, size, *rest, channels)
        side_by_side = jnp.moveaxis(packs, 1, -2)  # [B / size, ..., size, C]
        return side_by_side.reshape(rows // size, *rest, size * channels)

    return augment_fn
