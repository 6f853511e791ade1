"""A self-contained page about runs: one HTML file with its pictures inside, that opens without a network."""

import base64
import io
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from PIL import Image


class Slide(NamedTuple):
    """One picture of a series, with the line below it."""

    caption: str
    picture: str  # a data URI


def as_uri(picture: Image.Image | Path) -> str:
    """A PNG, from memory or from a file, as a data URI."""
    if isinstance(picture, Path):
        content = picture.read_bytes()
    else:
        stream = io.BytesIO()
        picture.save(stream, format="PNG", optimize=True)
        content = stream.getvalue()
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """The whole file.

    Args:
        title: of the page.
        sections: headings and HTML.
    """
    body = "\n".join(
        f'<section id="{_identifier(heading)}"><h2>{escape(heading)}</h2>\n{html}\n</section>'
        for heading, html in sections
    )
    links = " ".join(
        f'<a href="#{_identifier(heading)}">{escape(heading)}</a>' for heading, _ in sections
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n<nav>{links}</nav>\n{body}\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def table(lines: Sequence[Sequence[str]], *, caption: str = "") -> str:
    """Rows of cells, the first row and the first column as headings."""
    head, *rows = lines
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>\n"
        for row in rows
    )
    below = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{below}<thead><tr>{cells}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def pictures(slides: Sequence[Slide]) -> str:
    """Pictures side by side, as many as the window holds."""
    figures = "\n".join(
        f'<figure><img src="{slide.picture}" alt="{escape(slide.caption)}">'
        f"<figcaption>{escape(slide.caption)}</figcaption></figure>"
        for slide in slides
    )
    return f'<div class="side-by-side">{figures}</div>'


def drawings(svgs: dict[str, str]) -> str:
    """Vector pictures side by side."""
    figures = "\n".join(
        f'<figure role="img" aria-label="{escape(name)}">{svg}</figure>'
        for name, svg in svgs.items()
    )
    return f'<div class="side-by-side">{figures}</div>'


def slider(name: str, slides: Sequence[Slide]) -> str:
    """One picture at a time, chosen with a slider; the last at first."""
    last = len(slides) - 1
    return (
        f'<figure class="slider"><img src="{slides[last].picture}" alt="{escape(name)}">'
        f'<label>{escape(name)} <input type="range" min="0" max="{last}" value="{last}" step="1"></label>'
        f"<output>{escape(slides[last].caption)}</output>"
        f'<script type="application/json">{_json([slide._asdict() for slide in slides])}</script></figure>'
    )


def _json(tree) -> str:
    return json.dumps(tree).replace("<", "\\u003c")  # no text in it can end the script element


def _identifier(heading: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in heading.lower())


_SCRIPT = """
for (const figure of document.querySelectorAll("figure.slider")) {
  const slides = JSON.parse(figure.querySelector("script").textContent);
  const show = (event) => {
    const slide = slides[event.target.value];
    figure.querySelector("img").src = slide.picture;
    figure.querySelector("output").textContent = slide.caption;
  };
  figure.querySelector("input").addEventListener("input", show);
}
"""

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 0 1rem 3rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; border-bottom: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: 0 1rem; }
.wide { overflow-x: auto; margin: 0 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { caption-side: bottom; text-align: left; padding-top: .4rem; color: GrayText; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--soft); white-space: nowrap; }
th[scope=row], thead th:first-child { text-align: left; }
.side-by-side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
figure { margin: 0 0 1rem; min-width: 0; } figcaption, output { display: block; color: GrayText; font-size: .9rem; }
img { display: block; max-width: 100%; image-rendering: pixelated; } svg { width: 100%; height: auto; background: #fff; }
.slider input { width: min(100%, 24rem); display: block; }
p { max-width: 60rem; }
"""
