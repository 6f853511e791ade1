"""Figures as text: a table for each evaluator, with its protocol below."""

from collections.abc import Mapping

from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.training.figures_log import Line
from gan_jax.training.over_seeds import BySeed, grouped, over_seeds, worst_seed


def figures_table(lines: list[Line], protocols: Mapping[str, dict]) -> str:
    """Every evaluator's figures: a row for each set of samples, a column for each figure.

    Of several seeds a cell holds the mean with its standard error over them (:func:`over_seeds`).

    Args:
        lines: as ``figures.jsonl`` holds them.
        protocols: as ``protocols.json`` holds them.
    """
    shas = list(dict.fromkeys(line["protocol"] for line in lines))
    return "\n\n".join(_table(sha, lines, protocols[sha]) for sha in shas)


def _table(sha: str, lines: list[Line], protocol: Mapping) -> str:
    found = grouped([line for line in lines if line["protocol"] == sha], row_name)
    evaluator, figures = protocol["evaluator"], protocol["figures"]
    head = [evaluator, *(figures[name]["label"] for name in figures)]
    rows = [
        [row, *(cell(of.get(f"{evaluator}/{name}", {})) for name in figures)]
        for row, of in found.items()
    ]
    return f"{aligned([head, *rows])}\n{protocol['protocol'].get('description', '')}"


def row_name(line: Line) -> str:
    """``generated, step 8000``; a setting likewise; a reference by its name alone."""
    if line["step"] is None:
        return line["row"]
    live = "" if line["weights"] == "ema" else ", live weights"
    return f"{line['row']}, step {line['step']}{live}"


def cell(values: BySeed) -> str:
    """A value with its error; of several seeds their mean with the error over them."""
    found = over_seeds(values)
    return "-" if found is None else str(found)


def worst(
    lines: list[Line], evaluator: str, figure: str, better: str
) -> tuple[int | None, float] | None:
    """The seed with the worst value, and that value; None of one seed, or where none was measured."""
    of = (
        grouped(lines, lambda line: line["row"]).get(GENERATED, {}).get(f"{evaluator}/{figure}", {})
    )
    return worst_seed(of, better)


def aligned(lines: list[list[str]]) -> str:
    """Rows of cells as text, a heading and a rule first; names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    ]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])
