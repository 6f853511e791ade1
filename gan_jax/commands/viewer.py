"""The artefacts of runs in a page: one slider moves all of a run; equal bytes are there once."""

import base64
import bisect
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from gan_jax.drawing.artefacts import KINDS, Kind, kind_of
from gan_jax.tables.run_files import RunFiles

LIMIT = 20 * 2**20  # bytes of the page that all artefacts together may take

Shown = Mapping[str, Mapping[int, Path]]  # of one run: name -> step -> file


class Chosen(NamedTuple):
    """What a page has room for.

    Attributes:
        shown: of each run, its artefacts at the steps of its slider.
        every: each n-th step is there, counted from the last.
        left_out: files that have no room even so.
        total: bytes that the whole would take.
    """

    shown: list[Shown]
    every: int
    left_out: list[Path]
    total: int


def choose(runs: Sequence[RunFiles], *, limit: int | None = None) -> Chosen:
    """As many steps as fit: all, else each n-th with the last among them.

    Args:
        runs: the runs of the page.
        limit: bytes of the page for artefacts; ``LIMIT`` by default.
    """
    limit = LIMIT if limit is None else limit
    sizes = {path: _size(path) for run in runs for path in _files(run.artefacts)}
    left_out = [path for path, size in sizes.items() if size > limit]
    rest = [_without(run.artefacts, left_out) for run in runs]
    contents = {path: _digest(path) for shown in rest for path in _files(shown)}

    def taken(shown: Sequence[Shown]) -> int:
        return sum({contents[p]: sizes[p] for s in shown for p in _files(s)}.values())

    every, most = 1, max((len(_steps(shown)) for shown in rest), default=1)
    while taken(chosen := [_thinned(shown, every) for shown in rest]) > limit and every < most:
        every += 1
    while taken(chosen) > limit:
        left_out.append(max((p for s in chosen for p in _files(s)), key=lambda p: sizes[p]))
        chosen = [_without(shown, left_out) for shown in chosen]
    return Chosen(chosen, every, left_out, taken(rest) + sum(sizes[p] for p in set(left_out)))


def _files(shown: Shown) -> list[Path]:
    return [path for steps in shown.values() for path in steps.values()]


def _steps(shown: Shown) -> list[int]:
    return sorted({step for steps in shown.values() for step in steps})


def _without(shown: Shown, left_out: Sequence[Path]) -> Shown:
    kept = {
        name: {step: path for step, path in steps.items() if path not in left_out}
        for name, steps in shown.items()
    }
    return {name: steps for name, steps in kept.items() if steps}


def _thinned(shown: Shown, every: int) -> Shown:
    """Each n-th step of the slider from the last; of each artefact what is newest there."""
    kept = _steps(shown)[::-1][::every][::-1]
    found = {}
    for name, steps in shown.items():
        known = list(steps)
        places = dict.fromkeys(bisect.bisect_right(known, step) - 1 for step in kept)
        found[name] = {known[place]: steps[known[place]] for place in places if place >= 0}
    return found


def _size(path: Path) -> int:
    """Bytes in the page."""
    size = path.stat().st_size
    return size if _is_text(kind_of(path)) else 4 * (size + 2) // 3


def _digest(path: Path) -> str:
    return hashlib.sha256(path.suffix.encode() + path.read_bytes()).hexdigest()


def _is_text(kind: Kind) -> bool:
    return kind.media.startswith("text/")


class Sources:
    """What the page's elements show, by its contents: each is written once.

    What an element shows at first stands in the element; all else in one JSON, for the script.
    """

    def __init__(self):
        self._sources: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._in_place: set[str] = set()

    def number(self, path: Path) -> str:
        """The number of a file's contents in the page."""
        digest = _digest(path)
        if digest not in self._numbers:
            self._numbers[digest] = str(len(self._numbers))
            self._sources[self._numbers[digest]] = _source(path)
        return self._numbers[digest]

    def first(self, number: str) -> str:
        """The source itself where no other element has it, else nothing."""
        if number in self._in_place:
            return ""
        self._in_place.add(number)
        return self._sources[number]

    def html(self) -> str:
        """Everything that no element has."""
        rest = {n: s for n, s in self._sources.items() if n not in self._in_place}
        return f'<script type="application/json" id="sources">{as_json(rest)}</script>'


def _source(path: Path) -> str:
    kind, content = kind_of(path), path.read_bytes()
    if _is_text(kind):
        return content.decode("utf-8", errors="replace")
    return f"data:{kind.media};base64,{base64.b64encode(content).decode()}"


def viewer_html(name: str, shown: Shown, sources: Sources) -> str:
    """Artefacts side by side, each at its newest step, below a slider over the steps.

    Args:
        name: of the run.
        shown: its artefacts.
        sources: of the page.
    """
    steps = _steps(shown)
    last = len(steps) - 1
    rows: dict[Kind, list[str]] = {}
    for label, files in shown.items():
        kind = kind_of(files[max(files)])
        rows.setdefault(kind, []).append(_cell(label, kind, files, sources))
    cells = "\n".join(
        f'<div class="artefacts">{"".join(rows[kind])}</div>'
        for kind in KINDS.values()
        if kind in rows
    )
    slider = (
        f'<label><span>Step</span> <input type="range" min="0" max="{last}" value="{last}" step="1" '
        f'aria-label="step of {escape(name)}"></label> '
        if last
        else "<span>Step</span> "
    )
    return (
        f'<div class="viewer" data-steps="{escape(as_json(steps))}"><p class="bar">{slider}'
        f"<output>{steps[last]:,}</output></p>\n{cells}\n</div>"
    )


def _cell(label: str, kind: Kind, files: Mapping[int, Path], sources: Sources) -> str:
    """One artefact; ``data-shown`` holds its steps and the numbers of what they show."""
    label = label.replace("_", " ")
    same = {step: path for step, path in files.items() if kind_of(path) is kind}
    numbers = [(step, sources.number(path)) for step, path in same.items()]
    element = kind.html_fn(sources.first(numbers[-1][1]), label)
    return (
        f'<figure class="artefact {kind.suffix[1:]}" data-shown="{escape(as_json(numbers))}">'
        f"<figcaption>{escape(label)}<span></span></figcaption>{element}</figure>"
    )


def as_json(tree) -> str:
    """JSON that ends no script element."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
