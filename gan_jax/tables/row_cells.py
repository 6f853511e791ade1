"""The cells of one row, from the readings of its runs."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.tables.protocols import heading
from gan_jax.tables.reading import Reading
from gan_jax.tables.statistics import Cell, Difference, cell_of
from gan_jax.training.over_seeds import BySeed, add_seeds

ByTask = dict[str, BySeed]  # task -> seed -> value


class Part(NamedTuple):
    """One run of a row.

    Attributes:
        reading: None where the run is not finished.
        task: of those that are averaged over; ``""`` of a single one.
        seed: of the run, the first of several.
    """

    reading: Reading | None
    task: str = ""
    seed: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowCells:
    """What was measured of a row.

    Attributes:
        cells: figure -> cell.
        settings: further setting of the run, such as ``temperature 0.5`` -> figure -> cell.
        references: reference, such as ``real`` -> figure -> cell.
        differences: figure -> difference to the row's control.
        complete: whether every run of the row is finished.
        configs: of the runs, their ``config.json``.
        machines: on which they were made.
        steps: that were measured, of all runs.
        seconds: of all runs.
        protocols: key -> what ``protocols.json`` says of it.
    """

    cells: Mapping[str, Cell]
    settings: Mapping[str, Mapping[str, Cell]] = dataclasses.field(default_factory=dict)
    references: Mapping[str, Mapping[str, Cell]] = dataclasses.field(default_factory=dict)
    differences: Mapping[str, Difference] = dataclasses.field(default_factory=dict)
    complete: bool = True
    configs: Sequence[Mapping[str, Any]] = ()
    machines: Sequence[Mapping[str, Any] | None] = ()
    steps: Sequence[int] = ()
    seconds: float | None = None
    protocols: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """Of any cell."""
        return sorted({seed for cell in self.cells.values() for seed in cell.values})


def row_cells(
    parts: Sequence[Part],
    *,
    machines: Sequence[Mapping[str, Any] | None] = (),
    better: Mapping[str, str | None] | None = None,
) -> RowCells:
    """The cells of one row, from its runs.

    Args:
        parts: its runs.
        machines: on which they were made.
        better: figure -> ``less`` or ``more``, where the evaluator's own word is not to be taken.

    Raises:
        ValueError: two runs hold figures of one seed.
    """
    found = [part for part in parts if part.reading is not None]
    protocols = {key: said for part in found for key, said in part.reading.protocols.items()}
    merged, references = _merged(found)
    cells = {
        shown: {
            figure: cell_of(
                by_task, (better or {}).get(figure) or heading(figure, [protocols]).better
            )
            for figure, by_task in figures.items()
            # a mean over some of the tasks is no mean over all
            if set(by_task) == {part.task for part in parts}
            and set.intersection(*map(set, by_task.values()))
        }
        for shown, figures in merged.items()
    }
    own = cells.pop(GENERATED, {})
    seconds = [part.reading.seconds for part in found if part.reading.seconds is not None]
    return RowCells(
        cells=own,
        settings={shown: each for shown, each in cells.items() if shown not in references},
        references={shown: each for shown, each in cells.items() if shown in references},
        complete=len(found) == len(parts),
        configs=[part.reading.config for part in found],
        machines=machines,
        steps=sorted({part.reading.step for part in found} - {None}),
        seconds=sum(seconds) if seconds else None,
        protocols=protocols,
    )


def _merged(parts: Sequence[Part]) -> tuple[dict[str, dict[str, ByTask]], set[str]]:
    """Shown -> figure -> task -> seed -> value, of the runs of all seeds; and which are references."""
    merged: dict[str, dict[str, ByTask]] = {}
    references = set()
    for part in parts:
        for shown, figures in part.reading.figures.items():
            for figure, by_seed in figures.items():
                if None in by_seed and shown != GENERATED:
                    references.add(shown)
                    by_seed = {part.seed: by_seed[None]}
                by_task = merged.setdefault(shown, {}).setdefault(figure, {})
                add_seeds(by_task.setdefault(part.task, {}), by_seed, figure)
    for shown in references:
        merged[shown] = {
            figure: {task: _once(by_seed) for task, by_seed in by_task.items()}
            for figure, by_task in merged[shown].items()
        }
    return merged, references


def _once(by_seed: BySeed) -> BySeed:
    """A reference is measured once: what every run says of it has no seed."""
    values = list(by_seed.values())
    return {None: values[0]} if len({value.value for value in values}) == 1 else by_seed


def references(
    beside: Mapping[str, Mapping[str, Mapping[str, Cell]]],
) -> list[tuple[str, str, dict[str, Cell]]]:
    """Each reference once; with the names of its rows where rows have other values of it.

    Args:
        beside: row -> reference -> figure -> cell.

    Returns:
        The reference, how it is called among the others, and its cells.
    """
    distinct: dict[str, list[tuple[list[str], dict[str, Cell]]]] = {}
    for name, measured in beside.items():
        for reference, cells in measured.items():
            known = distinct.setdefault(reference, [])
            for names, others in known:
                if all(others[f].mean == cells[f].mean for f in others.keys() & cells.keys()):
                    names.append(name)
                    others.update(cells)
                    break
            else:
                known.append(([name], dict(cells)))
    return [
        (reference, f"{reference} (of {', '.join(names)})" if len(known) > 1 else reference, cells)
        for reference, known in distinct.items()
        for names, cells in known
    ]


def of_reference(cells: RowCells, name: str, reference: str) -> RowCells:
    """A reference or setting of a row, as a row.

    Args:
        cells: of the row.
        name: of the row.
        reference: what was measured beside it.

    Raises:
        ValueError: that was not.
    """
    known = {**cells.references, **cells.settings}
    if reference not in known:
        raise ValueError(
            f"row {name} has no reference {reference!r}; it was measured beside "
            f"{', '.join(known) or 'nothing'}"
        )
    steps = () if reference in cells.references else cells.steps
    return dataclasses.replace(
        cells, cells=known[reference], settings={}, references={}, steps=steps
    )
