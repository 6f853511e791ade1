"""Measuring a run: its evaluators, on any of its states, while training and afterwards."""

import io
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.drawing import Sampler, Samplers
from gan_jax.drawing.sampler import DrawFn
from gan_jax.drawing.whole_files import replace_file
from gan_jax.game import GANState
from gan_jax.game.keys import key_of_seed
from gan_jax.metrics.evaluators import Evaluator, Measured
from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.training.experiment import Experiment
from gan_jax.training.figures_log import Line, add_protocols, read_figures
from gan_jax.training.json_files import add_lines
from gan_jax.training.restore import members_of, step_of
from gan_jax.training.run_folder import RunFolder

TRAINING, FINAL = "evaluate", "evaluate_final"  # streams of latents that no user's seed gives


class Evaluation:
    """Measures states of one run and writes every figure down.

    Args:
        experiment: what is run.
        folder: of the run.
        samplers: of its game.
        evaluators: by name.
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: RunFolder,
        samplers: Samplers,
        evaluators: Mapping[str, Evaluator],
    ):
        self.evaluators, self._samplers = dict(evaluators), samplers
        self._experiment, self._folder = experiment, folder
        add_protocols(folder.protocols_file, self.evaluators)

    def named(self, *when: str) -> list[str]:
        """The evaluators that are asked at these times."""
        return [name for name, each in self.evaluators.items() if each.when in when]

    def measure(
        self,
        names: Collection[str],
        state: GANState,
        draw_seed: str | int,
        *,
        ema: bool = True,
        again: bool = False,
    ) -> tuple[list[Line], dict[str, Exception]]:
        """Measures a state by some evaluators, and adds the lines to ``figures.jsonl``.

        Args:
            names: of the evaluators.
            state: of every seed.
            draw_seed: the stream of latents: ``evaluate``, ``evaluate_final``, or a number.
            ema: the generator's moving average; else its live weights.
            again: also what is written down already.

        Returns:
            The lines, also those that were there; and what went wrong, by evaluator: its figures
            are None then.
        """
        step, found, failed = step_of(state), [], {}
        weights = "ema" if ema else "live"
        for name in names:
            evaluator = self.evaluators[name]
            known = read_figures(self._folder.figures_file)
            lines = _those(known, name, evaluator, (step, weights, draw_seed), self._seeds)
            if lines is None or again:
                lines, error = self._measured(name, state, draw_seed, ema)
                failed |= {} if error is None else {name: error}
                add_lines(self._folder.figures_file, lines)
            references, error = self._references(name, known)
            failed |= {} if error is None else {name: error}
            found += lines + references
        return found, failed

    @property
    def _seeds(self) -> list[int]:
        return [member.seed for member in self._experiment.members]

    def _measured(
        self, name: str, state: GANState, draw_seed: str | int, ema: bool
    ) -> tuple[list[Line], Exception | None]:
        """The lines of the run's own rows."""
        evaluator, lines, failure = self.evaluators[name], [], None
        told = {"step": step_of(state), "weights": "ema" if ema else "live", "draw_seed": draw_seed}
        members = members_of(state, self._experiment.num_seeds)
        for member, seed in zip(members, self._seeds, strict=True):
            for row, sampler in self._rows(evaluator, member, seed, draw_seed, ema):
                measured, error = _attempt(name, evaluator, sampler)
                failure = failure or error
                lines += _lines(name, evaluator, row, measured, seed=seed, **told)
                if measured and measured.rows and draw_seed != TRAINING:
                    of = [f"seed_{seed}"] if len(members) > 1 else []
                    of += [f"draws_{draw_seed}"] if isinstance(draw_seed, int) else []
                    of += [] if ema else ["live"]
                    self._keep(measured, name, row, f"step_{told['step']:08d}", *of)
        return lines, failure

    def _rows(
        self, evaluator: Evaluator, state: GANState, seed: int, draw_seed: str | int, ema: bool
    ) -> Iterator[tuple[str, Sampler]]:
        user = isinstance(draw_seed, int)
        root_key = key_of_seed(draw_seed if user else seed)
        for row, options in {GENERATED: {}, **evaluator.settings}.items():
            yield (
                row,
                self._samplers.sampler(
                    state,
                    root_key,
                    "user" if user else draw_seed,
                    ema=ema,
                    use_data=True,
                    draw_fn=evaluator.draw_fn,
                    latents_fn=evaluator.latents_fn,
                    num=evaluator.num,
                    options=options,
                ),
            )

    def _references(self, name: str, known: list[Line]) -> tuple[list[Line], Exception | None]:
        """The lines of the references: measured once for each protocol; a failure is tried again."""
        evaluator, found, failure = self.evaluators[name], [], None
        for row, draw_fn in evaluator.references.items():
            lines = _of_reference(known, name, row, evaluator.sha)
            if not lines:
                measured, error = _attempt(name, evaluator, self._reference(evaluator, draw_fn))
                if measured is None:
                    failure = ValueError(f"the reference {row}: {error}")
                    continue
                told = {"seed": None, "step": None, "weights": None, "draw_seed": "reference"}
                lines = _lines(name, evaluator, row, measured, **told)
                add_lines(self._folder.figures_file, lines)
                if measured.rows:
                    self._keep(measured, name, row)
            found += lines
        return found, failure

    def _reference(self, evaluator: Evaluator, draw_fn: DrawFn) -> Sampler:
        def block_fn(key: jax.Array, latents: Any, rows: Any) -> Any:
            return draw_fn(None, latents, rows)

        key = jax.random.key(0)
        return Sampler(block_fn, None, key, data=self._experiment.data, num=evaluator.num)

    def _keep(self, measured: Measured, name: str, *parts: str) -> None:
        path = self._folder.kept_rows_file(name, *parts)
        stream = io.BytesIO()
        np.savez_compressed(stream, **measured.rows)
        replace_file(path, stream.getvalue())


