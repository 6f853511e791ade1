"""The one training loop.

The order of one turn: batch -> step -> (every ``log_every_steps``) metrics leave the device and are
looked at -> stop on a value that is not finite -> evaluate -> artefacts and the game's health -> save
-> stop if asked to, or if the figures no longer improve. Artefacts are made and evaluators are asked
before the first step too: a fault of theirs then costs nothing.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from gan_jax.game import GANState
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.experiment import INTERVALS, Experiment
from gan_jax.training.interruption import Interrupted, Request
from gan_jax.training.measuring import Measuring
from gan_jax.training.monitor import Monitor
from gan_jax.training.parallel import Arrangement
from gan_jax.training.processes import largest, on_first
from gan_jax.training.restore import step_of
from gan_jax.training.run_log import NullLog, RunLog
from gan_jax.training.sharding import on_this_process


class NonFiniteError(ArithmeticError):
    """A metric became NaN or infinite."""


def train(
    experiment: Experiment,
    state: GANState,
    *,
    feeds_fn: Callable[[int], Iterator[Any]],
    arrangement: Arrangement,
    log: RunLog | NullLog,
    monitor: Monitor | None,
    checkpoints: Checkpoints,
    best: Checkpoints | None,
    measuring: Measuring | None,
    request: Request,
) -> GANState:
    """Plays rounds until ``experiment.steps``, or until measuring is over.

    Args:
        experiment: the numbers.
        state: where to begin; ``state.step`` rounds are played.
        feeds_fn: first step -> the feeds of host arrays from there on, ``steps_per_call`` steps
            each.
        arrangement: where the step runs.
        log: hears of progress, metrics and artefacts.
        monitor: makes the artefacts and sees the health of the game; of several processes, the
            first one's.
        checkpoints: where states are saved; the last one always is.
        best: where the best one is, or None where none is chosen.
        measuring: asks the evaluators; the first process's, or None.
        request: whether to stop: asked after every call, of several processes with every ``log``.

    Returns:
        The last state, as one logical array per leaf.

    Raises:
        NonFiniteError: names the metric and the step; nothing of the last interval is saved.
        Interrupted: after the state was saved.
    """
    step, key, several = step_of(state), experiment.root_key, jax.process_count() > 1
    state, first_step = arrangement.put_state(state), step
    intervals = {what: getattr(experiment, f"{what}_every_steps") for what in INTERVALS}
    pending: list[dict[str, jax.Array]] = []
    over = best is not None and on_first(lambda: measuring.over)
    if step == 0:  # what does not work is said now, when nothing is lost
        first = arrangement.get_state(state)
        _look(step, first, log, monitor, healthy=False)
        if experiment.evaluators:
            over = _measure(step, first, log, best, measuring)
    with contextlib.closing(feeds_fn(step)) as feeds:
        while step < experiment.steps and not over:
            feed, seconds = next_feed(feeds, pending)
            log.waited(seconds)
            with log.compiling() if step == first_step else contextlib.nullcontext():
                state, metrics = arrangement.train(state, feed, key)
            pending.append(metrics)
            step += experiment.steps_per_call
            log.advance(experiment.steps_per_call)
            checkpoints.poll()

            due = {
                what: every is not None and step % every == 0 for what, every in intervals.items()
            }
            # read once: a signal that comes while this turn measures or saves is the next turn's
            signal_number = request.signal_number
            if several:  # they stop at the same step, and ask each other when they wait for the device anyway
                signal_number = (largest(signal_number or 0) or None) if due["log"] else None
            last = step == experiment.steps or signal_number is not None
            if last or any(due.values()):
                log.metrics(step, _collect(pending, step, experiment.seed, checkpoints))
                pending = []
            if due["evaluate"] or (best is not None and step == experiment.steps):
                over = _measure(step, arrangement.get_state(state), log, best, measuring)
            if last or over or due["sample"]:
                _look(step, arrangement.get_state(state), log, monitor, healthy=due["sample"])
            if last or over or due["save"]:
                checkpoints.save(step, arrangement.get_state(state))
            if signal_number is not None:  # at the last step too: the final figures may take long
                checkpoints.wait()
                raise Interrupted(signal_number, step)
    checkpoints.wait()
    return arrangement.get_state(state)


def next_feed(feeds: Iterator[Any], pending: list[dict[str, jax.Array]]) -> tuple[Any, float]:
    """The next feed, and how long the devices had nothing to do meanwhile, at most."""
    began = time.perf_counter()
    feed = next(feeds)
    busy = pending and not jax.tree.leaves(pending[-1])[0].is_ready()
    return feed, 0.0 if busy else time.perf_counter() - began


def _measure(
    step: int,
    state: GANState,
    log: RunLog | NullLog,
    best: Checkpoints | None,
    measuring: Measuring | None,
) -> bool:
    """Writes the figures down, and says whether patience is at an end; a new best is saved first."""
    here = on_this_process(state)

    def measure():
        told, sentences = measuring.measure(step, here)
        return told, sentences, measuring.is_best(step), measuring.over

    told, sentences, improved, over = on_first(measure)
    if improved and best is not None:
        best.save(step, state)
        best.wait()
    log.figures(step, told)
    log.warn(sentences)
    return over


def _look(
    step: int, state: GANState, log: RunLog | NullLog, monitor: Monitor | None, *, healthy: bool
) -> None:
    """Writes artefacts. Logs health too, unless a signal is stopping the run: health belongs to the interval's steps.

    The log of a run that a signal stopped still has more lines than an uninterrupted one: averages up to the
    signal's step, and from there on. States, figures and final pictures are the same.
    """
    here = on_this_process(state)
    if monitor is None:
        return
    log.artefacts(step, lambda: monitor.artefacts(here))
    if healthy:
        log.health(step, *monitor.health(step, here))


def _collect(
    pending: list[dict], step: int, seed: int, checkpoints: Checkpoints
) -> dict[str, float]:
    """The means of the metrics since the last time, over steps and seeds, all of them finite."""
    columns = jax.device_get(pending)  # each [count], or [seeds, count]
    values = {
        name: np.concatenate([np.atleast_2d(column[name]) for column in columns], axis=1)
        for name in columns[0]
    }
    bad = {
        name: int(np.argmin(np.isfinite(value).all(axis=0)))
        for name, value in values.items()
        if not np.isfinite(value).all()
    }
    if bad:
        first = min(bad.values())
        names = sorted(name for name, row in bad.items() if row == first)
        at_first = values[names[0]][:, first]
        index = int(np.argmin(np.isfinite(at_first)))
        where = f" of seed {seed + index}" if len(at_first) > 1 else ""
        count = values[names[0]].shape[1]
        saved = checkpoints.steps()
        raise NonFiniteError(
            f"{', '.join(names)}{where} became {at_first[index]} at step {step - count + first + 1}; "
            f"training stopped. "
            f"{f'The checkpoint of step {saved[-1]} is good' if saved else 'No checkpoint was saved yet'}"
            ": lower the learning rate, or add a penalty such as R1 (python -m gan_jax replay RUN --step "
            f"{step - count + first + 1} names the operation)"
        )
    return {name: float(value.mean()) for name, value in values.items()}
