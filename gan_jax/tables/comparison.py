"""Runs side by side: a table for each way of measuring, with means over runs that differ in their seed.

Nothing is refused: a run may still go on, and its folder may be a stranger's.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.tables.protocols import Heading, headings_in
from gan_jax.tables.row_cells import references
from gan_jax.tables.run_files import RunFiles
from gan_jax.tables.statistics import Cell, cell_of_known
from gan_jax.training.evaluation import FINAL, TRAINING
from gan_jax.training.figures_log import Line
from gan_jax.training.json_files import whole
from gan_jax.training.over_seeds import BySeed, add_seeds, grouped

_FIRST = {"real": 0, "noise": 1}  # of the references

Figures = Mapping[str, BySeed]  # quality/frechet -> seed -> value


class Place(NamedTuple):
    """What makes a row: ``generated``, a setting or a reference; its step, if any; its weights."""

    row: str
    step: int | None
    weights: str


class Shown(NamedTuple):
    """One row, its cells by figure; which reference it is; in a mean over runs, whose each seed is."""

    label: str
    cells: Mapping[str, Cell]
    reference: str = ""
    whose: Mapping[int | None, str] = {}


Places = Mapping[Place, Figures]
Row = tuple[str, Figures, Mapping[int | None, str]]  # label; values; whose seeds, in a mean


class Measured(NamedTuple):
    """What one evaluator measured under one protocol.

    Attributes:
        evaluator: by name.
        protocol: the key of its description.
        headings: figure -> how its column is headed.
        rows: of the runs, means over them, references.
        notes: which means cannot be taken, and why.
        description: of the protocol, for people.
        details: the rest of it.
    """

    evaluator: str
    protocol: str
    headings: Mapping[str, Heading]
    rows: Sequence[Shown]
    notes: Sequence[str]
    description: str
    details: Mapping[str, Any]


def protocols_of(runs: Sequence[RunFiles]) -> list[tuple[str, str]]:
    """Evaluators with their protocols; of an evaluator with several, the latest comes first."""
    lines = [line for run in runs for line in run.figures]
    newest = list(dict.fromkeys((x["evaluator"], x["protocol"]) for x in reversed(lines)))
    evaluators = dict.fromkeys(line["evaluator"] for line in lines)
    return [key for evaluator in evaluators for key in newest if key[0] == evaluator]


def compare(runs: Sequence[RunFiles]) -> list[Measured]:
    """A table for each evaluator and protocol, in the order of :func:`protocols_of`.

    Of one run: its last and its best step, steps that were asked for, settings, references. Of
    several: the best step of each, else its last; means over runs that differ in their seed alone;
    and each reference once. A cell is over the seeds that did not fail.

    Args:
        runs: one or several, each once.
    """
    return [_measured(runs, *key) for key in protocols_of(runs)]


def _measured(runs: Sequence[RunFiles], evaluator: str, protocol: str) -> Measured:
    lines = [_lines(run, evaluator, protocol) for run in runs]
    places = [grouped(each, _place) for each in lines]
    entry = next((run.protocols[protocol] for run in runs if protocol in run.protocols), {})
    headings = _headings(evaluator, entry, [line for each in lines for line in each])
    if len(runs) == 1:
        rows, notes = _of_one(runs[0], lines[0], places[0]), []
    else:
        rows, notes = _of_many(runs, places)
    shown = [Shown(label, _cells(of, headings), whose=whose) for label, of, whose in rows]
    shown += _references(runs, places, headings)
    told = entry.get("protocol")
    told = dict(told) if isinstance(told, dict) else {}
    description = str(told.pop("description", ""))
    return Measured(evaluator, protocol, headings, shown, notes, description, told)


def _lines(run: RunFiles, evaluator: str, protocol: str) -> list[Line]:
    """Those that are to be shown come last: of the run's end, with fresh latents.

    Before them those that a user asked for, and before these training's, which chose the best step.
    """
    rank = {TRAINING: 0, FINAL: 2}
    lines = [x for x in run.figures if (x["evaluator"], x["protocol"]) == (evaluator, protocol)]
    return sorted(lines, key=lambda line: rank.get(str(line.get("draw_seed")), 1))


def _place(line: Line) -> Place:
    return Place(line["row"], whole(line.get("step")), str(line.get("weights") or ""))


def _headings(
    evaluator: str, entry: Mapping[str, Any], lines: Sequence[Line]
) -> dict[str, Heading]:
    """Of the figures of a protocol; those that it does not describe are called as in the file."""
    told = headings_in(entry)
    names = dict.fromkeys([*told, *(line["figure"] for line in lines)])
    return {f"{evaluator}/{n}": told.get(n) or Heading(n.replace("_", " ")) for n in names}


def _cells(figures: Figures, headings: Mapping[str, Heading]) -> dict[str, Cell]:
    return {name: cell_of_known(of, headings[name].better) for name, of in figures.items()}


def _of_one(run: RunFiles, lines: Sequence[Line], places: Places) -> list[Row]:
    """The run itself, at its last and its best step and where it was asked for; then settings."""
    own = [place for place in places if place.step is not None]
    asked = {_place(line) for line in lines if whole(line.get("draw_seed")) is not None}
    last = max([p.step for p in own if p.row == GENERATED] or [p.step for p in own], default=None)
    best = run.best and run.best[0]
    names = [GENERATED, *(place.row for place in own)]
    own.sort(key=lambda p: (names.index(p.row), p.step != last, p.step != best, p.step))
    chosen = [place for place in own if place.step in (last, best) or place in asked]
    return [(_label(place, last, best), places[place], {}) for place in chosen]


def _label(place: Place, last: int | None, best: int | None) -> str:
    which = " and ".join(what for what, s in (("last", last), ("best", best)) if s == place.step)
    live = f", {place.weights} weights" if place.weights not in ("", "ema") else ""
    return f"{place.row}, step {place.step:,}{f' ({which})' if which else ''}{live}"


def _of_many(runs: Sequence[RunFiles], places: Sequence[Places]) -> tuple[list[Row], list[str]]:
    """One step of each run, and means over those that differ in their seed alone."""
    own = dict.fromkeys(p.row for found in places for p in found if p.step is not None)
    rows, notes = [], []
    for name in sorted(own, key=lambda name: name != GENERATED):
        found: dict[str, Figures] = {}
        for run, of_run in zip(runs, places, strict=True):
            if (place := _one_place(run, of_run, name)) is not None:
                label = f"{run.name}, {_label(place, None, run.best and run.best[0])}"
                found[run.name] = of_run[place]
                rows.append((label, found[run.name], {}))
        for group in _alike([run for run in runs if run.name in found]):
            label = f"mean of {len(group)} runs ({', '.join(group)}), {name}"
            try:
                rows.append((label, *_together({run: found[run] for run in group})))
            except ValueError as error:
                notes.append(f"There is no {label}: {error}.")
    return rows, notes


def _one_place(run: RunFiles, places: Places, name: str) -> Place | None:
    """The best step where it was measured, else the last; of the moving average if there is one."""
    mine = [place for place in places if place.row == name and place.step is not None]
    best = run.best and run.best[0]
    return max(mine, key=lambda p: (p.step == best, p.step, p.weights == "ema"), default=None)


def _alike(runs: Sequence[RunFiles]) -> list[list[str]]:
    """Names of runs that differ in their seed alone, where they are several."""
    groups: dict[str, list[str]] = {}
    for run in runs:
        arguments = run.config.get("arguments")
        arguments = dict(arguments) if isinstance(arguments, dict) else {}
        arguments.pop("seed", None)
        told = [run.config.get("experiment"), arguments, run.config.get("num_seeds", 1)]
        groups.setdefault(json.dumps(told, sort_keys=True), []).append(run.name)
    return [group for group in groups.values() if len(group) > 1]


def _together(runs: Mapping[str, Figures]) -> tuple[Figures, dict[int | None, str]]:
    """The values of several runs as those of one with all their seeds; and whose each seed is."""
    figures: dict[str, BySeed] = {}
    whose: dict[int | None, str] = {}
    for run, found in runs.items():
        for figure, by_seed in found.items():
            add_seeds(figures.setdefault(figure, {}), by_seed, figure)
            whose |= dict.fromkeys(by_seed, run)
    return figures, whose


def _references(
    runs: Sequence[RunFiles], places: Sequence[Places], headings: Mapping[str, Heading]
) -> list[Shown]:
    """Real data and noise first."""
    beside = {
        run.name: {p.row: _cells(of, headings) for p, of in found.items() if p.step is None}
        for run, found in zip(runs, places, strict=True)
    }
    known = sorted(references(beside), key=lambda found: _FIRST.get(found[0], len(_FIRST)))
    return [Shown(label, cells, reference=name) for name, label, cells in known]