def _attempt(
    name: str, evaluator: Evaluator, sampler: Sampler
) -> tuple[Measured | None, Exception | None]:
    """A measurement, or what went wrong: no evaluator ends a run that has begun."""
    try:
        found = evaluator.measure_fn(sampler)
        measured = found if isinstance(found, Measured) else Measured(found)
        _check(name, evaluator, measured)
        return measured, None
    except Exception as error:
        return None, error


def _check(name: str, evaluator: Evaluator, measured: Measured) -> None:
    if measured.figures.keys() != evaluator.figures.keys():
        raise ValueError(
            f"the evaluator {name} names the figures {', '.join(evaluator.figures)} and returned "
            f"{', '.join(measured.figures) or 'none'}: both must be the same"
        )


def _lines(
    name: str, evaluator: Evaluator, row: str, measured: Measured | None, **told: Any
) -> list[Line]:
    lines = []
    for figure in evaluator.figures:
        value, error = (None, None) if measured is None else measured.figures[figure]
        lines.append(
            {
                "evaluator": name,
                "figure": figure,
                "row": row,
                "value": _number(value),
                "standard_error": _number(error),
                "num": evaluator.num,
                "protocol": evaluator.sha,
                **told,
            }
        )
    return lines


def _of_reference(known: list[Line], name: str, row: str, sha: str) -> list[Line]:
    return [
        line
        for line in known
        if (line["evaluator"], line["row"], line["protocol"]) == (name, row, sha)
        and line["seed"] is None
    ]


def _number(value: float | None) -> float | None:
    """JSON has no NaN and no infinity: they are no figures."""
    return None if value is None or not math.isfinite(value) else float(value)


def _those(
    known: list[Line],
    name: str,
    evaluator: Evaluator,
    when: tuple[int, str, str | int],
    seeds: list[int],
) -> list[Line] | None:
    """The lines of this measurement if all of them are written down already."""
    rows = {GENERATED, *evaluator.settings}
    lines = [
        line
        for line in known
        if (line["evaluator"], line["protocol"]) == (name, evaluator.sha)
        and (line["step"], line["weights"], line["draw_seed"]) == when
        and line["row"] in rows
    ]
    found = {(line["row"], line["seed"], line["figure"]) for line in lines}
    expected = {(row, seed, f) for row in rows for seed in seeds for f in evaluator.figures}
    return lines if found >= expected else None


def first_words(failed: Mapping[str, Exception], step: int) -> list[str]:
    """A sentence for each evaluator that failed."""
    return [
        f"the evaluator {name} failed at step {step:,} ({type(error).__name__}: {error}); its figures "
        "are null there, and the run goes on"
        for name, error in failed.items()
    ]
