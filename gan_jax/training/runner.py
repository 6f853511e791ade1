"""One run from beginning to end: folder, data, state, loop, figures."""

import errno
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

from gan_jax.data.batches import Feed
from gan_jax.data.read_ahead import read_ahead
from gan_jax.game import GANState
from gan_jax.training.batch_record import shapes_from_json
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.configuration import configuration
from gan_jax.training.curves import save_curves
from gan_jax.training.evaluation import Evaluation
from gan_jax.training.evaluators import build_evaluators
from gan_jax.training.experiment import Experiment, feed_of, samplers_of
from gan_jax.training.figures_log import drop_figures_after
from gan_jax.training.first_batch import batch_shapes
from gan_jax.training.given import NUM_GIVEN, load_given, save_given
from gan_jax.training.interruption import listen
from gan_jax.training.loop import train
from gan_jax.training.measuring import Measuring
from gan_jax.training.monitor import Monitor
from gan_jax.training.parallel import (
    Arrangement,
    jit_arrangement,
    pmap_arrangement,
    shard_map_arrangement,
)
from gan_jax.training.placement import device_mesh, on_this_process
from gan_jax.training.processes import Silent, is_first, on_first
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_lock import locked
from gan_jax.training.run_log import RunLog
from gan_jax.training.states import abstract_state, check_memory, first_state
from gan_jax.training.summary import finished, is_finished, write_report

ARRANGEMENTS = {
    "jit": jit_arrangement,
    "shard_map": shard_map_arrangement,
    "pmap": pmap_arrangement,
}


def run(
    experiment: Experiment,
    *,
    run_dir: Path,
    experiment_file: Path | None = None,
    arguments: dict[str, Any] | None = None,
    parallel: Literal["jit", "shard_map", "pmap"] = "jit",
    parameter_shards: int = 1,
    allow_changed: Collection[str] = (),
) -> None:
    """Trains an experiment in a run folder, or goes on with what is there.

    Args:
        experiment: the experiment.
        run_dir: the run folder; made if it is not there.
        experiment_file: the Python file that defines the experiment; None of one that was built
            elsewhere, such as in a notebook. Its run cannot be rebuilt from its folder, and goes on
            where state, data, seed and batch size are the same.
        arguments: with which the file's function was called; JSON.
        parallel: the arrangement over all devices.
        parameter_shards: over how many of them each network is cut, in the arrangement ``jit``.
        allow_changed: fields of the configuration or the data that may be others than the old
            run's.

    Raises:
        OSError: the folder cannot be written, or another process trains in it.
        ValueError: the folder holds another run, or the experiment does not fit the machine.
    """
    arrange = ARRANGEMENTS[parallel]
    if parameter_shards != 1:
        if parallel != "jit":
            raise ValueError(
                f"parameter_shards={parameter_shards} belongs to --parallel jit, got {parallel}"
            )
        device_mesh(parameter_shards=parameter_shards)  # raises where the devices form none
        arrange = partial(arrange, parameter_shards=parameter_shards)
    folder = RunFolder(run_dir)
    with ExitStack() as stack:
        on_first(lambda: _take(folder, stack))
        with _telling_what_is_saved(folder):
            _run(experiment, folder, experiment_file, arguments, arrange, allow_changed)


_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@contextmanager
def _telling_what_is_saved(folder: RunFolder) -> Iterator[None]:
    """An error of the disk, with what a user then wants to know."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK:
            raise
        steps = [int(path.stem) for path in (folder.path / "checksums").glob("*.json")]
        saved = (
            f"the checkpoint of step {max(steps)} is whole" if steps else "no checkpoint was saved"
        )
        raise OSError(
            f"{folder.path} cannot be written any more ({error.strerror}); {saved}: make room or mend the disk, "
            "and give the same command again"
        ) from error


def _take(folder: RunFolder, stack: ExitStack) -> None:
    """The folder is this run's, until the stack ends."""
    folder.prepare()
    stack.enter_context(locked(folder.path))


