"""A batch of a round: a dict of trees whose leaves are ``[discriminator_steps, B, ...]``."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

Batch = Mapping[str, Any]


def check_batch(batch: Batch, discriminator_steps: int) -> None:
    """Refuses a batch whose leaves do not begin with the axes of a round.

    Raises:
        ValueError: a leaf has no axis for the rounds, or of another length; or as :func:`num_rows`.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(dict(batch)):
        if leaf.ndim < 2 or len(leaf) != discriminator_steps:
            raise ValueError(
                f"batch{jax.tree_util.keystr(path)} must be [discriminator_steps={discriminator_steps}, B, ...], "
                f"got {leaf.shape}: for one step a round, leaf[None]"
            )
    num_rows(rows_of(batch))


def rows_of(batch: Batch, index: int = 0, *, batches: int = 1) -> Batch:
    """The rows ``[batches B, ...]`` of one update; the round's are taken again when they are fewer.

    Several batches are dealt row by row, so that the rows of one device stay its rows.
    """

    def taken(leaf: jax.Array) -> jax.Array:
        places = [(index * batches + place) % len(leaf) for place in range(batches)]
        rows = jnp.stack([leaf[place] for place in places], axis=1)
        return rows.reshape(-1, *leaf.shape[2:])

    if batches == 1:
        return jax.tree.map(lambda leaf: leaf[index % len(leaf)], dict(batch))
    return jax.tree.map(taken, dict(batch))


def num_rows(rows: Batch) -> int:
    """B: how many latents are drawn. The length of ``real`` if there is one, else of all leaves.

    Raises:
        ValueError: the leaves that count have different lengths.
    """
    counted = {"real": rows["real"]} if "real" in rows else dict(rows)
    lengths = {
        jax.tree_util.keystr(path): len(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(counted)
    }
    if len(set(lengths.values())) != 1:
        raise ValueError(
            f"a batch must say how many examples are drawn for it: by its 'real', or by one length of all its "
            f"leaves, got {lengths or 'no leaves'}"
        )
    return next(iter(lengths.values()))
