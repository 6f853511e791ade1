"""A page of one file that opens without a network: its skeleton, tables, curves and folds.

Whatever stands in it comes from files: text is escaped, and the page allows no script but its own
and nothing from elsewhere.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from gan_jax.training.curves import Curves

_STYLE = Path(__file__).with_name("report.css")
_SCRIPT = Path(__file__).with_name("report.js")


def page(title: str, lead: str, sections: Sequence[tuple[str, str]]) -> str:
    """The whole file.

    Args:
        title: of the page.
        lead: HTML below it.
        sections: headings and HTML.
    """
    style, script = _STYLE.read_text(encoding="utf-8"), _SCRIPT.read_text(encoding="utf-8")
    body = "\n".join(
        f'<section id="{_identifier(heading)}"><h2>{escape(heading)}</h2>\n{html}\n</section>'
        for heading, html in sections
    )
    links = " ".join(
        f'<a href="#{_identifier(heading)}">{escape(heading)}</a>' for heading, _ in sections
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n'
        f"<style>{style}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1>\n{lead}\n<nav>{links}</nav></header>\n"
        f"<main>\n{body}\n</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )


def table(lines: Sequence[Sequence[str]], *, caption: str = "") -> str:
    """Rows of cells of text, the first row and the first column as headings.

    Args:
        lines: texts; the first line is the head.
        caption: below the table.
    """
    head, *rows = lines
    return raw_table(
        [escape(cell) for cell in head],
        [("", escape(row[0]), [escape(cell) for cell in row[1:]]) for row in rows],
        caption=caption,
    )


def raw_table(
    head: Sequence[str], rows: Iterable[tuple[str, str, Sequence[str]]], *, caption: str = ""
) -> str:
    """A table of HTML.

    Args:
        head: HTML of the head's cells.
        rows: (class, heading, cells) of each row, the last two in HTML.
        caption: text below the table.
    """
    cells = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr class="{kind}"><th scope="row">{heading}</th>'
        + "".join(f"<td>{cell}</td>" for cell in row)
        + "</tr>\n"
        for kind, heading, row in rows
    )
    below = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide" tabindex="0"><table>{below}<thead><tr>{cells}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def note(text: str) -> str:
    """A paragraph that explains."""
    return f'<p class="note">{escape(text)}</p>'


def command(text: str, line: str) -> str:
    """A paragraph that ends in a command to type.

    Args:
        text: before it.
        line: for a shell.
    """
    return f'<p class="note">{escape(text)} <code>{escape(line)}</code></p>'


def folded(heading: str, html: str) -> str:
    """What a click opens.

    Args:
        heading: is seen.
        html: is not, at first.
    """
    return f"<details><summary>{escape(heading)}</summary>\n{html}\n</details>"


def drawings(panels: Sequence[tuple[str, Curves, str]]) -> str:
    """Curves side by side, as many as the window holds.

    Args:
        panels: (title, curves, what is said below them) of each.
    """
    return f'<div class="curves">{"".join(map(_drawing, panels))}</div>' if panels else ""


def _drawing(panel: tuple[str, Curves, str]) -> str:
    title, curves, below = panel
    keys = "".join(
        f'<li><svg viewBox="0 0 24 8" aria-hidden="true"><line x1="1" y1="4" x2="23" y2="4" '
        f'stroke="{key.color}" stroke-width="2.5" stroke-dasharray="{_DASHES[key.dash]}"/></svg>'
        f"{escape(key.label)}</li>"
        for key in curves.keys
        if key.label
    )
    said = f'<p class="note">{escape(below)}</p>' if below else ""
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><ul class="keys">{keys}</ul>'
        f'<div role="img" aria-label="{escape(title)} over the steps">{curves.svg}</div>{said}</figure>'
    )


_DASHES = {"solid": "none", "dashed": "6 3", "dotted": "2 3", "dashdot": "7 3 2 3"}


def _identifier(heading: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in heading.lower())
