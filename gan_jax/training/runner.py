"""One run from beginning to end: folder, data, state, loop, figures."""

import time
from collections.abc import Collection
from contextlib import closing, nullcontext
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gan_jax.data import ArraySource, Source
from gan_jax.data.batches import Feed
from gan_jax.game import GANState
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.curves import save_curves
from gan_jax.training.experiment import Experiment, feed_of
from gan_jax.training.interruption import listen
from gan_jax.training.looking import Looking
from gan_jax.training.loop import train
from gan_jax.training.measuring import Measuring
from gan_jax.training.parallel import jit_arrangement, pmap_arrangement, seeds_arrangement
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_lock import locked
from gan_jax.training.run_log import RunLog
from gan_jax.training.states import check_memory, first_state, step_of
from gan_jax.training.summary import finished, is_finished, write_report

ARRANGEMENTS = {"jit": jit_arrangement, "pmap": pmap_arrangement}


def run(
    experiment: Experiment,
    *,
    run_dir: Path,
    experiment_file: Path,
    arguments: dict[str, Any],
    parallel: Literal["jit", "pmap"] = "jit",
    allow_changed: Collection[str] = (),
) -> None:
    """Trains an experiment in a run folder, or goes on with what is there.

    Args:
        experiment: the experiment.
        run_dir: the run folder; made if it is not there.
        experiment_file: the Python file that defines the experiment.
        arguments: with which its function was called; JSON.
        parallel: the arrangement over all devices.
        allow_changed: fields of the configuration or the data that may be others than the old run's.

    Raises:
        OSError: the folder cannot be written, or another process trains in it.
        ValueError: the folder holds another run, or the experiment does not fit the machine.
    """
    if parallel == "pmap" and experiment.num_seeds > 1:
        raise ValueError(
            f"num_seeds={experiment.num_seeds} runs side by side on one device: use parallel='jit'"
        )
    check_memory(experiment)
    folder = RunFolder(run_dir)
    folder.prepare()
    with locked(folder.path):
        _run(experiment, folder, experiment_file, arguments, parallel, allow_changed)


def _run(
    experiment: Experiment,
    folder: RunFolder,
    experiment_file: Path,
    arguments: dict[str, Any],
    parallel: str,
    allow_changed: Collection[str],
) -> None:
    began = time.perf_counter()
    source = experiment.source_fn()
    feed = feed_of(experiment, source)
    config = {
        "experiment": experiment_file.stem,
        "arguments": arguments,
        "data": source_fingerprint(source),
        "num_seeds": experiment.num_seeds,
        "parallel": parallel,
        "versions": {name: version(name) for name in ("gan-jax", "jax", "flax", "optax")},
    }
    config = folder.adopt(config, experiment_file, allow_changed=allow_changed)
    judge_fn = cache(lambda: experiment.judge_fn(source))  # trains a classifier: once, if at all
    keep_every = experiment.keep_every_steps
    with closing(
        Checkpoints(folder.checkpoints, record=config, keep_every=keep_every)
    ) as checkpoints:
        state, done = first_state(experiment, checkpoints)
        if is_finished(folder, experiment, done):
            print(finished(folder, done, experiment.steps))
            return
        if done:
            print(f"resuming {folder.path} at step {done} of {experiment.steps}")
        measuring = nullcontext()
        if experiment.measure_every_steps is not None:
            measuring = closing(Measuring(experiment, judge_fn(), folder, config, first_step=done))
        with measuring as measuring:
            looking = Looking(experiment, source, folder, first_step=done)
            state = _train(
                experiment, state, folder, feed, looking, checkpoints, measuring, parallel
            )
    if measuring is not None and measuring.over:
        print(f"\n{measuring.verdict()}")
    write_report(
        folder,
        experiment,
        state,
        judge_fn=judge_fn,
        seconds_fn=lambda: time.perf_counter() - began,
    )


def _train(
    experiment: Experiment,
    state: GANState,
    folder: RunFolder,
    feed: Feed,
    looking: Looking,
    checkpoints: Checkpoints,
    measuring: Measuring | None,
    parallel: str,
) -> GANState:
    log = RunLog(
        folder,
        first_step=step_of(state),
        steps=experiment.steps,
        batch_size=experiment.batch_size * experiment.num_seeds,
    )

    arrangement = seeds_arrangement if experiment.num_seeds > 1 else ARRANGEMENTS[parallel]
    try:
        with closing(log), listen() as request:
            return train(
                experiment,
                state,
                feed_fn=feed.feed_fn,
                arrangement=arrangement(experiment.game, feed, make_step=experiment.make_step),
                log=log,
                looking=looking,
                checkpoints=checkpoints,
                measuring=measuring,
                request=request,
            )
    finally:
        if folder.metrics_file.stat().st_size:
            save_curves(folder.metrics_file, folder.curves_file)


def source_fingerprint(source: Source) -> dict[str, Any]:
    """What identifies the data; for a source that is not in memory, its length and first example."""
    if hasattr(source, "fingerprint"):
        return source.fingerprint()
    first = {name: np.asarray(value)[None] for name, value in source[0].items()}
    return {**ArraySource(first).fingerprint(), "examples": len(source)}
