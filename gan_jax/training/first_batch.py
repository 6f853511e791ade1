"""The first batch of a run, which its players are initialised on, and its shapes."""

from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from gan_jax.data.batches import Feed
from gan_jax.game import Game
from gan_jax.game.keys import run_keys
from gan_jax.models.conditioning import check_range
from gan_jax.training.experiment import Experiment

Batch = Any  # a tree of arrays [discriminator_steps, B, ...], or of their shapes


def first_batch(experiment: Experiment, feed: Feed) -> Batch:
    """The batch of step 0, whole on each process; of several seeds with a leading axis.

    Raises:
        ValueError: its labels are no classes of a player.
    """
    load = _load_fn(feed)
    load = load if experiment.num_seeds == 1 else jax.vmap(load)
    batch = jax.jit(load)(_first_tree(experiment, feed), experiment.root_key)
    _check_labels(experiment.game, batch)
    if jax.process_count() == 1:
        return batch
    rows_axis = 1 if experiment.num_seeds == 1 else 2
    return jax.tree.map(lambda leaf: _from_all_processes(leaf, rows_axis), batch)


def _check_labels(game: Game, batch: Batch) -> None:
    """Here the labels are numbers; within a step they are not known."""
    condition = batch.get("condition")
    for player in (game.generator, game.discriminator):
        num_classes = getattr(player, "num_classes", None)
        if num_classes and isinstance(condition, jax.Array):
            check_range(condition, num_classes)


def batch_shapes(experiment: Experiment, feed: Feed) -> Batch:
    """The shapes and dtypes of the global batch of one seed."""
    tree = _first_tree(experiment, feed)
    if experiment.num_seeds > 1:
        tree = jax.tree.map(lambda leaf: leaf[0], tree)
    shapes = jax.eval_shape(_load_fn(feed), tree, jax.random.key(0))
    count = jax.process_count()
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(
            (leaf.shape[0], count * leaf.shape[1], *leaf.shape[2:]), leaf.dtype
        ),
        shapes,
    )


def _first_tree(experiment: Experiment, feed: Feed) -> Any:
    tree = feed.feed_fn(0, 1)
    if experiment.num_seeds == 1:
        return jax.tree.map(lambda leaf: leaf[0], tree)
    return jax.tree.map(lambda leaf: leaf[:, 0], tree)


def _load_fn(feed: Feed):
    return lambda tree, root_key: feed.load_fn(feed.resident, tree, run_keys(root_key).data)


def _from_all_processes(leaf: jax.Array, rows_axis: int) -> np.ndarray:
    rows_first = np.moveaxis(np.asarray(leaf), rows_axis, 0)
    return np.moveaxis(multihost_utils.process_allgather(rows_first, tiled=True), 0, rows_axis)
