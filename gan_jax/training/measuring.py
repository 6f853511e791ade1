"""Measuring while training: the best step is kept, and a run that no longer improves stops."""

from typing import Any

import numpy as np

from gan_jax.game import GANState
from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.training.best import Best, best_metric
from gan_jax.training.evaluation import TRAINING, Evaluation, first_words
from gan_jax.training.experiment import Experiment
from gan_jax.training.figures_log import Line, read_figures
from gan_jax.training.restore import step_of
from gan_jax.training.run_folder import RunFolder

_PREFIX = "eval/"


class Measuring:
    """The measurements of one run while it trains.

    Args:
        experiment: for its metric and its patience.
        evaluation: measures.
        folder: of the run: its ``figures.jsonl`` holds the measurements so far.

    Raises:
        ValueError: no figure of that name can choose the best step.
    """

    def __init__(self, experiment: Experiment, evaluation: Evaluation, folder: RunFolder):
        self.evaluation = evaluation
        self.best: Best | None = None
        if experiment.evaluate_every_steps is not None:
            name, figure = best_metric(experiment.best_metric, evaluation.evaluators)
            evaluator = evaluation.evaluators[name]
            better, lines = evaluator.figures[figure].better, read_figures(folder.figures_file)
            self.best = Best(name, figure, better, experiment.patience, evaluator.sha, lines)

    def measure(self, step: int, state: GANState) -> tuple[dict[str, Any], list[str]]:
        """The figures of the EMA, for the log; and what to say where an evaluator failed.

        Raises:
            EvaluatorError: an evaluator failed before the first step, when nothing is lost.
        """
        names = self.evaluation.named("training", *(["end"] if step == 0 else []))
        lines, failed = self.evaluation.measure(names, state, TRAINING)
        if failed and step_of(state) == 0:
            name, error = next(iter(failed.items()))
            raise EvaluatorError(
                f"the evaluator {name} failed before the first step, on the untrained generator "
                f"({type(error).__name__}: {error}): mend it, or leave it out"
            ) from error
        if self.best is not None:
            self.best.add(lines)
        return columns(lines), first_words(failed, step)

    def is_best(self, step: int) -> bool:
        """Whether the measurement of this step is the best so far."""
        best = self.best and self.best.best()
        return best is not None and best[0] == step

    @property
    def over(self) -> bool:
        """Whether patience is at an end."""
        return self.best is not None and self.best.over


class EvaluatorError(RuntimeError):
    """An evaluator does not work: said before a run begins."""


def columns(lines: list[Line]) -> dict[str, float | None]:
    """``eval/quality/frechet``: the mean over the seeds of every figure of the run's own rows."""
    values: dict[str, list[float | None]] = {}
    for line in lines:
        if line["seed"] is not None:
            row = "" if line["row"] == GENERATED else f"{_identifier(line['row'])}/"
            name = f"{_PREFIX}{line['evaluator']}/{row}{line['figure']}"
            values.setdefault(name, []).append(line["value"])
    return {
        name: None if None in found else float(np.mean(found)) for name, found in values.items()
    }


def _identifier(row: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in row.lower())
