"""A table as JSON: everything that its Markdown shows, and what it leaves out."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gan_jax.metrics.estimate import Estimate
from gan_jax.tables.cells import Comparison
from gan_jax.tables.plan import as_json
from gan_jax.tables.protocols import Heading
from gan_jax.tables.row_cells import RowCells
from gan_jax.tables.statistics import Cell, Difference
from gan_jax.tables.table import Row, Table

_FORMAT = 1


def headings(table: Table, comparison: Comparison) -> dict[str, Heading]:
    """Figure -> how its column is headed: the table's own words before the evaluator's.

    Args:
        table: the table.
        comparison: a group of it.
    """
    found = {}
    for column in table.columns:
        if (own := comparison.headings.get(column.figure)) is not None:
            found[column.figure] = Heading(
                column.label or own.label,
                column.better or own.better,
                own.digits if column.digits is None else column.digits,
            )
    return found


def table_json(table: Table, groups: Mapping[str, Comparison]) -> dict[str, Any]:
    """Everything: cells by seed, errors, protocols, arguments, published values and versions.

    Args:
        table: the table.
        groups: group -> its cells.
    """
    rows = {}
    protocols: dict[str, Any] = {}
    for name, row in table.rows.items():
        found = groups[row.group].rows.get(name)
        rows[name] = _row_json(row, found)
        protocols |= {} if found is None else found.protocols
    return {
        "format": _FORMAT,
        "name": table.name,
        "title": table.title,
        "over": as_json(dict(table.over)),
        "columns": {
            group: {figure: of._asdict() for figure, of in headings(table, comparison).items()}
            for group, comparison in groups.items()
        },
        "rows": rows,
        "protocols": protocols,
    }


def _row_json(row: Row, found: RowCells | None) -> dict[str, Any]:
    said_of_row = {
        "kind": row.kind,
        "group": row.group,
        "experiment": row.experiment and Path(row.experiment).stem,
        "arguments": as_json(dict(row.arguments)),
        "options": as_json(dict(row.options)),
        "needs": dict(row.needs),
        "reference_of": row.reference_of and list(row.reference_of),
        "at": row.at,
        "control": row.control,
        "published": {figure: _published_json(value) for figure, value in row.published.items()},
        "source": row.source,
    }
    if found is None:
        return said_of_row | {"complete": row.kind == "published", "cells": {}}
    return said_of_row | {
        "complete": found.complete,
        "seeds": found.seeds,
        "steps": found.steps,
        "seconds": found.seconds,
        "run_arguments": _run_arguments(found),
        "versions": _distinct(config.get("versions", {}) for config in found.configs),
        "machines": _distinct(found.machines),
        "cells": _cells_json(found.cells, found.differences),
        "settings": {name: _cells_json(cells) for name, cells in found.settings.items()},
        "references": {name: _cells_json(cells) for name, cells in found.references.items()},
    }


def _published_json(value: Estimate | str) -> Any:
    return value if isinstance(value, str) else value._asdict()


def _run_arguments(found: RowCells) -> dict[str, Any]:
    """With the experiment's defaults; not what differs between the row's runs, nor where data lie."""
    all_of_them = [config.get("arguments", {}) for config in found.configs]
    return {
        key: value
        for key, value in (all_of_them[0] if all_of_them else {}).items()
        if not key.endswith("_dir") and all(other.get(key) == value for other in all_of_them)
    }


def _distinct(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _cells_json(
    cells: Mapping[str, Cell], differences: Mapping[str, Difference] | None = None
) -> dict[str, Any]:
    return {
        figure: dataclasses.asdict(cell)
        | (
            {"difference": dataclasses.asdict(differences[figure])}
            if figure in (differences or {})
            else {}
        )
        for figure, cell in cells.items()
    }
