"""Tables of figures in a page, with their protocols and what the signs mean."""

from collections.abc import Sequence
from html import escape

from gan_jax.commands import html
from gan_jax.tables.comparison import Measured, Shown, compare, protocols_of
from gan_jax.tables.protocols import Heading, headings_in
from gan_jax.tables.run_files import RunFiles, flat
from gan_jax.tables.statistics import Cell

_ARROWS = {"less": "↓", "more": "↑"}
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
    for found in compare(runs):
        evaluator, body = found.evaluator, _measured(found)
        if evaluator in seen:
            parts.append(html.folded(f"{evaluator}, measured in another way", body))
        else:
            parts.append(f"<h3>{escape(evaluator.replace('_', ' '))}</h3>\n{body}")
        seen.add(evaluator)
    if not parts:
        return ""
    return "\n".join([html.note(_SIGNS), *parts])


_SIGNS = (
    "↓ less is better, ↑ more is better. ± is one standard error: over the seeds or runs where there are several, "
    "else that of the estimate."
)


def _measured(found: Measured) -> str:
    prefix = f"{found.evaluator}/"
    head = [_head(figure.removeprefix(prefix), of) for figure, of in found.headings.items()]
    rows, kind = [], ""
    for row in found.rows:
        first = row.reference and kind == ""
        kind = "reference" if row.reference else ""
        cells = [_cell(row, figure, heading) for figure, heading in found.headings.items()]
        rows.append((f"{kind} first" if first else kind, escape(row.label), cells))
    names = dict.fromkeys(row.reference for row in found.rows if row.reference)
    said = [sentence for name, sentence in _REFERENCES.items() if name in names]
    others = [name for name in names if name not in _REFERENCES]
    if others:
        said.append(f"{', '.join(others)}: measured likewise, to compare with.")
    notes = "".join(map(html.note, [*found.notes, " ".join(said)]))
    return html.raw_table(["", *head], rows) + _protocol(found) + notes


def _protocol(found: Measured) -> str:
    said = html.note(f"How: {found.description}") if found.description else ""
    if not found.details:
        return said
    lines = [["", "value"], *([name, value] for name, value in flat(found.details).items())]
    heading = f"The whole protocol ({found.protocol}): figures compare only where it is the same"
    return said + html.folded(heading, f'<div class="plain">{html.table(lines)}</div>')


def _head(name: str, heading: Heading) -> str:
    sign = _ARROWS.get(heading.better)
    arrow = f'&nbsp;<span class="arrow">{sign}</span>' if sign else ""
    return f'<span title="{escape(name)}">{escape(heading.label)}{arrow}</span>'


def _cell(row: Shown, figure: str, heading: Heading) -> str:
    cell = row.cells.get(figure)
    if cell is None:
        return ""
    if cell.mean is None:
        return '<span class="failed">failed</span>'
    error = "" if cell.standard_error is None else f" ± {_error(cell, heading)}"
    shown, below = _digits(cell.mean, heading), []
    if cell.worst is not None and (worst := _digits(cell.worst[1], heading)) != shown:
        seed = cell.worst[0]
        below.append(f"worst {worst} ({row.whose.get(seed, f'seed {seed}')})")
    if failed := sum(value is None for value in cell.values.values()):
        below.append(f"{failed} of {len(cell.values)} failed")
    small = "".join(f"<small>{escape(text)}</small>" for text in below)
    return f'{shown}<span class="error">{error}</span>{small}'


def _error(cell: Cell, heading: Heading) -> str:
    """What is left of rounding where all seeds have one value is no error."""
    error = cell.standard_error
    return _digits(0.0 if error < 1e-9 * abs(cell.mean) else error, heading)


def _digits(value: float, heading: Heading) -> str:
    """Digits after the point as the figure says; very large and small numbers with an exponent."""
    if value and not 10.0 ** -(heading.digits + 1) <= abs(value) < 1e9:
        return f"{value:.3g}"
    return f"{value:,.{heading.digits}f}"


def label_of(run: RunFiles, figure: str) -> str:
    """What people call a figure: its label and direction.

    Args:
        run: knows its protocols.
        figure: such as ``quality/frechet``.
    """
    heading = heading_of(run, figure)
    return f"{heading.label} {_ARROWS.get(heading.better, '')}".strip()


def heading_of(run: RunFiles, figure: str) -> Heading:
    """How a figure is shown.

    Args:
        run: knows its protocols.
        figure: such as ``quality/frechet``.
    """
    evaluator, _, name = figure.partition("/")
    for known, protocol in protocols_of([run]):
        found = headings_in(run.protocols.get(protocol, {}))
        if known == evaluator and name in found:
            return found[name]
    return Heading(figure.replace("_", " "))
