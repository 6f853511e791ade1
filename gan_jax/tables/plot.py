"""A table as dots with error bars, a panel for each column."""

import io
from collections.abc import Mapping
from pathlib import Path

from gan_jax.drawing.whole_files import replace_file
from gan_jax.tables.cells import Comparison
from gan_jax.tables.table import Table


def save_plot(table: Table, groups: Mapping[str, Comparison], path: Path) -> None:
    """Writes the cells as a PNG: a row of panels for each group that has some.

    Filled dots are measured, with their standard errors; small ones are single seeds; hollow squares
    are published; dashed lines are references, unless they are so far that the dots would be one.

    Args:
        table: the table.
        groups: group -> its cells.
        path: the file.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    drawn = {name: each for name, each in groups.items() if each.headings}
    if not drawn:
        path.unlink(missing_ok=True)  # of an earlier table
        return
    rows = {name: _rows(table, name, each) for name, each in drawn.items()}
    width = max(len(each.headings) for each in drawn.values())
    heights = [1.2 + 0.28 * len(rows[name]) for name in drawn]
    figure = Figure(figsize=(2.5 + 2.6 * width, sum(heights)), layout="constrained")
    axes = figure.subplots(len(drawn), width, squeeze=False, height_ratios=heights)
    for line, (name, comparison) in zip(axes, drawn.items(), strict=True):
        for axis, column in zip(
            line, [*_columns(table, comparison), *[None] * width], strict=False
        ):
            if column is None:
                axis.set_axis_off()
            else:
                _panel(axis, table, comparison, rows[name], *column)
        line[0].set_yticks(range(len(rows[name])), rows[name], fontsize="small")
        line[0].set_ylabel(name)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    replace_file(path, stream.getvalue())


def save_plane(table: Table, groups: Mapping[str, Comparison], path: Path) -> None:
    """Writes the rows as points of two figures, a panel for each group: what one costs in the other.

    Rows are joined in their order; those of references are crosses of their own.

    Args:
        table: whose ``plane`` names the figures.
        groups: group -> its cells.
        path: the file.
    """
    from matplotlib.figure import Figure

    drawn = {name: each for name, each in groups.items() if set(table.plane) <= set(each.headings)}
    if not drawn:
        path.unlink(missing_ok=True)  # of an earlier table
        return
    figure = Figure(figsize=(4.6 * len(drawn), 4.2), layout="constrained")
    axes = figure.subplots(1, len(drawn), squeeze=False)[0]
    labels = {column.figure: column.label for column in table.columns}
    for axis, (name, comparison) in zip(axes, drawn.items(), strict=True):
        curve = []
        for row, cells in comparison.rows.items():
            x, y = (cells.cells.get(each) for each in table.plane)
            if x is None or y is None or x.mean is None or y.mean is None:
                continue
            reference = table.rows[row].kind == "reference_of"
            style = (
                dict(fmt="x", color="tab:gray") if reference else dict(fmt="o", color="tab:blue")
            )
            axis.errorbar(x.mean, y.mean, xerr=x.standard_error, yerr=y.standard_error, **style)
            axis.annotate(
                row, (x.mean, y.mean), (4, 4), textcoords="offset points", fontsize="small"
            )
            curve += [] if reference else [(x.mean, y.mean)]
        if curve:
            axis.plot(*zip(*curve, strict=True), color="tab:blue", alpha=0.4, linewidth=1)
        heads = [labels[each] or comparison.headings[each].label for each in table.plane]
        axis.set(xlabel=heads[0], ylabel=heads[1], title=name)
        axis.grid(alpha=0.3)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    replace_file(path, stream.getvalue())


def _rows(table: Table, group: str, comparison: Comparison) -> list[str]:
    """Names of the rows that have something to draw."""
    return [
        name
        for name, row in table.rows.items()
        if row.group == group and (name in comparison.rows or row.kind == "published")
    ]


def _columns(table: Table, comparison: Comparison) -> list[tuple[str, str]]:
    return [
        (column.figure, column.label or comparison.headings[column.figure].label)
        for column in table.columns
        if column.figure in comparison.headings
    ]


def _panel(
    axis, table: Table, comparison: Comparison, rows: list[str], figure: str, label: str
) -> None:
    for place, name in enumerate(rows):
        published = table.rows[name].published.get(figure)
        if published is not None and not isinstance(published, str):
            axis.errorbar(
                published.value,
                place,
                xerr=published.standard_error,
                fmt="s",
                markerfacecolor="none",
                color="tab:gray",
                markersize=5,
            )
        cell = comparison.rows[name].cells.get(figure) if name in comparison.rows else None
        if cell is not None and cell.mean is not None:
            seeds = [value for value in cell.values.values() if value is not None]
            axis.plot(seeds, [place] * len(seeds), ".", color="tab:blue", alpha=0.4, markersize=4)
            axis.errorbar(
                cell.mean, place, xerr=cell.standard_error, fmt="o", color="tab:blue", markersize=5
            )
    low, high = axis.get_xlim()
    for value in _references(comparison, figure):
        if low - 2 * (high - low) < value < high + 2 * (high - low):
            axis.axvline(value, color="tab:gray", linestyle="--", linewidth=0.8)
    axis.set_yticks(range(len(rows)), [""] * len(rows))
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_title(label, fontsize="small")
    axis.grid(alpha=0.3)


def _references(comparison: Comparison, figure: str) -> set[float]:
    cells = [
        cells[figure]
        for row in comparison.rows.values()
        for cells in row.references.values()
        if figure in cells
    ]
    return {cell.mean for cell in cells if cell.mean is not None}
