"""Figures as tables: which lines of ``figures.jsonl`` make a row, for one run or several."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan_jax.commands.figure_cells import Cell, Column, Line, combined, over_seeds
from gan_jax.commands.run_files import RunFiles, whole

_GENERATED = "generated"
_FIRST_REFERENCES = ("real", "noise")

Place = tuple[str, int | None, str]  # row, step, weights: what makes a row of a table


class Row(NamedTuple):
    """One row of a table, its cells by the names of figures."""

    label: str
    cells: Mapping[str, Cell]
    reference: bool = False


class Measured(NamedTuple):
    """What one evaluator measured under one protocol."""

    evaluator: str
    protocol: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    description: str
    details: Mapping[str, Any]


def protocols_of(runs: Sequence[RunFiles]) -> list[tuple[str, str]]:
    """Evaluators with their protocols; of an evaluator with several, the latest comes first."""
    lines = [line for run in runs for line in run.figures]
    newest = list(dict.fromkeys((x["evaluator"], x["protocol"]) for x in reversed(lines)))
    evaluators = dict.fromkeys(line["evaluator"] for line in lines)
    return [key for evaluator in evaluators for key in newest if key[0] == evaluator]


def measured(runs: Sequence[RunFiles], evaluator: str, protocol: str) -> Measured:
    """The table of one evaluator under one protocol.

    Of one run: its last and its best step, steps that were asked for, settings, references. Of
    several: the best step of each, else its last; means over runs that differ in their seed alone;
    and each reference once.

    Args:
        runs: one or several.
        evaluator: by name.
        protocol: the key of its description.
    """
    chosen = [_chosen(run, evaluator, protocol) for run in runs]
    columns = columns_of(runs, protocol, [line for places in chosen for line in _lines(places)])
    rows = (
        _of_one(runs[0], chosen[0], columns) if len(runs) == 1 else _of_many(runs, chosen, columns)
    )
    told = _entry(runs, protocol).get("protocol")
    told = dict(told) if isinstance(told, dict) else {}
    description = str(told.pop("description", ""))
    return Measured(
        evaluator, protocol, columns, [*rows, *_references(chosen, columns)], description, told
    )


def _entry(runs: Sequence[RunFiles], protocol: str) -> Mapping[str, Any]:
    return next((run.protocols[protocol] for run in runs if protocol in run.protocols), {})


def columns_of(runs: Sequence[RunFiles], protocol: str, lines: Sequence[Line]) -> list[Column]:
    """The figures of a protocol; those without a description as they are called in the file."""
    told = _entry(runs, protocol).get("figures")
    told = {n: f for n, f in told.items() if isinstance(f, dict)} if isinstance(told, dict) else {}
    names = dict.fromkeys([*told, *(line["figure"] for line in lines)])
    return [_column(name, told.get(name, {})) for name in names]


def _column(name: str, told: Mapping[str, Any]) -> Column:
    better, digits = told.get("better"), whole(told.get("digits"))
    return Column(
        name,
        str(told.get("label") or name.replace("_", " ")),
        better if better in ("less", "more") else None,
        3 if digits is None else min(max(digits, 0), 12),
    )


def _chosen(run: RunFiles, evaluator: str, protocol: str) -> dict[Place, dict[tuple, Line]]:
    """Row -> (figure, seed) -> the line that is shown.

    Of several lines with other latents: the fresh ones of the run's end before those that a user
    asked for, and these before those of training, which chose the best step. Of equals the last.
    """
    rank = {"evaluate": 0, "evaluate_final": 2}
    places: dict[Place, dict[tuple, Line]] = {}
    for line in run.figures:
        if (line["evaluator"], line["protocol"]) != (evaluator, protocol):
            continue
        place = (line["row"], whole(line.get("step")), str(line.get("weights") or ""))
        key = (line["figure"], whole(line.get("seed")))
        before = places.setdefault(place, {}).get(key, {"draw_seed": "evaluate"})
        if rank.get(line.get("draw_seed"), 1) >= rank.get(before["draw_seed"], 1):
            places[place][key] = line
    return places


def _lines(places: Mapping[Place, Mapping[tuple, Line]]) -> list[Line]:
    return [line for found in places.values() for line in found.values()]


def _of_one(run: RunFiles, places: Mapping, columns: Sequence[Column]) -> list[Row]:
    """The run itself, at its last and its best step and where it was asked for; then settings."""
    steps = [place[1] for place in places if place[1] is not None]
    last = max((p[1] for p in places if p[0] == _GENERATED and p[1] is not None), default=None)
    last = max(steps, default=None) if last is None else last
    best = run.best[0] if run.best else None
    names = sorted(dict.fromkeys(place[0] for place in places), key=lambda n: n != _GENERATED)
    order = [last, best, *sorted(set(steps) - {last, best})]
    rows = []
    for name in names:
        for step in dict.fromkeys(order):
            for place, lines in places.items():
                asked = any(whole(line.get("draw_seed")) is not None for line in lines.values())
                if (
                    place[:2] == (name, step)
                    and step is not None
                    and (step in (last, best) or asked)
                ):
                    rows.append(Row(_label(place, last, best), over_seeds(lines, columns)))
    return rows


def _label(place: Place, last: int | None, best: int | None) -> str:
    name, step, weights = place
    which = " and ".join(what for what, s in (("last", last), ("best", best)) if s == step)
    live = f", {weights} weights" if weights not in ("", "ema") else ""
    return f"{name}, step {step:,}{f' ({which})' if which else ''}{live}"


def _of_many(runs: Sequence[RunFiles], chosen: Sequence, columns: Sequence[Column]) -> list[Row]:
    """One step of each run, and means over those that differ in their seed alone."""
    names = dict.fromkeys(p[0] for places in chosen for p in places if p[1] is not None)
    rows = []
    for name in sorted(names, key=lambda n: n != _GENERATED):
        found: dict[str, Row] = {}
        for run, places in zip(runs, chosen, strict=True):
            if (place := _one_place(run, places, name)) is not None:
                label = f"{run.name}, {_label(place, None, run.best and run.best[0])}"
                found[run.name] = Row(label, over_seeds(places[place], columns))
        rows += [*found.values(), *_means(runs, found, name, columns)]
    return rows


def _one_place(run: RunFiles, places: Mapping, name: str) -> Place | None:
    """The best step where it was measured, else the last; of the moving average if there is one."""
    mine = [place for place in places if place[0] == name and place[1] is not None]
    best = run.best[0] if run.best else None
    return max(mine, key=lambda p: (p[1] == best, p[1], p[2] == "ema"), default=None)


def _means(
    runs: Sequence[RunFiles], found: Mapping[str, Row], name: str, columns: Sequence[Column]
) -> list[Row]:
    groups: dict[tuple, list[RunFiles]] = {}
    for run in runs:
        if run.name in found:
            groups.setdefault(_but_the_seed(run), []).append(run)
    rows = []
    for group in groups.values():
        if len(group) > 1:
            cells = {}
            for column in columns:
                of = [(r.name, found[r.name].cells.get(column.name)) for r in group]
                values = [(n, cell.value, cell.error) for n, cell in of if cell]
                if values:
                    cells[column.name] = combined(values, column)
            label = ", ".join(run.name for run in group)
            rows.append(Row(f"mean of {len(group)} runs ({label}), {name}", cells))
    return rows


def _but_the_seed(run: RunFiles) -> str:
    """What runs have in common that differ in their seed alone."""
    arguments = run.config.get("arguments")
    arguments = dict(arguments) if isinstance(arguments, dict) else {}
    arguments.pop("seed", None)
    told = [run.config.get("experiment"), arguments, run.config.get("num_seeds", 1)]
    return json.dumps(told, sort_keys=True)


def _references(chosen: Sequence[Mapping], columns: Sequence[Column]) -> list[Row]:
    """Every reference once: real data and noise first."""
    found: dict[str, Mapping[tuple, Line]] = {}
    for places in chosen:
        for (name, step, _), lines in places.items():
            if step is None:
                found.setdefault(name, lines)
    first = [name for name in _FIRST_REFERENCES if name in found]
    names = dict.fromkeys([*first, *found])
    return [Row(name, over_seeds(found[name], columns), reference=True) for name in names]
