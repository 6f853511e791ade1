"""A table as Markdown, and everything that is written of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gan_jax.drawing.whole_files import replace_file
from gan_jax.tables.cells import Comparison, collect
from gan_jax.tables.plot import save_plane, save_plot
from gan_jax.tables.protocols import Heading
from gan_jax.tables.row_cells import RowCells, references
from gan_jax.tables.running import said
from gan_jax.tables.statistics import Cell, Difference
from gan_jax.tables.table import Column, Row, Table
from gan_jax.tables.table_json import headings, table_json
from gan_jax.training.json_files import write_json

LEGEND = (
    "Means over seeds +- their standard errors; of a single seed, and of references (*in italics*), the "
    "error is that of the samples. The worst seed's own value stands behind the mean."
)


def write(table: Table, out: Path) -> dict[str, Comparison]:
    """Writes ``table.json``, ``table.md`` and ``table.png`` of what has been run so far.

    Args:
        table: the table.
        out: its folder.

    Returns:
        Group -> what was written of it.

    Raises:
        ValueError: the cells cannot stand side by side (:func:`gan_jax.tables.cells.collect`).
    """
    groups = collect(table, out)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "table.json", table_json(table, groups))
    replace_file(out / "table.md", markdown(table, groups).encode())
    save_plot(table, groups, out / "table.png")
    if table.plane is not None:
        save_plane(table, groups, out / "plane.png")
    return groups


def markdown(table: Table, groups: Mapping[str, Comparison]) -> str:
    """The table as Markdown.

    Args:
        table: the table.
        groups: group -> its cells.
    """
    lines = [*([f"# {table.title}", ""] if table.title else []), LEGEND]
    for group, comparison in groups.items():
        rows = {name: row for name, row in table.rows.items() if row.group == group}
        lines += ["", f"## {group}"] if group else []
        lines += _group(table, rows, comparison)
    return "\n".join(lines) + "\n"


def _group(table: Table, rows: Mapping[str, Row], comparison: Comparison) -> list[str]:
    columns, quoted = headings(table, comparison), _quoted(table, rows)
    labels = [
        columns[each.figure].label if each.figure in columns else each.label or each.figure
        for each in quoted
    ]
    head = ["row", "seeds", "steps", *(each.label for each in columns.values())]
    head += [f"published: {', '.join(labels)}"] if quoted else []
    lines = ["", _line(head), "|---" * len(head) + "|"]
    for name, row in rows.items():
        published = [_published(row, quoted)] if quoted else []
        lines.append(
            _line(
                [
                    _row_name(name, row, comparison),
                    *_measured(comparison.rows.get(name), columns),
                    *published,
                ]
            )
        )
    beside = {name: row.references for name, row in comparison.rows.items()}
    for _, name, found in references(beside):
        cells = _cells(found, columns)
        lines.append(_line([f"*{name}*", "", "", *cells, *([""] if quoted else [])]))
    lines += _differences(rows, comparison, columns)
    return lines + _notes(table, rows, comparison, columns)


def _quoted(table: Table, rows: Mapping[str, Row]) -> list[Column]:
    """The columns that a paper says something of."""
    known = {figure for row in rows.values() for figure in row.published}
    return [column for column in table.columns if column.figure in known]


def _published(row: Row, quoted: Sequence[Column]) -> str:
    """A row's published values, in the order of the heading; a single word stands for all."""
    values = list(row.published.values())
    if not values or (len(values) == 1 and isinstance(values[0], str)):
        return "".join(values)
    return ", ".join(str(row.published.get(column.figure, "-")) for column in quoted)


def _measured(found: RowCells | None, columns: Mapping[str, Heading]) -> list[str]:
    """Seeds, steps and cells; empty ones of a row that was not run."""
    if found is None:
        return [""] * (2 + len(columns))
    ends = dict.fromkeys([f"{step:,}" for step in found.steps[:1] + found.steps[-1:]])
    return [str(len(found.seeds) or ""), " to ".join(ends), *_cells(found.cells, columns)]


def _cells(cells: Mapping[str, Cell], columns: Mapping[str, Heading]) -> list[str]:
    return [_cell(cells.get(figure), heading) for figure, heading in columns.items()]


def _cell(cell: Cell | None, heading: Heading) -> str:
    if cell is None:
        return ""
    if cell.mean is None:
        failed = [str(seed) for seed, value in cell.values.items() if value is None]
        return f"failed (seeds {', '.join(failed)})" if len(cell.values) > 1 else "failed"
    worst = f" (worst {_number(cell.worst[1], heading)})" if cell.worst else ""
    return _estimate(cell.mean, cell.standard_error, heading) + worst


def _estimate(value: float, error: float | None, heading: Heading) -> str:
    return _number(value, heading) + ("" if error is None else f" +- {error:.2g}")


def _number(value: float, heading: Heading) -> str:
    return f"{value:,.{heading.digits}f}"


def _row_name(name: str, row: Row, comparison: Comparison) -> str:
    found = comparison.rows.get(name)
    at = "" if row.at == "last" else f", {row.at}"
    return name + at + ("" if found is None or found.complete else " (not every run is done)")


def _differences(
    rows: Mapping[str, Row], comparison: Comparison, columns: Mapping[str, Heading]
) -> list[str]:
    found = {name: each.differences for name, each in comparison.rows.items() if each.differences}
    if not found:
        return []
    head = ["row", "less its control", *(each.label for each in columns.values()), "pairs"]
    lines = ["", "Differences, seed by seed, and their standard errors:", "", _line(head)]
    lines.append("|---" * len(head) + "|")
    for name, differences in found.items():
        cells = [_difference(differences.get(figure), of) for figure, of in columns.items()]
        pairs = str(max(len(each.values) for each in differences.values()))
        lines.append(_line([name, rows[name].control, *cells, pairs]))
    return lines


def _difference(difference: Difference | None, heading: Heading) -> str:
    if difference is None:
        return ""
    return _estimate(difference.mean, difference.standard_error, heading)


def _notes(
    table: Table,
    rows: Mapping[str, Row],
    comparison: Comparison,
    columns: Mapping[str, Heading],
) -> list[str]:
    """Protocols, sources, the machine."""
    described: dict[str, list[str]] = {}
    for figure, of in columns.items():
        for row in comparison.rows.values():
            for key in row.cells[figure].protocols if figure in row.cells else ():
                words = row.protocols.get(key, {}).get("protocol", {}).get("description", key)
                if of.label not in described.setdefault(words, []):
                    described[words].append(of.label)
    sources: dict[str, list[str]] = {}
    for name, row in rows.items():
        if row.source:
            sources.setdefault(row.source, []).append(name)
    lines = [
        f"- {', '.join(labels)}: {' '.join(words.split())}" for words, labels in described.items()
    ]
    lines += [f"- published, {', '.join(names)}: {source}" for source, names in sources.items()]
    if table.one_machine:
        machines = [machine for row in comparison.rows.values() for machine in row.machines]
        lines += [f"- measured on {said(machines[0])}"] if machines else []
    return ["", *lines] if lines else []


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
