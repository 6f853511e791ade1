"""A cell of a table: the mean over seeds and its error, of values that are averaged over tasks first."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from gan_jax.metrics.errors import mean_of
from gan_jax.training.over_seeds import BySeed, Value, over_seeds, worst_seed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure of one row.

    Attributes:
        mean: over the seeds; None where a measurement failed on any of them.
        standard_error: of the mean, from the scatter over seeds (n - 1); of a single value, the
            evaluator's own, of its samples; None where there is none.
        error_of: which of the two it is.
        values: seed -> value; empty of what has no seed.
        tasks: task -> seed -> value, where seeds are means over tasks.
        worst: seed and value of the worst seed, of several; None where no direction is known.
        steps: seed -> step that was measured.
        protocols: keys of ``protocols.json`` that the values were taken under.
    """

    mean: float | None
    standard_error: float | None = None
    error_of: Literal["seeds", "samples"] | None = None
    values: Mapping[int, float | None] = dataclasses.field(default_factory=dict)
    tasks: Mapping[str, Mapping[int | None, float | None]] = dataclasses.field(default_factory=dict)
    worst: tuple[int, float] | None = None
    steps: Mapping[int | None, int | None] = dataclasses.field(default_factory=dict)
    protocols: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """A row less its control.

    Attributes:
        mean: over the seeds' differences.
        standard_error: of the mean, from their scatter (n - 1); None of a single one.
        values: seed -> difference.
    """

    mean: float
    standard_error: float | None
    values: Mapping[int, float]


def cell_of(tasks: Mapping[str, BySeed], better: str | None = None) -> Cell:
    """Means over tasks within each seed, then over the seeds.

    Args:
        tasks: task -> seed -> value; a single one where nothing is averaged over.
        better: ``less`` or ``more``, which says which seed is worst.

    Raises:
        ValueError: no seed has a value of every task.
    """
    seeds = set.intersection(*map(set, tasks.values())) if tasks else set()
    if not seeds:
        raise ValueError(
            f"no seed has a value of every task ({', '.join(tasks) or 'there is none'})"
        )
    by_seed = {
        seed: _mean_over_tasks([values[seed] for values in tasks.values()])
        for seed in sorted(seeds, key=lambda seed: (seed is not None, seed))
    }
    protocols = {value.protocol for values in tasks.values() for value in values.values()}
    mean, error = over_seeds(by_seed) or (None, None)
    error_of = "seeds" if len(by_seed) > 1 else "samples"
    return Cell(
        mean=mean,
        standard_error=error,
        error_of=None if error is None else error_of,
        values=_values(by_seed),
        tasks=_by_task(tasks) if len(tasks) > 1 else {},
        worst=worst_seed(by_seed, better),
        steps={seed: value.step for seed, value in by_seed.items()},
        protocols=tuple(sorted(protocols - {None})),
    )


def cell_of_known(by_seed: BySeed, better: str | None = None) -> Cell:
    """As :func:`cell_of`, but over the seeds that did not fail; ``values`` tells which did.

    For pages that say beside the mean how many failed.

    Args:
        by_seed: seed -> value.
        better: ``less`` or ``more``, which says which seed is worst.
    """
    known = {seed: value for seed, value in by_seed.items() if value.value is not None}
    return dataclasses.replace(cell_of({"": known or by_seed}, better), values=_values(by_seed))


def _values(by_seed: BySeed) -> dict[int, float | None]:
    return {seed: value.value for seed, value in by_seed.items() if seed is not None}


def _by_task(tasks: Mapping[str, BySeed]) -> dict[str, dict[int | None, float | None]]:
    return {
        task: {seed: value.value for seed, value in values.items()}
        for task, values in tasks.items()
    }


def _mean_over_tasks(values: Sequence[Value]) -> Value:
    """Of one seed; an error of the samples is kept only where there is one task."""
    if len(values) == 1:
        return values[0]
    steps = {value.step for value in values}
    step = steps.pop() if len(steps) == 1 else None
    if any(value.value is None for value in values):
        return Value(None, step=step)
    return Value(float(np.mean([value.value for value in values])), step=step)


def paired_difference(
    values: Mapping[int, float | None], control: Mapping[int, float | None]
) -> Difference | None:
    """A row less its control, seed by seed; their order says nothing.

    Args:
        values: seed -> value of the row.
        control: seed -> value of the control, of the same seeds.

    Returns:
        None where a measurement failed.

    Raises:
        ValueError: the seeds are others.
    """
    if set(values) != set(control) or not values:
        raise ValueError(
            f"seeds {_list(values)} against {_list(control)}: differences are taken seed by seed, "
            "so run both rows with the same seeds"
        )
    if any(value is None for value in (*values.values(), *control.values())):
        return None
    differences = {seed: value - control[seed] for seed, value in sorted(values.items())}
    mean, error = mean_of(np.array(list(differences.values())))
    return Difference(mean=mean, standard_error=error, values=differences)


def _list(seeds: Mapping[int, float | None]) -> str:
    return ", ".join(map(str, sorted(seeds))) or "(none)"
