"""What dividing the batch over devices changes in a step: five functions, and nothing else."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import lax


class BatchAxis(NamedTuple):
    """How one program sees the global batch.

    Attributes:
        global_size: rows here -> rows in the global batch.
        own_rows: an array drawn for the global batch -> the rows of this program.
        own_key: a key -> one that differs on every device.
        gather: rows here -> rows of the global batch (logits, for losses that compare rows).
        mean: a tree of means over the rows here -> means over the global batch.
    """

    global_size: Callable[[int], int]
    own_rows: Callable[[jax.Array], jax.Array]
    own_key: Callable[[jax.Array], jax.Array]
    gather: Callable[[jax.Array], jax.Array]
    mean: Callable[[Any], Any]


def undivided(shard_fn: Callable[[jax.Array], jax.Array]) -> BatchAxis:
    """One program for the whole batch: one device, or ``jit`` on a mesh.

    Args:
        shard_fn: places an array drawn for the global batch on the mesh.
    """

    def same(value):
        return value

    return BatchAxis(same, shard_fn, same, same, same)


def divided(axis_name: str) -> BatchAxis:
    """One program per device, each with its rows: ``pmap``.

    Every device computes the loss of the gathered global batch; differentiating the gather sums the
    devices' cotangents, and the mean of the gradients undoes that factor.
    """

    def own_rows(rows):
        size = len(rows) // lax.axis_size(axis_name)
        return lax.dynamic_slice_in_dim(rows, lax.axis_index(axis_name) * size, size)

    return BatchAxis(
        global_size=lambda size: size * lax.axis_size(axis_name),
        own_rows=own_rows,
        own_key=lambda key: jax.random.fold_in(key, lax.axis_index(axis_name)),
        gather=lambda rows: lax.all_gather(rows, axis_name, tiled=True),
        mean=lambda tree: lax.pmean(tree, axis_name),
    )
