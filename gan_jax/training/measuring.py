"""Measuring while training: the best step is kept, and a run that no longer improves stops.

The measurements are lines of ``metrics.jsonl``; what is best and when to stop follow from those
lines alone, so a resumed run stops where an uninterrupted one would.
"""

from functools import partial

from gan_jax.game import GANState
from gan_jax.metrics import seeds
from gan_jax.metrics.judgement import Figures, Judge
from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import Experiment
from gan_jax.training.given import load_given
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_log import read_lines
from gan_jax.training.states import members_of

_PREFIX = "average/"  # measured on the moving average


def measure_members(judge: Judge, drawers: list[Drawer], state: GANState) -> list[Figures]:
    """The figures of the moving average of every seed."""
    return [
        judge.measure(partial(drawer.draw, member))
        for drawer, member in zip(drawers, members_of(state, len(drawers)), strict=True)
    ]


class Measuring:
    """The measurements of one run, with one figure of the judge as its metric.

    Args:
        experiment: for its metric and its patience.
        judge: measures.
        folder: of the run: its ``metrics.jsonl`` holds the measurements so far.
        first_step: measurements after this step (of a killed run) do not count.

    Raises:
        ValueError: the judge has no such figure.
    """

    def __init__(
        self,
        experiment: Experiment,
        judge: Judge,
        folder: RunFolder,
        *,
        first_step: int,
    ):
        figures = list(next(iter(judge.references.values())))
        self.metric, self.patience = experiment.best_metric or judge.metric, experiment.patience
        if self.metric not in figures:
            raise ValueError(
                f"best_metric must be one of the figures that are measured, {figures}, got "
                f"{self.metric!r}"
            )
        self._judge = judge
        self._drawers = Drawer(experiment, load_given(folder.given_file)).members()
        self._seed = experiment.seed
        self._sign = -1 if self.metric in judge.more_is_better else 1
        lines = read_lines(folder.metrics_file)
        self._history = [
            (line["step"], line[_PREFIX + self.metric])
            for line in lines
            if line["step"] <= first_step and _PREFIX + self.metric in line
        ]

    def measure(self, step: int, state: GANState) -> dict[str, float]:
        """The figures of the moving average, for the log."""
        rows = measure_members(self._judge, self._drawers, state)
        figures = rows[0] if len(rows) == 1 else seeds.mean(rows)
        self._history.append((step, figures[self.metric]))
        told = {_PREFIX + name: value for name, value in figures.items()}
        if len(rows) > 1:
            errors = seeds.standard_error(rows)
            told |= {f"standard error/{name}": value for name, value in errors.items()}
            told["worst seed"] = self._seed + seeds.worst(rows, self._judge, self.metric)
        return told

    def best(self) -> tuple[int, float] | None:
        """Step and value of the best measurement, the first of equals; None before the first."""
        return min(self._history, key=lambda row: self._sign * row[1], default=None)

    @property
    def over(self) -> bool:
        """Whether the last ``patience`` measurements brought no new best."""
        best = self.best()
        if best is None or self.patience is None:
            return False
        return sum(step > best[0] for step, _ in self._history) >= self.patience

    def verdict(self) -> str:
        """Why the run stopped, in one line."""
        step, value = self.best()
        return (
            f"stopped: {self.metric} has not improved for {self.patience} measurements; best "
            f"{value:g} at step {step}"
        )
