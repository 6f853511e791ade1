"""The cells of a table: read from its run folders, with one protocol in a column."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.tables.plan import MEASURED, Planned, check_unchanged, plan
from gan_jax.tables.protocols import Heading, heading, mixed_protocols
from gan_jax.tables.reading import Reading, read_run
from gan_jax.tables.row_cells import Part, RowCells, of_reference, row_cells
from gan_jax.tables.statistics import paired_difference
from gan_jax.tables.table import Row, Table
from gan_jax.training.json_files import read_json
from gan_jax.training.over_seeds import Value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Rows that stand side by side.

    Attributes:
        rows: name -> what was measured; rows that were not run are missing.
        headings: figure -> how its column is headed; figures that no row has are missing.
    """

    rows: Mapping[str, RowCells]
    headings: Mapping[str, Heading]


def collect(table: Table, out: Path) -> dict[str, Comparison]:
    """Reads the cells of a table from its folder.

    Args:
        table: the table.
        out: its folder.

    Returns:
        Group -> its rows.

    Raises:
        ValueError: a row's arguments are not those of its runs; a column mixes protocols, or no row
            has it; a control was run with other seeds; two machines where the table compares one.
    """
    rows = {name: _collected(table, name, out) for name in table.rows}
    found = {name: cells for name, cells in rows.items() if cells is not None}
    if table.one_machine:
        _check_one_machine(found)
    groups: dict[str, dict[str, RowCells]] = {}
    for name, row in table.rows.items():
        group = groups.setdefault(row.group, {})
        if name in found:
            group[name] = _with_differences(name, row, table, found)
    figures = [column.figure for column in table.columns]
    mixed = [
        mixed_protocols(figure, _under(figure, rows))
        for rows in groups.values()
        for figure in figures
    ]
    if any(mixed):
        raise ValueError("\n".join(filter(None, mixed)))
    comparisons = {group: _comparison(members, figures) for group, members in groups.items()}
    _check_columns(table, comparisons, found)
    return comparisons


def _comparison(rows: Mapping[str, RowCells], figures: Sequence[str]) -> Comparison:
    return Comparison(
        rows=rows,
        headings={
            figure: heading(figure, [row.protocols for row in rows.values()])
            for figure in figures
            if any(figure in row.cells for row in rows.values())
        },
    )


def _under(figure: str, rows: Mapping[str, RowCells]) -> dict[str, dict[str, Any]]:
    """Row -> the protocols of its figure."""
    return {
        name: {key: row.protocols.get(key, {}) for key in row.cells[figure].protocols}
        for name, row in rows.items()
        if figure in row.cells
    }


def _collected(table: Table, name: str, out: Path) -> RowCells | None:
    """What was measured of a row; None where nothing was."""
    row, chosen = table.rows[name], GENERATED
    if row.kind == "published":
        return None
    if row.reference_of is not None:
        name, chosen = row.reference_of
    runs = plan(table, name, out)
    for planned in runs:
        check_unchanged(planned, seeds=False)
    metrics = [
        column.figure.removeprefix("metrics:")
        for column in table.columns
        if column.figure.startswith("metrics:")
    ]
    parts = [Part(_read(each, row.at, metrics), each.task, each.seed) for each in runs]
    if not any(part.reading for part in parts):
        return None
    machines = [
        machine
        for run, part in zip(runs, parts, strict=True)
        if part.reading is not None
        for machine in run.recorded.get("machines", [None])
    ]
    better = {column.figure: column.better for column in table.columns}
    cells = row_cells(parts, machines=machines, better=better)
    return cells if chosen == GENERATED else of_reference(cells, *row.reference_of)


def _read(planned: Planned, at: str, metrics: Sequence[str]) -> Reading | None:
    if not planned.finished:
        return None
    if planned.file is not None:
        reading = read_run(planned.path, at=at, metrics=metrics)
        if reading is not None and reading.step is None:
            what = "no best step" if at == "best" else f"no evaluation at {at}"
            raise ValueError(f"row {planned.name}: {planned.path} has {what}; take another at")
        return reading
    figures = {
        name: {planned.seed: Value(found["value"], found["standard_error"])}
        for name, found in read_json(planned.path / MEASURED)["figures"].items()
    }
    return Reading(config={}, figures={GENERATED: figures})


def _with_differences(name: str, row: Row, table: Table, found: Mapping[str, RowCells]) -> RowCells:
    """The row with its differences, where it and its control are complete."""
    cells, control = found[name], found.get(row.control)
    if control is None or not (cells.complete and control.complete):
        return cells
    differences = {}
    for figure in (column.figure for column in table.columns):
        if figure in cells.cells and figure in control.cells:
            try:
                differences[figure] = paired_difference(
                    cells.cells[figure].values, control.cells[figure].values
                )
            except ValueError as error:
                raise ValueError(
                    f"row {name} and its control {row.control}, column {figure}: {error}"
                ) from None
    kept = {figure: value for figure, value in differences.items() if value is not None}
    return dataclasses.replace(cells, differences=kept)


def _check_one_machine(rows: Mapping[str, RowCells]) -> None:
    first: tuple[str, Any] | None = None
    for name, row in rows.items():
        for machine in row.machines:
            if machine is None:
                raise ValueError(
                    f"row {name}: it is not known on which machine its run was made, and this table "
                    "compares figures of one machine: run it here anew"
                )
            first = first or (name, machine)
            if machine != first[1]:
                raise ValueError(
                    f"rows {first[0]} and {name} were made on two machines, {first[1]} and {machine}, "
                    "and this table compares figures of one machine: run one of them anew"
                )


def _check_columns(
    table: Table, comparisons: Mapping[str, Comparison], found: Mapping[str, RowCells]
) -> None:
    """A column that no row has is refused once all rows are there; until then they may bring it."""
    if any(
        name not in found or not found[name].complete
        for name, row in table.rows.items()
        if row.kind != "published"
    ):
        return
    known = {
        figure
        for each in comparisons.values()
        for row in each.rows.values()
        for figure in row.cells
    }
    for column in table.columns:
        if column.figure not in known:
            raise ValueError(
                f"column {column.figure}: no row has it; expected some of {', '.join(sorted(known))}"
            )
