"""What measures a run and reports on it while it trains, on the first process."""

from contextlib import ExitStack, closing
from typing import Any, NamedTuple

from gan_jax.training.checksums import saved_steps
from gan_jax.training.curves import save_curves
from gan_jax.training.evaluation import Evaluation
from gan_jax.training.evaluators import build_evaluators
from gan_jax.training.experiment import Experiment, samplers_of
from gan_jax.training.figures_log import is_after
from gan_jax.training.given import load_given
from gan_jax.training.json_files import drop_lines
from gan_jax.training.loggers import Loggers, RunInfo
from gan_jax.training.measuring import Measuring
from gan_jax.training.monitor import Monitor
from gan_jax.training.processes import is_first
from gan_jax.training.progress import Progress, ProgressFn
from gan_jax.training.rollback import copy_state, drop_later_states
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_log import NullLog, RunLog
from gan_jax.training.summary import final_figures


class Observers(NamedTuple):
    """Who follows a run; of several processes, all but the first have a silent log and no more."""

    log: RunLog | NullLog
    monitor: Monitor | None
    measuring: Measuring | None


def observe(
    experiment: Experiment,
    folder: RunFolder,
    config: dict[str, Any],
    stack: ExitStack,
    until_reported: ExitStack,
    *,
    first_step: int,
    progress_fn: ProgressFn = Progress,
) -> Observers:
    """Begins to follow a run.

    Args:
        experiment: that is trained.
        folder: of the run; figures of later steps, of a start that was killed, are dropped.
        config: what ``config.json`` says.
        stack: ends the log.
        until_reported: ends the loggers, which are given the final figures.
        first_step: rounds already played.
        progress_fn: makes what shows how far the run has come.
    """
    if not is_first():
        return Observers(NullLog(), None, None)
    # of a run that has saved nothing, nothing counts: it begins anew
    drop_lines(folder.figures_file, is_after(first_step or -1))
    drop_later_states(folder.best, first_step or -1)
    samplers = samplers_of(experiment, load_given(folder.given_file))
    measuring = None
    if experiment.evaluators:
        evaluation = Evaluation(experiment, folder, samplers, build_evaluators(experiment))
        measuring = Measuring(experiment, evaluation, folder)
        stack.callback(lambda: measuring.over and print(f"\n{measuring.best.verdict()}"))
    monitor = Monitor(experiment, samplers, folder, first_step=first_step)
    progress = progress_fn(first_step, experiment.steps)
    info = RunInfo(folder.path, config, first_step)
    loggers = Loggers(experiment.loggers, info, progress.warn)
    until_reported.callback(lambda: loggers.close(final_figures(folder)))
    size = experiment.rows * experiment.num_seeds
    log = RunLog(folder, progress, loggers, first_step=first_step, batch_size=size)
    stack.callback(_draw_curves, folder)
    stack.enter_context(closing(log))
    return Observers(log, monitor, measuring)


def _draw_curves(folder: RunFolder) -> None:
    if folder.metrics_file.stat().st_size:
        save_curves(folder.metrics_file, folder.curves_file)


def keep_best(folder: RunFolder, measuring: Measuring | None) -> None:
    """After going back: keeps the best of the steps that remain, if its state is still there."""
    best = measuring and measuring.best and measuring.best.best()
    if not best or saved_steps(folder.best):
        return
    if not copy_state(folder.checkpoints, folder.best, best[0]):
        print(
            f"note: the state of the best step so far ({best[0]:,}) was not kept; the next better one will be"
        )
