"""The figures of a run by seed, and what they are over the seeds: mean, error, the worst."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

import numpy as np

from gan_jax.metrics.errors import mean_of
from gan_jax.metrics.estimate import Estimate
from gan_jax.training.figures_log import Line
from gan_jax.training.json_files import number, whole

Row = TypeVar("Row")
BySeed = dict[int | None, "Value"]  # None: of no seed, as a reference


class Value(NamedTuple):
    """A figure of one seed.

    Attributes:
        value: None where the measurement failed.
        standard_error: of the samples, where the evaluator gives it.
        step: of the players; None of a reference.
        protocol: its key in ``protocols.json``; None where none is recorded.
    """

    value: float | None
    standard_error: float | None = None
    step: int | None = None
    protocol: str | None = None


def grouped(lines: Iterable[Line], row_fn: Callable[[Line], Row]) -> dict[Row, dict[str, BySeed]]:
    """Row -> ``quality/frechet`` -> seed -> value; a later line takes the place of an earlier one.

    Args:
        lines: of a ``figures.jsonl``.
        row_fn: which row a line belongs to.
    """
    rows: dict[Row, dict[str, BySeed]] = {}
    for line in lines:
        figures = rows.setdefault(row_fn(line), {})
        by_seed = figures.setdefault(f"{line['evaluator']}/{line['figure']}", {})
        value, error = number(line.get("value")), number(line.get("standard_error"))
        found = Value(value, error, whole(line.get("step")), line["protocol"])
        by_seed[whole(line.get("seed"))] = found
    return rows


def add_seeds(known: BySeed, more: BySeed, figure: str) -> None:
    """Adds the values of another run, so that a mean counts each seed once.

    Args:
        known: of the runs so far; grows.
        more: of the other.
        figure: what they are of.

    Raises:
        ValueError: both hold one seed.
    """
    if twice := [seed for seed in more if seed in known]:
        raise ValueError(
            f"two runs hold {figure} of seed {twice[0]}, and a mean counts each seed once"
        )
    known.update(more)


def over_seeds(values: BySeed) -> Estimate | None:
    """The mean over seeds and its standard error, ``std / sqrt(n)`` with n - 1 in the variance.

    Args:
        values: seed -> value.

    Returns:
        Of a single seed its own value, with the error of its samples. None where there is no seed,
        or one failed: it is never averaged away.
    """
    found = [value.value for value in values.values()]
    if not found or None in found:
        return None
    if len(found) == 1:
        return Estimate(*next(iter(values.values()))[:2])
    return mean_of(np.array(found))


def worst_seed(values: BySeed, better: str | None) -> tuple[int | None, float] | None:
    """The seed with the worst value, and that value; None where fewer than two were measured.

    Args:
        values: seed -> value; those that failed do not count.
        better: ``less`` or ``more``; None has no worst.
    """
    known = {seed: found.value for seed, found in values.items() if found.value is not None}
    if better is None or len(known) < 2:
        return None
    seed = (max if better == "less" else min)(known, key=known.get)
    return seed, known[seed]
