"""The table of mode collapse: papers' protocols and our recipes on mixtures, with error bars.

    python experiments/benchmark_modes.py --rows ours-grid ours-ring
    python experiments/benchmark_modes.py --rows pacgan-grid-1 pacgan-grid-2 --steps 40000
    python experiments/benchmark_modes.py            # every row, each with its paper's number of steps

Each row is a run of mixture.py in a folder of its own under --out: a row that was interrupted goes on, a
finished one is not run again. modes.md and modes.json are written anew after every row; rows that were not
run stay empty.
"""

import inspect
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import tyro

sys.path.insert(0, str(Path(__file__).parent))

import dataclasses

import mixture

from gan_jax.training.command_line import exit_with_message
from gan_jax.training.run_folder import read_json
from gan_jax.training.runner import run


class Row(NamedTuple):
    """Arguments of ``mixture.py``, and what a paper says of them: modes, high quality %, KL."""

    arguments: dict[str, Any]
    published: str = ""


def _pacgan(shape: str, pack: int, published: str) -> Row:
    return Row(dict(recipe="pacgan", shape=shape, pack=pack), published)


def _unrolled(steps: int) -> Row:
    return Row(dict(recipe="unrolled", shape="ring", unroll_steps=steps))


ROWS = {
    "ours-grid": Row(dict(recipe="ours", shape="grid")),
    "ours-ring": Row(dict(recipe="ours", shape="ring")),
    # Lin et al. 2018, arXiv 1712.04086, table 1: ten trials, 400,000 steps
    "pacgan-grid-1": _pacgan("grid", 1, "17.3 +- 0.8, 94.8 +- 0.7, 0.70 +- 0.07"),
    "pacgan-grid-2": _pacgan("grid", 2, "23.8 +- 0.7, 91.3 +- 0.8, 0.13 +- 0.04"),
    "pacgan-grid-3": _pacgan("grid", 3, "24.6, 94.2, 0.06"),
    "pacgan-grid-4": _pacgan("grid", 4, "24.8 +- 0.2, 93.6 +- 0.6, 0.04 +- 0.01"),
    "pacgan-ring-1": _pacgan("ring", 1, "6.3 +- 0.5, 98.2 +- 0.2, 0.45 +- 0.09"),
    "pacgan-ring-2": _pacgan("ring", 2, "7.9 +- 0.1, 95.6 +- 2.0, 0.07 +- 0.03"),
    "pacgan-ring-3": _pacgan("ring", 3, "7.8, 97.7, 0.10"),
    "pacgan-ring-4": _pacgan("ring", 4, "7.8 +- 0.1, 95.9 +- 1.4, 0.07 +- 0.02"),
    # Metz et al. 2017, arXiv 1611.02163, section 3.1: pictures, no figures
    "unrolled-ring-0": _unrolled(0),
    "unrolled-ring-1": _unrolled(1),
    "unrolled-ring-5": _unrolled(5),
    "unrolled-ring-10": _unrolled(10),
}


def benchmark(
    *,
    rows: tuple[str, ...] = tuple(ROWS),
    num_seeds: int = 10,
    seed: int = 0,
    steps: int | None = None,
    out: Path = Path("runs/modes"),
    debug: bool = False,
) -> None:
    """Runs rows of the table, and writes it.

    Args:
        rows: their names; all of them by default.
        num_seeds: of each row, side by side.
        seed: the first.
        steps: a shorter budget for every row that is run now; the recipe's own without it.
        out: folder of the rows' runs and of the table.
        debug: show the traceback of an error.
    """
    exit_with_message(lambda: _benchmark(rows, num_seeds, seed, steps, out), debug=debug)


def _benchmark(rows, num_seeds: int, seed: int, steps: int | None, out: Path) -> None:
    unknown = [name for name in rows if name not in ROWS]
    if unknown:
        raise ValueError(f"no row {', '.join(unknown)}: expected some of {', '.join(ROWS)}")
    for name in rows:
        arguments = ROWS[name].arguments | dict(seed=seed, steps=steps)
        defaults = inspect.signature(mixture.experiment).parameters
        run(
            dataclasses.replace(mixture.experiment(**arguments), num_seeds=num_seeds),
            run_dir=out / name,
            experiment_file=Path(mixture.__file__),
            arguments={key: arguments.get(key, defaults[key].default) for key in defaults},
        )
        _write_table(out)


HEAD = ("row", "steps", "modes", "high quality %", "KL", "width %", "worst seed", "published")
LEGEND = (
    "Means +- standard errors over the seeds; in brackets real samples, the best to be had, and uniform "
    "noise.\nPublished: modes, high quality %, KL."
)


def _write_table(out: Path) -> None:
    """``modes.md`` and ``modes.json`` of every row that has been run in this folder."""
    found, lines = {}, []
    for name, row in ROWS.items():
        summary_file = out / name / "summary.json"
        cells = [""] * (len(HEAD) - 2)
        if summary_file.is_file():
            summary = read_json(summary_file)
            found[name] = summary | {"arguments": row.arguments, "published": row.published}
            cells = [str(summary["steps"]), *_cells(summary["figures"]["rows"])]
        lines.append(f"| {' | '.join([name, *cells, row.published])} |")
    table = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", *lines]
    protocols = sorted({row["figures"]["protocol"] for row in found.values()})
    (out / "modes.md").write_text("\n".join([*table, "", LEGEND, *protocols, ""]))
    (out / "modes.json").write_text(json.dumps(found, indent=2) + "\n")
    print(f"table    {out / 'modes.md'}")


def _cells(rows: dict[str, dict[str, float]]) -> list[str]:
    """Mean, error, ceiling and floor of each figure; then the worst seed's own figures."""
    last = [(name, row) for name, row in rows.items() if name.startswith("generated")]
    means, errors = last[0][1], last[1][1] if len(last) > 1 else None
    cells = []
    for name, value in means.items():
        error = f" +- {errors[name]:.2g}" if errors else ""
        cells.append(f"{value:.4g}{error} ({rows['real'][name]:.4g}; {rows['noise'][name]:.4g})")
    if errors is None:
        return [*cells, ""]
    worst, figures = last[2]
    values = ", ".join(f"{value:.4g}" for value in figures.values())
    return [*cells, f"{worst.rsplit(' ', 1)[1]}: {values}"]


if __name__ == "__main__":
    tyro.cli(benchmark)
