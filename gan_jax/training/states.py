"""The state that a run begins with, new or saved."""

from contextlib import closing
from pathlib import Path

import jax

from gan_jax.game import GANState, init
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.experiment import Experiment
from gan_jax.training.run_folder import RunFolder


def first_state(experiment: Experiment, checkpoints: Checkpoints) -> tuple[GANState, int]:
    """The newest saved state, or a new one; and its step."""
    state = checkpoints.restore(abstract_state(experiment))
    if state is None:
        state = jax.jit(lambda: _new_state(experiment))()
    return state, int(state.step)


def last_state(folder: RunFolder, experiment: Experiment) -> GANState:
    """The newest saved state of a run; reads only.

    Raises:
        FileNotFoundError: none was saved.
    """
    if (state := saved_state(folder.checkpoints, experiment)) is None:
        raise FileNotFoundError(f"{folder.path} has no checkpoint yet: train for longer")
    return state


def best_state(folder: RunFolder, experiment: Experiment) -> GANState:
    """The state of a run's best measurement; reads only.

    Raises:
        FileNotFoundError: nothing was measured during training.
    """
    if (state := saved_state(folder.best, experiment)) is None:
        raise FileNotFoundError(
            f"{folder.path} has no best checkpoint: only a run with --measure-every-steps keeps one"
        )
    return state


def abstract_state(experiment: Experiment) -> GANState:
    """The shapes and dtypes of an experiment's state."""
    return jax.eval_shape(lambda: _new_state(experiment))


def saved_state(folder: Path, experiment: Experiment) -> GANState | None:
    """The newest state in a folder of checkpoints, or None; reads only."""
    if not folder.is_dir():
        return None
    with closing(Checkpoints(folder)) as checkpoints:
        return checkpoints.restore(abstract_state(experiment))


def _new_state(experiment: Experiment) -> GANState:
    key = jax.random.fold_in(experiment.root_key, 0)
    condition = None if experiment.condition_fn is None else experiment.condition_fn(key, 2)
    return init(experiment.game, key, condition)
