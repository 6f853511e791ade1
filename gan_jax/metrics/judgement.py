"""A judge measures sets of samples in one way; its judgement is a table with that protocol."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

DrawFn = Callable[[int], np.ndarray]
Figures = dict[str, float | int]


@dataclasses.dataclass(frozen=True)
class Judgement:
    """Rows of figures, all measured in one way.

    Attributes:
        protocol: how, in one or two sentences: samples, features, estimator.
        rows: name of the row -> name of the figure -> value.
    """

    protocol: str
    rows: dict[str, Figures]

    def table(self) -> str:
        """The rows as aligned text, with the protocol below."""
        columns = list(next(iter(self.rows.values())))
        lines = [["", *columns]]
        lines += [[name, *map(_text, row.values())] for name, row in self.rows.items()]
        return f"{aligned(lines)}\n{self.protocol}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judge:
    """Measures samples, always in the same way.

    Attributes:
        protocol: the way, in one or two sentences.
        num_samples: how many are measured.
        figures_fn: samples ``[num_samples, ...]`` -> name of the figure -> value.
        references: rows measured so beforehand: the floor and the ceiling of the figures.
        metric: the figure by which a run's best step is chosen, unless it names another.
        more_is_better: the figures of which that holds; of the others, less is better.
    """

    protocol: str
    num_samples: int
    figures_fn: Callable[[np.ndarray], Figures]
    references: Mapping[str, Figures]
    metric: str
    more_is_better: frozenset[str] = frozenset()

    def measure(self, draw_fn: DrawFn) -> Figures:
        """The figures of what ``draw_fn(num)`` draws."""
        return self.figures_fn(draw_fn(self.num_samples))

    def judgement(self, rows: Mapping[str, Figures]) -> Judgement:
        """Measured rows, then the references."""
        return Judgement(self.protocol, {**rows, **self.references})


def _text(value: float | int) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def aligned(lines: list[list[str]]) -> str:
    """Rows of cells as text, a heading and a rule first; names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    ]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])
