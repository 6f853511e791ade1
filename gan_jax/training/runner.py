"""One run from beginning to end: folder, data, state, loop, figures."""

import errno
import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

from gan_jax.data.batches import Feed
from gan_jax.data.read_ahead import read_ahead
from gan_jax.drawing.whole_files import replace_file
from gan_jax.game import GANState
from gan_jax.training.batch_record import shapes_from_json
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.checksums import saved_steps
from gan_jax.training.configuration import configuration
from gan_jax.training.experiment import Experiment, feed_of, samplers_of
from gan_jax.training.first_batch import batch_shapes
from gan_jax.training.given import NUM_GIVEN, load_given, save_given
from gan_jax.training.interruption import listen
from gan_jax.training.json_files import add_lines
from gan_jax.training.loop import train
from gan_jax.training.measuring import Measuring
from gan_jax.training.observers import keep_best, observe
from gan_jax.training.parallel import (
    Arrangement,
    jit_arrangement,
    pmap_arrangement,
    shard_map_arrangement,
)
from gan_jax.training.processes import on_first
from gan_jax.training.progress import Progress, ProgressFn
from gan_jax.training.restore import abstract_state, check_memory, first_state
from gan_jax.training.rollback import go_back
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_lock import locked
from gan_jax.training.same_run import adopt
from gan_jax.training.sharding import device_mesh, on_this_process
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
    from_step: int | None = None,
    progress_fn: ProgressFn = Progress,
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
        from_step: goes back to this checkpoint first; what is later is set aside
            (:mod:`gan_jax.training.rollback`).
        progress_fn: makes what shows how far the run has come.

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
            feed = feed_of(experiment)
            batch = batch_shapes(experiment, feed)
            check_memory(experiment, batch)
            made = configuration(experiment, batch, experiment_file, arguments)
            config = json.loads(json.dumps(made))  # as it will be read
            start = on_first(
                lambda: _begin(folder, config, experiment_file, allow_changed, from_step)
            )
            _run(experiment, folder, feed, config, start, arrange, progress_fn)


_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@contextmanager
def _telling_what_is_saved(folder: RunFolder) -> Iterator[None]:
    """An error of the disk, with what a user then wants to know."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK:
            raise
        steps = saved_steps(folder.checkpoints)
        saved = (
            f"the checkpoint of step {max(steps)} is whole" if steps else "no checkpoint was saved"
        )
        place = (
            folder.path
            if _is_full(folder)
            else "the standard output, or a file outside the run folder,"
        )
        raise OSError(
            f"{place} cannot be written any more ({error.strerror}); {saved}: make room or mend the disk, "
            "and give the same command again"
        ) from error


def _is_full(folder: RunFolder) -> bool:
    """Whether the run folder, and not another place, is what cannot be written."""
    try:
        replace_file(folder.path / ".probe", bytes(2**16))
        (folder.path / ".probe").unlink()
    except OSError:
        return True
    return False


def _take(folder: RunFolder, stack: ExitStack) -> None:
    """The folder is this run's, until the stack ends."""
    folder.prepare()
    stack.enter_context(locked(folder.path))


def _begin(
    folder: RunFolder,
    config: dict[str, Any],
    experiment_file: Path | None,
    allow_changed: Collection[str],
    from_step: int | None,
) -> dict[str, Any]:
    """The line of the run's history that this start is."""
    line = adopt(folder, config, experiment_file, allow_changed=allow_changed)
    return line | {"from_step": from_step, "set_aside": _gone_back(folder, from_step)}


def _gone_back(folder: RunFolder, from_step: int | None) -> str | None:
    """Where the later things of the run are now."""
    target = None if from_step is None else go_back(folder, from_step)
    if target is None:
        return None
    print(f"went back to step {from_step:,}: everything later is in {target}")
    print("leave out --from-step when you go on, or the run goes back again")
    return str(target.relative_to(folder.path))


def _run(
    experiment: Experiment,
    folder: RunFolder,
    feed: Feed,
    config: dict[str, Any],
    start: dict[str, Any],
    arrange: Callable[..., Arrangement],
    progress_fn: ProgressFn,
) -> None:
    began = time.perf_counter()
    with ExitStack() as until_reported:  # loggers are given the final figures
        states = _play(
            experiment, folder, feed, config, start, arrange, progress_fn, until_reported
        )
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
    start: dict[str, Any],
    arrange: Callable[..., Arrangement],
    progress_fn: ProgressFn,
    until_reported: ExitStack,
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
        on_first(lambda: add_lines(folder.history_file, [start | {"step": done}]))
        on_first(lambda: _check_drawing(experiment, folder))
        observers = observe(
            experiment,
            folder,
            config,
            stack,
            until_reported,
            first_step=done,
            progress_fn=progress_fn,
        )
        best = None
        if experiment.evaluate_every_steps:
            on_first(lambda: keep_best(folder, observers.measuring))
            best = opened(folder.best, keep=1)
        state = train(
            experiment,
            state,
            feeds_fn=partial(_feeds, experiment, feed),
            arrangement=arrangement,
            checkpoints=checkpoints,
            best=best,
            request=stack.enter_context(listen()),
            log=observers.log,
            monitor=observers.monitor,
            measuring=observers.measuring,
        )
        here = on_this_process(state), best and on_this_process(best.restore(state))
        return *here, observers.measuring


def _check_drawing(experiment: Experiment, folder: RunFolder) -> None:
    """Keeps the rows that samples are made from, and sees that they are drawn: before the first step."""
    if not folder.given_file.is_file():
        save_given(folder.given_file, experiment.data.first(NUM_GIVEN))
    state = abstract_state(experiment.members[0], folder.batch_shapes())
    samplers_of(experiment, load_given(folder.given_file)).check(state)


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
