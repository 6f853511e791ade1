"""Plays one step of a run again: ``python -m gan_jax replay RUN --step N``.

Its last operation by operation, so that the first one that makes a NaN or an infinity is named.
"""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from tqdm import trange

from gan_jax.commands.command import as_command
from gan_jax.game import GANState, make_train_step
from gan_jax.game.keys import run_keys
from gan_jax.training.experiment import Experiment, feed_of, rebuild
from gan_jax.training.parallel import jit_arrangement
from gan_jax.training.restore import member_at, state_before
from gan_jax.training.run_folder import RunFolder


@as_command
def replay(
    run: Annotated[Path, tyro.conf.Positional],
    *,
    step: int,
    seed_index: int = 0,
    data_dir: Path | None = None,
    trust: bool = False,
) -> None:
    """Plays a step again from the checkpoint before it, and names the first bad operation.

    Args:
        run: the run folder.
        step: counted from 1, as messages name it.
        seed_index: which of a run of several seeds, from 0.
        data_dir: where the data lies now; without it, where the run had it.
        trust: execute the experiment's file in the folder, though it is a stranger's.
    """
    if step < 1:
        raise ValueError(f"--step counts from 1, got {step}")
    folder = RunFolder(run)
    whole_run = rebuild(folder, data_dir=data_dir, trust=trust)
    if step > whole_run.steps:
        raise ValueError(
            f"--step must be in 1 .. {whole_run.steps}, the steps of {folder.path}, got {step}"
        )
    whole, begin = state_before(folder, whole_run, step, feed_of(whole_run))
    state = member_at(whole, whole_run, seed_index)
    experiment = whole_run.members[seed_index]
    feed = feed_of(experiment)
    arrangement = jit_arrangement(experiment.game, feed, jax.devices()[:1], play=experiment.play)
    state = arrangement.put_state(jax.tree.map(np.asarray, state))
    for done in trange(begin, step - 1, desc="playing up to it", leave=False, disable=None):
        state, _ = arrangement.train(state, feed.feed_fn(done, 1), experiment.root_key)
    print(f"step {step} of {folder.path}, from the checkpoint of step {begin}")
    print(_verdict(_one_step(experiment, feed, step, state)))


def _one_step(experiment: Experiment, feed: Any, step: int, state: GANState) -> Callable[[], Any]:
    """The step, to be played without compilation."""
    tree = jax.tree.map(lambda leaf: leaf[0], feed.feed_fn(step - 1, 1))
    keys = run_keys(experiment.root_key)
    batch = feed.load_fn(feed.resident, tree, keys.data)
    train_step = make_train_step(experiment.game, experiment.play)
    return lambda: train_step(state, batch, keys.step)


def _verdict(play: Callable[[], Any]) -> str:
    """What the step does: the first operation that makes a NaN, or else an infinity, or that all is finite."""
    for checks in (jax.debug_nans, jax.debug_infs):
        with jax.disable_jit():
            try:
                with checks(True):
                    state, metrics = play()
            except FloatingPointError as error:
                return f"{error}\n  at {_place(error)}"
        leaves = jax.tree.leaves((state.generator.params, state.discriminator.params, metrics))
        if all(np.isfinite(leaf).all() for leaf in leaves):
            return (
                "all finite: parameters and metrics after this step hold neither NaN nor infinity"
            )
    return "not finite, but no single operation made it: look at the parameters before this step"


def _place(error: Exception) -> str:
    """The innermost line that is not JAX's, Flax's or Optax's own."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    frame = (ours or frames)[-1]
    return f"{frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}"
