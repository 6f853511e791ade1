"""The state that a run begins with, new or saved."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from gan_jax.data.batches import Feed
from gan_jax.game import GANState, init
from gan_jax.game.keys import run_keys
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.experiment import Experiment, feed_of
from gan_jax.training.first_batch import Batch, batch_shapes, first_batch
from gan_jax.training.run_folder import RunFolder

PlaceFn = Callable[[jax.ShapeDtypeStruct], jax.sharding.Sharding]
CheckpointName = Literal["last", "best"] | int  # or the number of a step


def first_state(
    experiment: Experiment,
    checkpoints: Checkpoints,
    place_fn: PlaceFn,
    feed: Feed,
    shapes: Batch,
) -> tuple[GANState, int]:
    """The newest saved state, or a new one, where ``place_fn`` says; and its step.

    Args:
        experiment: the experiment.
        checkpoints: of the run.
        place_fn: a leaf of the state -> where it lies.
        feed: whose first batch a new state is initialised on.
        shapes: of a batch of one seed.
    """
    target = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place_fn(leaf)),
        abstract_state(experiment, shapes),
    )
    state = checkpoints.restore(target)
    if state is None:
        shardings = jax.tree.map(lambda leaf: leaf.sharding, target)
        state = _new_state(experiment, first_batch(experiment, feed), shardings)
    return state, step_of(state)


def check_memory(experiment: Experiment, batch: Batch) -> None:
    """Refuses players, batches and seeds that memory does not hold, before anything is compiled.

    Counted are the states, one set of gradients and the batch; activations come on top of that.

    Raises:
        ValueError: with what is needed and what there is.
    """
    state = abstract_state(experiment, batch)
    parameters = (state.generator.params, state.discriminator.params)
    batches = experiment.num_seeds * _num_bytes(batch)
    needed = _num_bytes(state) + _num_bytes(parameters) + batches
    limit = _memory()
    if needed > limit:
        fitting = int(experiment.num_seeds * limit / needed)
        raise ValueError(
            f"the states, gradients and batch of {experiment.num_seeds} seeds need at least {needed / 2**30:.1f} GiB "
            f"(batch {batches / 2**30:.1f}), and there are {limit / 2**30:.1f}: "
            + (
                f"num_seeds can be at most {fitting}, less with their activations"
                if fitting
                else "take narrower players or a smaller batch"
            )
        )


def _memory() -> int:
    """Bytes of all devices together; on CPUs, of the machines of all processes."""
    # a device of this process: those of others do not tell
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] * jax.device_count()
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * jax.process_count()


def _num_bytes(tree) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def step_of(state: GANState) -> int:
    """Rounds played; all seeds have played as many."""
    step = state.step
    if isinstance(step, jax.Array):  # on several processes it lies whole on each
        step = step.addressable_data(0)
    return int(np.ravel(step)[0])


def members_of(state: GANState, num_seeds: int) -> list[GANState]:
    """The state of each seed."""
    if num_seeds == 1:
        return [state]
    return [jax.tree.map(lambda leaf, i=i: leaf[i], state) for i in range(num_seeds)]


def last_state(folder: RunFolder, experiment: Experiment) -> GANState:
    """The newest saved state of a run; reads only.

    Raises:
        FileNotFoundError: none was saved.
    """
    if (state := _saved_state(folder.checkpoints, folder, experiment)) is None:
        raise FileNotFoundError(f"{folder.path} has no checkpoint yet: train for longer")
    return state


def best_state(folder: RunFolder, experiment: Experiment) -> GANState:
    """The state of a run's best measurement; reads only.

    Raises:
        FileNotFoundError: nothing was measured during training.
    """
    if (state := _saved_state(folder.best, folder, experiment)) is None:
        raise FileNotFoundError(
            f"{folder.path} has no best checkpoint: only a run with --evaluate-every-steps keeps one"
        )
    return state


def state_at(folder: RunFolder, experiment: Experiment, checkpoint: CheckpointName) -> GANState:
    """A saved state of a run by its name; reads only.

    Args:
        folder: of the run.
        experiment: that was run.
        checkpoint: ``last``, ``best``, or the number of a step.

    Raises:
        FileNotFoundError: nothing was saved, or nothing measured.
        ValueError: no checkpoint of that step.
    """
    if checkpoint == "last":
        return last_state(folder, experiment)
    if checkpoint == "best":
        return best_state(folder, experiment)
    last_state(folder, experiment)  # says what is missing where nothing was saved
    with closing(Checkpoints(folder.checkpoints)) as checkpoints:
        return checkpoints.restore_step(checkpoint, _recorded_state(folder, experiment))


def state_before(
    folder: RunFolder, experiment: Experiment, step: int, feed: Feed
) -> tuple[GANState, int]:
    """The newest saved state from before a step, or the run's first; and its step. Reads only."""
    if folder.checkpoints.is_dir():
        with closing(Checkpoints(folder.checkpoints)) as checkpoints:
            earlier = [saved for saved in checkpoints.steps() if saved < step]
            if earlier:
                target = _recorded_state(folder, experiment)
                return checkpoints.restore_step(earlier[-1], target), earlier[-1]
    return _new_state(experiment, first_batch(experiment, feed)), 0


def member_at(state: GANState, experiment: Experiment, index: int) -> GANState:
    """The state of one of the runs side by side, by its index.

    Raises:
        ValueError: there is no such run.
    """
    if not 0 <= index < experiment.num_seeds:
        raise ValueError(f"--seed-index must be in 0 .. {experiment.num_seeds - 1}, got {index}")
    return members_of(state, experiment.num_seeds)[index]


def abstract_state(experiment: Experiment, batch: Batch) -> GANState:
    """The shapes and dtypes of an experiment's state.

    Args:
        experiment: the experiment.
        batch: the shapes of one seed's batch.
    """
    state = jax.eval_shape(_init_fn(experiment), jax.random.key(0), batch)
    if experiment.num_seeds == 1:
        return state
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((experiment.num_seeds, *leaf.shape), leaf.dtype), state
    )


def _recorded_state(folder: RunFolder, experiment: Experiment) -> GANState:
    """From the shapes that the folder keeps; one of an older version keeps none, and the data is asked."""
    batch = folder.batch_shapes()
    if batch is None:
        batch = batch_shapes(experiment, feed_of(experiment))
    return abstract_state(experiment, batch)


def _saved_state(checkpoints: Path, folder: RunFolder, experiment: Experiment) -> GANState | None:
    if not checkpoints.is_dir():
        return None
    with closing(Checkpoints(checkpoints)) as reader:
        return reader.restore(_recorded_state(folder, experiment))


def _new_state(experiment: Experiment, batch: Batch, shardings: Any = None) -> GANState:
    init_fn = _init_fn(experiment)
    init_fn = init_fn if experiment.num_seeds == 1 else jax.vmap(init_fn)
    return jax.jit(init_fn, out_shardings=shardings)(experiment.root_key, batch)


def _init_fn(experiment: Experiment) -> Callable[[jax.Array, Batch], GANState]:
    return lambda root_key, batch: init(experiment.game, run_keys(root_key).initialization, batch)
