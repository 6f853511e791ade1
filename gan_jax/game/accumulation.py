"""Micro-batches (gradient accumulation): the mean of an objective over parts of a batch, with the memory of one part."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.game.batch import Batch
from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.loops import scan


class Beside(NamedTuple):
    """What an objective gives beside its value.

    Attributes:
        variables: the player's, but its parameters, after the passes.
        metrics: means over the rows.
        rows: what a memory may look at, or None.
    """

    variables: Any
    metrics: Mapping[str, jax.Array]
    rows: Any


ObjectiveFn = Callable[[Any], tuple[jax.Array, Beside]]  # params -> (objective, beside)


def accumulated(
    objective_of: Callable[[BatchAxis, Batch], ObjectiveFn],
    axis: BatchAxis,
    batch: Batch,
    micro_batches: int,
) -> ObjectiveFn:
    """``1/n sum_i objective_i(params)``, and likewise variables and metrics, over n micro-batches.

    Each is computed anew when its gradient is taken, so that the activations of one of them are in memory at
    a time; that is about a third more work. Exact for what judges each row by itself or against the row
    at its place. What looks across rows (batch norm, minibatch standard deviation, relativistic average,
    top-k) sees one micro-batch; running statistics move once, by the mean over the micro-batches.

    Micro-batch i holds the rows i, i + n, i + 2n, ..., so that each device splits the rows that it has.

    Args:
        objective_of: ``(axis, rows) -> objective`` of one part.
        axis: how the batch is divided over devices.
        batch: a tree of rows; each leaf is divided by its own length.
        micro_batches: n, which divides the rows of each leaf.

    Raises:
        ValueError: it does not.
    """
    if micro_batches == 1:
        return objective_of(axis, batch)
    _check_divides(micro_batches, batch)

    def objective_fn(params):
        @jax.checkpoint
        def part(params, index):
            rows = jax.tree.map(lambda leaf: _every(leaf, index, micro_batches), batch)
            value, beside = objective_of(_micro_axis(axis, index, micro_batches), rows)(params)
            return (value, beside.variables, beside.metrics), beside.rows

        def add(total, index):
            means, rows = part(params, index)
            return jax.tree.map(jnp.add, total, means), rows

        shapes, _ = jax.eval_shape(part, params, 0)
        zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        total, rows = scan(add, zero, jnp.arange(micro_batches))
        value, variables, metrics = jax.tree.map(
            lambda leaf: (leaf / micro_batches).astype(leaf.dtype), total
        )
        return value, Beside(variables, metrics, jax.tree.map(_in_order, rows))

    return objective_fn


def _check_divides(micro_batches: int, batch: Batch) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(batch):
        if len(leaf) % micro_batches:
            raise ValueError(
                f"micro_batches={micro_batches} must divide the {len(leaf)} rows of batch"
                f"{jax.tree_util.keystr(path)} (on one device)"
            )


def _every(rows: jax.Array, index: jax.Array, count: int) -> jax.Array:
    parts = rows.reshape(len(rows) // count, count, *rows.shape[1:])
    return jax.lax.dynamic_index_in_dim(parts, index, axis=1, keepdims=False)


def _in_order(parts: jax.Array) -> jax.Array:
    """``[n, B / n, ...]``, the rows of each part, to ``[B, ...]``: the inverse of :func:`_every`."""
    return jnp.swapaxes(parts, 0, 1).reshape(-1, *parts.shape[2:])


def _micro_axis(axis: BatchAxis, index: jax.Array, count: int) -> BatchAxis:
    """A micro-batch as a further division of the global batch."""
    return axis._replace(
        global_size=lambda size: axis.global_size(size * count),
        own_rows=lambda tree: jax.tree.map(
            lambda rows: _every(rows, index, count), axis.own_rows(tree)
        ),
        own_key=lambda key: jax.random.fold_in(axis.own_key(key), index),
    )
