"""One run from beginning to end: folder, data, state, loop, figures."""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from gan_jax.data import ArraySource, Batches, Source
from gan_jax.game import GANState, draw_latents, generate, init
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.experiment import Experiment
from gan_jax.training.interruption import listen
from gan_jax.training.loop import train
from gan_jax.training.parallel import jit_arrangement, pmap_arrangement
from gan_jax.training.pictures import save_curves
from gan_jax.training.run_folder import RunFolder, read_json, write_json
from gan_jax.training.run_log import RunLog

ARRANGEMENTS = {"jit": jit_arrangement, "pmap": pmap_arrangement}
_NUM_PICTURED = 64


def run(
    experiment: Experiment,
    *,
    run_dir: Path,
    experiment_file: Path,
    arguments: dict[str, Any],
    parallel: Literal["jit", "pmap"] = "jit",
) -> None:
    """Trains an experiment in a run folder, or goes on with what is there.

    Args:
        experiment: the experiment.
        run_dir: the run folder; made if it is not there.
        experiment_file: the Python file that defines the experiment.
        arguments: with which its function was called; JSON.
        parallel: the arrangement over all devices.
    """
    began = time.perf_counter()
    folder = RunFolder(run_dir)
    folder.prepare()
    source = experiment.source_fn()
    config = {
        "experiment": experiment_file.stem,
        "arguments": arguments,
        "data": source_fingerprint(source),
        "parallel": parallel,
        "versions": {name: version(name) for name in ("gan-jax", "jax", "flax", "optax")},
    }
    batches = Batches(
        source,
        batch_size=experiment.batch_size,
        seed=experiment.seed,
        steps_per_round=experiment.game.discriminator_steps,
    )
    folder.adopt(config, experiment_file)
    checkpoints = Checkpoints(folder.checkpoints, record=config)
    state, done = first_state(experiment, checkpoints)
    if done >= experiment.steps and _is_judged(folder, done):
        print(_finished(folder, done, experiment.steps))
        checkpoints.close()
        return
    if done:
        print(f"resuming {folder.path} at step {done} of {experiment.steps}")

    feed = batches.feed(experiment.prepare_fn)
    arrangement = ARRANGEMENTS[parallel](experiment.game, feed)
    log = RunLog(folder, first_step=done, steps=experiment.steps, batch_size=experiment.batch_size)
    drawer = Drawer(experiment)
    try:
        with listen() as request:
            state = train(
                experiment,
                state,
                feed_fn=feed.feed_fn,
                arrangement=arrangement,
                log=log,
                picture_fn=lambda state: experiment.picture_fn(
                    drawer.draw(state.average, _NUM_PICTURED)
                ),
                checkpoints=checkpoints,
                request=request,
            )
    finally:
        log.close()
        checkpoints.close()
        if folder.metrics_file.stat().st_size:
            save_curves(folder.metrics_file, folder.curves_file)
    draw_fn = partial(drawer.draw, state.average)
    _report(experiment, folder, source, draw_fn, step=int(state.step), began=began)


def first_state(experiment: Experiment, checkpoints: Checkpoints) -> tuple[GANState, int]:
    """The newest saved state, or a new one; and its step."""
    state = checkpoints.restore(abstract_state(experiment))
    if state is None:
        state = jax.jit(lambda: _new_state(experiment))()
    return state, int(state.step)


def abstract_state(experiment: Experiment) -> GANState:
    """The shapes and dtypes of an experiment's state."""
    return jax.eval_shape(lambda: _new_state(experiment))


def _new_state(experiment: Experiment) -> GANState:
    key = jax.random.fold_in(experiment.root_key, 0)
    condition = None if experiment.condition_fn is None else experiment.condition_fn(key, 2)
    return init(experiment.game, key, condition)


class Drawer:
    """Draws samples for pictures and figures: always from the same latents.

    Args:
        experiment: for its game, its key and its conditions.
        seed: for other latents than those of the run's own pictures.
    """

    def __init__(self, experiment: Experiment, seed: int | None = None):
        self._experiment = experiment
        key = experiment.root_key if seed is None else jax.random.key(seed)
        self._key = jax.random.fold_in(key, 2)
        self._generate = jax.jit(partial(generate, experiment.game))

    def draw(self, variables: Any, num: int, *, batch_size: int = 250) -> np.ndarray:
        """``[num, ...]`` samples with a generator's variables, drawn in batches."""
        latents_key, condition_key = jax.random.split(self._key)
        latents = draw_latents(self._experiment.game, latents_key, num)
        condition = None
        if self._experiment.condition_fn is not None:
            condition = self._experiment.condition_fn(condition_key, num)
        size = min(num, batch_size)
        parts = []
        for start in range(0, num, size):
            # the last batch is filled up with rows of the one before: one shape, one compilation
            rows = slice(min(start, num - size), min(start, num - size) + size)
            part = self._generate(
                variables, latents[rows], None if condition is None else condition[rows]
            )
            parts.append(np.asarray(part)[start - rows.start :])
        return np.concatenate(parts)


def source_fingerprint(source: Source) -> dict[str, Any]:
    """What identifies the data; for a source that is not in memory, its length and first example."""
    if hasattr(source, "fingerprint"):
        return source.fingerprint()
    first = {name: np.asarray(value)[None] for name, value in source[0].items()}
    return {**ArraySource(first).fingerprint(), "examples": len(source)}


def _report(
    experiment: Experiment,
    folder: RunFolder,
    source: Source,
    draw_fn: Callable[[int], np.ndarray],
    *,
    step: int,
    began: float,
) -> None:
    summary: dict[str, Any] = {"steps": step}
    if experiment.judge_fn is not None:
        judgement = experiment.judge_fn(source, draw_fn)
        print(f"\n{judgement.table()}\n")
        summary["figures"] = dataclasses.asdict(judgement)
    summary["seconds"] = round(time.perf_counter() - began, 1)
    write_json(folder.summary_file, summary)
    print(f"samples  {folder.sample_file(step)}")
    print(f"curves   {folder.curves_file}")
    print(f"seconds  {summary['seconds']} (this call)")
    print(f"next     python -m gan_jax.sample {folder.path} --num 100 --seed 1 --out grid.png")


def _is_judged(folder: RunFolder, step: int) -> bool:
    """Whether the figures are those of this step; a kill may have come before they were written."""
    return folder.summary_file.is_file() and read_json(folder.summary_file)["steps"] == step


def _finished(folder: RunFolder, done: int, steps: int) -> str:
    summary = read_json(folder.summary_file)
    return (
        f"{folder.path} is finished: {done} of {steps} steps (figures in {folder.summary_file}, "
        f"{summary['seconds']} s)\n"
        f"samples  {folder.sample_file(done)}\n"
        "to go on, the same command with a larger --steps; to begin anew, another --run-dir"
    )
