"""Cells of tables of figures: values with their errors, over seeds or runs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Line = Mapping[str, Any]  # of figures.jsonl


class Column(NamedTuple):
    """One figure: its name in files, what people read, its direction, digits after the point."""

    name: str
    label: str
    better: str | None = None
    digits: int = 3

    @property
    def arrow(self) -> str:
        """Which way it gets better; empty where neither is better."""
        return {"less": "↓", "more": "↑"}.get(self.better or "", "")


class Cell(NamedTuple):
    """A value with its error, of one seed or more.

    Attributes:
        value: a mean over seeds or runs; None: none of them could be measured.
        error: standard error over them; of a single one, its own, where the estimator has one.
        num: how many could be measured.
        failed: how many could not.
        worst: of several, the worst value and whose it is, where the figure has a direction.
    """

    value: float | None
    error: float | None = None
    num: int = 1
    failed: int = 0
    worst: tuple[float, str] | None = None


def over_seeds(lines: Mapping[tuple, Line], columns: Sequence[Column]) -> dict[str, Cell]:
    """Figure -> its cell, over the seeds.

    Args:
        lines: (figure, seed) -> line.
        columns: the figures.
    """
    cells = {}
    for column in columns:
        values = [
            (f"seed {seed}", number(line.get("value")), number(line.get("standard_error")))
            for (figure, seed), line in lines.items()
            if figure == column.name
        ]
        if values:
            cells[column.name] = combined(values, column)
    return cells


def combined(values: Sequence[tuple[str, float | None, float | None]], column: Column) -> Cell:
    """One cell of several values: the mean and ``std / sqrt(n)``, with n - 1 in the variance.

    Args:
        values: whose, value, and its own error; a value of None failed and is not counted.
        column: says which value is the worst.
    """
    known = [(value, whose, error) for whose, value, error in values if value is not None]
    failed = len(values) - len(known)
    if len(known) < 2:
        value, _, error = known[0] if known else (None, "", None)
        return Cell(value, error, len(known), failed)
    numbers = [value for value, _, _ in known]
    error = float(np.std(numbers, ddof=1) / math.sqrt(len(numbers)))
    pick = {"less": max, "more": min}.get(column.better or "")
    worst = pick(known, key=lambda entry: entry[0])[:2] if pick else None
    return Cell(float(np.mean(numbers)), error, len(known), failed, worst)


def number(value: Any) -> float | None:
    """A finite number as it is; None for whatever else a file may hold."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if known else None
