"""Figures as text: a table for each evaluator, with its protocol below."""

from collections.abc import Mapping

import numpy as np

from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.training.figures_log import Line


def figures_table(lines: list[Line], protocols: Mapping[str, dict]) -> str:
    """Every evaluator's figures: a row for each set of samples, a column for each figure.

    Of several seeds a cell holds the mean with its standard error over the seeds, ``std / sqrt(n)``
    with n - 1 in the variance.

    Args:
        lines: as ``figures.jsonl`` holds them.
        protocols: as ``protocols.json`` holds them.
    """
    shas = list(dict.fromkeys(line["protocol"] for line in lines))
    return "\n\n".join(_table(sha, lines, protocols[sha]) for sha in shas)


def _table(sha: str, lines: list[Line], protocol: Mapping) -> str:
    cells: dict[str, dict[str, list[Line]]] = {}
    for line in lines:
        if line["protocol"] == sha:
            cells.setdefault(row_name(line), {}).setdefault(line["figure"], []).append(line)
    figures = protocol["figures"]
    head = [protocol["evaluator"], *(figures[name]["label"] for name in figures)]
    rows = [[row, *(cell(cells[row].get(name, [])) for name in figures)] for row in cells]
    return f"{aligned([head, *rows])}\n{protocol['protocol'].get('description', '')}"


def row_name(line: Line) -> str:
    """``generated, step 8000``; a setting likewise; a reference by its name alone."""
    if line["step"] is None:
        return line["row"]
    live = "" if line["weights"] == "ema" else ", live weights"
    return f"{line['row']}, step {line['step']}{live}"


def cell(lines: list[Line]) -> str:
    """A value with its error; of several seeds their mean with the error over them."""
    values = [line["value"] for line in lines]
    if not values or None in values:
        return "-"
    if len(values) == 1:
        return str(Estimate(values[0], lines[0]["standard_error"]))
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    return str(Estimate(float(np.mean(values)), error))


def worst(lines: list[Line], evaluator: str, figure: str, better: str) -> Line | None:
    """The line of the seed with the worst value; None of one seed, or where none was measured."""
    chosen = [
        line
        for line in lines
        if (line["evaluator"], line["figure"], line["row"]) == (evaluator, figure, GENERATED)
        and line["value"] is not None
    ]
    if len({line["seed"] for line in chosen}) < 2:
        return None
    sign = 1 if better == "less" else -1
    return max(chosen, key=lambda line: sign * line["value"])


def aligned(lines: list[list[str]]) -> str:
    """Rows of cells as text, a heading and a rule first; names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    ]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])
