"""Tables of figures in a page, with their protocols and what the signs mean."""

from collections.abc import Sequence
from html import escape

from gan_jax.commands import html
from gan_jax.commands.figure_cells import Cell, Column
from gan_jax.commands.figure_tables import Measured, columns_of, measured, protocols_of
from gan_jax.commands.run_files import RunFiles, flat

_REFERENCES = {
    "real": "real: other real data, measured likewise; a perfect generator would come here.",
    "noise": "noise: random noise, measured likewise; what has learned nothing is here.",
}


def figures(runs: Sequence[RunFiles]) -> str:
    """A table for each evaluator; of one that measured in several ways, the earlier ones folded.

    Args:
        runs: one or several.
    """
    parts, seen = [], set()
    for evaluator, protocol in protocols_of(runs):
        found = measured(runs, evaluator, protocol)
        if evaluator in seen:
            parts.append(html.folded(f"{evaluator}, measured in another way", _measured(found)))
        else:
            parts.append(f"<h3>{escape(evaluator.replace('_', ' '))}</h3>\n{_measured(found)}")
        seen.add(evaluator)
    if not parts:
        return ""
    return "\n".join([html.note(_SIGNS), *parts])


_SIGNS = (
    "↓ less is better, ↑ more is better. ± is one standard error: over the seeds or runs where there are several, "
    "else that of the estimate."
)


def _measured(found: Measured) -> str:
    head = ["", *map(_head, found.columns)]
    rows, kind = [], ""
    for row in found.rows:
        first = row.reference and kind == ""
        kind = "reference" if row.reference else ""
        cells = [_cell(row.cells.get(column.name), column) for column in found.columns]
        rows.append((f"{kind} first" if first else kind, escape(row.label), cells))
    names = [row.label for row in found.rows if row.reference]
    said = [sentence for name, sentence in _REFERENCES.items() if name in names]
    others = [name for name in names if name not in _REFERENCES]
    if others:
        said.append(f"{', '.join(others)}: measured likewise, to compare with.")
    return html.raw_table(head, rows) + _protocol(found) + html.note(" ".join(said))


def _protocol(found: Measured) -> str:
    said = html.note(f"How: {found.description}") if found.description else ""
    if not found.details:
        return said
    lines = [["", "value"], *([name, value] for name, value in flat(found.details).items())]
    heading = f"The whole protocol ({found.protocol}): figures compare only where it is the same"
    return said + html.folded(heading, f'<div class="plain">{html.table(lines)}</div>')


def _head(column: Column) -> str:
    arrow = f'&nbsp;<span class="arrow">{column.arrow}</span>' if column.arrow else ""
    return f'<span title="{escape(column.name)}">{escape(column.label)}{arrow}</span>'


def _cell(cell: Cell | None, column: Column) -> str:
    if cell is None:
        return ""
    if cell.value is None:
        return '<span class="failed">failed</span>'
    error = "" if cell.error is None else f" ± {_error(cell.error, cell.value, column)}"
    shown, below = _digits(cell.value, column), []
    if cell.worst is not None and (worst := _digits(cell.worst[0], column)) != shown:
        below.append(f"worst {worst} ({cell.worst[1]})")
    if cell.failed:
        below.append(f"{cell.failed} of {cell.failed + cell.num} failed")
    small = "".join(f"<small>{escape(text)}</small>" for text in below)
    return f'{shown}<span class="error">{error}</span>{small}'


def _error(error: float, value: float, column: Column) -> str:
    """What is left of rounding where all seeds have one value is no error."""
    return _digits(0.0 if error < 1e-9 * abs(value) else error, column)


def _digits(value: float, column: Column) -> str:
    """Digits after the point as the figure says; very large and small numbers with an exponent."""
    if value and not 10.0 ** -(column.digits + 1) <= abs(value) < 1e9:
        return f"{value:.3g}"
    return f"{value:,.{column.digits}f}"


def label_of(run: RunFiles, figure: str) -> str:
    """What people call a figure: its label and direction.

    Args:
        run: knows its protocols.
        figure: such as ``quality/frechet``.
    """
    column = column_of(run, figure)
    return f"{column.label} {column.arrow}".strip()


def column_of(run: RunFiles, figure: str) -> Column:
    """How a figure is shown.

    Args:
        run: knows its protocols.
        figure: such as ``quality/frechet``.
    """
    evaluator, _, name = figure.partition("/")
    for known, protocol in protocols_of([run]):
        if known == evaluator:
            for column in columns_of([run], protocol, []):
                if column.name == name:
                    return column
    return Column(name, figure.replace("_", " "))