def _run(
    experiment: Experiment,
    folder: RunFolder,
    experiment_file: Path | None,
    arguments: dict[str, Any] | None,
    arrange: Callable[..., Arrangement],
    allow_changed: Collection[str],
) -> None:
    began = time.perf_counter()
    feed = feed_of(experiment)
    batch = batch_shapes(experiment, feed)
    check_memory(experiment, batch)
    config = configuration(experiment, batch, experiment_file, arguments)
    config = on_first(lambda: folder.adopt(config, experiment_file, allow_changed=allow_changed))
    states = _play(experiment, folder, feed, config, arrange)
    if states is None:
        return
    state, best, measuring = states

    def end():
        write_report(
            folder,
            experiment,
            state,
            best,
            evaluation=measuring and measuring.evaluation,
            best_so_far=measuring and measuring.best,
            seconds=time.perf_counter() - began,
        )

    on_first(end)


def _play(
    experiment: Experiment,
    folder: RunFolder,
    feed: Feed,
    config: dict[str, Any],
    arrange: Callable[..., Arrangement],
) -> tuple[GANState, GANState | None, Measuring | None] | None:
    """The last state and the best, on this process; None where nothing was left to do."""
    arrangement = arrange(
        experiment.game, feed, play=experiment.play, num_seeds=experiment.num_seeds
    )
    with ExitStack() as stack:

        def opened(path: Path, **options: Any) -> Checkpoints:
            return stack.enter_context(closing(Checkpoints(path, record=config, **options)))

        checkpoints = opened(folder.checkpoints, keep_every=experiment.keep_every_steps)
        state, done = first_state(
            experiment, checkpoints, arrangement.place_fn, feed, shapes_from_json(config["batch"])
        )
        if on_first(lambda: _already(folder, experiment, done)):
            return None
        on_first(lambda: _check_drawing(experiment, folder))
        best = opened(folder.best, keep=1) if experiment.evaluate_every_steps else None
        watched = _watched(experiment, folder, stack, first_step=done)
        state = train(
            experiment,
            state,
            feeds_fn=partial(_feeds, experiment, feed),
            arrangement=arrangement,
            checkpoints=checkpoints,
            best=best,
            request=stack.enter_context(listen()),
            **watched,
        )
        here = on_this_process(state), best and on_this_process(best.restore(state))
        return *here, watched["measuring"]


def _watched(
    experiment: Experiment, folder: RunFolder, stack: ExitStack, *, first_step: int
) -> dict[str, Any]:
    """What looks at a run and speaks of it, on the first process; ended by the stack."""
    if not is_first():
        return {"log": Silent(), "monitor": None, "measuring": None}
    # of a run that has saved nothing, nothing counts: it begins anew
    drop_figures_after(folder.figures_file, first_step or -1)
    samplers = samplers_of(experiment, load_given(folder.given_file))
    measuring = None
    if experiment.evaluators:
        evaluation = Evaluation(experiment, folder, samplers, build_evaluators(experiment))
        measuring = Measuring(experiment, evaluation, folder)
        stack.callback(lambda: measuring.over and print(f"\n{measuring.best.verdict()}"))
    monitor = Monitor(experiment, samplers, folder, first_step=first_step)
    log = RunLog(
        folder,
        first_step=first_step,
        steps=experiment.steps,
        batch_size=experiment.rows * experiment.num_seeds,
    )
    stack.callback(_draw_curves, folder)
    stack.enter_context(closing(log))
    return {"log": log, "monitor": monitor, "measuring": measuring}


def _check_drawing(experiment: Experiment, folder: RunFolder) -> None:
    """Keeps the rows that samples are made from, and sees that they are drawn: before the first step."""
    if not folder.given_file.is_file():
        save_given(folder.given_file, experiment.data.first(NUM_GIVEN))
    state = abstract_state(experiment.members[0], folder.batch_shapes())
    samplers_of(experiment, load_given(folder.given_file)).check(state)


def _draw_curves(folder: RunFolder) -> None:
    if folder.metrics_file.stat().st_size:
        save_curves(folder.metrics_file, folder.curves_file)


def _feeds(experiment: Experiment, feed: Feed, first: int) -> Iterator[Any]:
    """The feeds from a step on; those of streamed data are read ahead."""
    steps = range(first, experiment.steps, experiment.steps_per_call)
    if not feed.streamed:
        return (feed.feed_fn(step, steps.step) for step in steps)
    return read_ahead(feed.feed_fn, steps, num_workers=experiment.data.num_workers)


def _already(folder: RunFolder, experiment: Experiment, done: int) -> bool:
    """Whether nothing is left to do; says where the run stands."""
    if is_finished(folder, experiment, done):
        print(finished(folder, done, experiment.steps))
        return True
    if done:
        print(f"resuming {folder.path} at step {done} of {experiment.steps}")
    return False
