"""What dividing the batch over devices changes in a step: five functions, and nothing else."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import lax

from gan_jax.models.blocks import DEVICE_AXIS


class BatchAxis(NamedTuple):
    """How one program sees the global batch.

    Attributes:
        global_size: rows here -> rows in the global batch.
        own_rows: a tree drawn for the global batch -> the rows of this program.
        own_key: a key -> one that differs on every device.
        gather: a tree of rows here -> rows of the global batch.
        mean: a tree of means over the rows here -> means over the global batch.
    """

    global_size: Callable[[int], int]
    own_rows: Callable[[Any], Any]
    own_key: Callable[[jax.Array], jax.Array]
    gather: Callable[[Any], Any]
    mean: Callable[[Any], Any]


def undivided(shard_fn: Callable[[jax.Array], jax.Array]) -> BatchAxis:
    """One program for the whole batch: one device, or ``jit`` on a mesh.

    Args:
        shard_fn: places an array drawn for the global batch on the mesh.
    """

    def same(value):
        return value

    def own_rows(tree):
        return jax.tree.map(shard_fn, tree)

    return BatchAxis(same, own_rows, same, same, same)


def divided(axis_name: str) -> BatchAxis:
    """One program per device, each with its rows: ``pmap`` and ``shard_map``.

    Every device computes the loss of the gathered global batch; differentiating the gather sums the
    devices' cotangents, and the mean of the gradients undoes that factor.

    Raises:
        ValueError: the axis has another name than batch normalisation looks for.
    """
    if axis_name != DEVICE_AXIS:
        raise ValueError(
            f"axis_name must be {DEVICE_AXIS!r}, under which batch normalisation averages over the devices, got "
            f"{axis_name!r}"
        )

    def own_rows(rows):
        size = len(rows) // lax.axis_size(axis_name)
        return lax.dynamic_slice_in_dim(rows, lax.axis_index(axis_name) * size, size)

    def gather(rows):
        if jax.dtypes.issubdtype(rows.dtype, jax.dtypes.prng_key):
            keys = lax.all_gather(jax.random.key_data(rows), axis_name, tiled=True)
            return jax.random.wrap_key_data(keys, impl=jax.random.key_impl(rows))
        return lax.all_gather(rows, axis_name, tiled=True)

    return BatchAxis(
        global_size=lambda size: size * lax.axis_size(axis_name),
        own_rows=lambda tree: jax.tree.map(own_rows, tree),
        own_key=lambda key: jax.random.fold_in(key, lax.axis_index(axis_name)),
        gather=lambda tree: jax.tree.map(gather, tree),
        mean=lambda tree: lax.pmean(tree, axis_name),
    )
