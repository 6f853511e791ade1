"""The best step so far, and when to stop: what follows from the figures of a run alone.

So a resumed run stops where an uninterrupted one would.
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from gan_jax.metrics.evaluators import Evaluator
from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.training.evaluation import TRAINING
from gan_jax.training.figures_log import Line


def best_metric(asked: str | None, evaluators: Mapping[str, Evaluator]) -> tuple[str, str]:
    """The evaluator and the figure by which a run's best step is chosen.

    Args:
        asked: ``quality/frechet``, or its last part where one evaluator has it; None takes the
            first figure with a direction.
        evaluators: of the run.

    Raises:
        ValueError: there is no such figure, two have that name, it has no direction, or its
            evaluator is not asked while training.
    """
    names = {
        f"{name}/{figure}": (name, figure)
        for name, evaluator in evaluators.items()
        for figure in evaluator.figures
    }
    usable = {
        full: (name, figure)
        for full, (name, figure) in names.items()
        if evaluators[name].when == "training" and evaluators[name].figures[figure].better
    }
    if asked is None:
        if not usable:
            raise ValueError(
                "no figure can choose the best step: none of an evaluator with when='training' has "
                f"a direction (better='less' or 'more'), among {', '.join(names) or 'none'}"
            )
        return next(iter(usable.values()))
    found = [full for full in names if asked in (full, full.split("/", 1)[1])]
    if len(found) == 1 and found[0] in usable:
        return usable[found[0]]
    raise ValueError(f"best_metric={asked!r} {_why(asked, found, names, usable)}")


def _why(asked: str, found: list[str], names: dict, usable: dict) -> str:
    expected = f"expected one of {', '.join(usable) or 'none'}"
    if not found:
        return f"is no figure that is measured: {expected}"
    if len(found) > 1:
        return f"is the name of several figures: write {' or '.join(found)}"
    return (
        f"cannot choose the best step: {found[0]} has no direction (better='less' or 'more'), or its "
        f"evaluator is not asked while training; {expected}"
    )


class Best:
    """The history of one figure: its best step, and whether patience is at an end.

    Args:
        evaluator: the name of the evaluator.
        figure: the name of the figure.
        better: its direction.
        patience: measurements without a new best after which the run stops; None never does.
        protocol: the key of the evaluator's protocol: values of another one do not compare.
        lines: the figures so far.
    """

    def __init__(
        self,
        evaluator: str,
        figure: str,
        better: str,
        patience: int | None,
        protocol: str,
        lines: list[Line],
    ):
        self.name, self.patience = f"{evaluator}/{figure}", patience
        self._key = (evaluator, figure, protocol)
        self._sign = -1 if better == "more" else 1
        self._values: dict[int, dict[int, float | None]] = defaultdict(dict)
        self.add(lines)

    def add(self, lines: list[Line]) -> None:
        """More figures, of which those of this name count."""
        for line in lines:
            if (line["evaluator"], line["figure"], line["protocol"]) == self._key and (
                line["row"] == GENERATED
                and line["draw_seed"] == TRAINING
                and line["weights"] == "ema"
            ):
                self._values[line["step"]][line["seed"]] = line["value"]

    def best(self) -> tuple[int, float] | None:
        """Step and value of the best measurement, the first of equals; None before the first.

        Of several seeds the mean counts. A failed measurement is never the best.
        """
        means = [
            (step, float(np.mean(list(values.values()))))
            for step, values in sorted(self._values.items())
            if None not in values.values()
        ]
        return min(means, key=lambda row: self._sign * row[1], default=None)

    @property
    def over(self) -> bool:
        """Whether the last ``patience`` measurements brought no new best; failed ones do not count."""
        best = self.best()
        if best is None or self.patience is None:
            return False
        later = [v for step, v in self._values.items() if step > best[0] and None not in v.values()]
        return len(later) >= self.patience

    def verdict(self) -> str:
        """Why the run stopped, in one line."""
        step, value = self.best()
        return (
            f"stopped: {self.name} has not improved for {self.patience} measurements; best "
            f"{value:g} at step {step}"
        )
