"""The tables of mode collapse: papers' protocols and our recipes, with error bars over seeds.

    python experiments/benchmark_modes.py --rows ours-grid ours-ring
    python experiments/benchmark_modes.py --rows pacgan-grid-1 pacgan-grid-2 --steps 40000
    python experiments/benchmark_modes.py --rows stacked-rpgan-r1-r2 --num-seeds 1 --data-dir DIR
    python experiments/benchmark_modes.py            # every row, each with its paper's number of steps

Each row is a run of mixture.py or of stacked_mnist.py in a folder of its own under --out: a row that was
interrupted goes on, a finished one is not run again. modes.md and modes.json are written anew after every
row; rows that were not run stay empty.
"""

import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import tyro

sys.path.insert(0, str(Path(__file__).parent))

import dataclasses

import mixture
import stacked_mnist

from gan_jax.training.command_line import exit_with_message
from gan_jax.training.run_folder import read_json
from gan_jax.training.runner import run


class Row(NamedTuple):
    """A run: the program's arguments, and what a paper says of it, in the table's figures."""

    program: ModuleType
    arguments: dict[str, Any]
    published: str = ""


def _mixture(recipe: str, shape: str, published: str = "", **others: Any) -> Row:
    return Row(mixture, dict(recipe=recipe, shape=shape, **others), published)


def _stacked(recipe: str, published: str = "", **others: Any) -> Row:
    return Row(stacked_mnist, dict(recipe=recipe, **others), published)


MIXTURES = {
    "ours-grid": _mixture("ours", "grid"),
    "ours-ring": _mixture("ours", "ring"),
    "ours-high": _mixture("ours", "high"),
    # Lin et al. 2018, arXiv 1712.04086, table 1: ten trials, 400,000 steps
    "pacgan-grid-1": _mixture("pacgan", "grid", "17.3 +- 0.8, 94.8 +- 0.7, 0.70 +- 0.07", pack=1),
    "pacgan-grid-2": _mixture("pacgan", "grid", "23.8 +- 0.7, 91.3 +- 0.8, 0.13 +- 0.04", pack=2),
    "pacgan-grid-3": _mixture("pacgan", "grid", "24.6, 94.2, 0.06", pack=3),
    "pacgan-grid-4": _mixture("pacgan", "grid", "24.8 +- 0.2, 93.6 +- 0.6, 0.04 +- 0.01", pack=4),
    "pacgan-ring-1": _mixture("pacgan", "ring", "6.3 +- 0.5, 98.2 +- 0.2, 0.45 +- 0.09", pack=1),
    "pacgan-ring-2": _mixture("pacgan", "ring", "7.9 +- 0.1, 95.6 +- 2.0, 0.07 +- 0.03", pack=2),
    "pacgan-ring-3": _mixture("pacgan", "ring", "7.8, 97.7, 0.10", pack=3),
    "pacgan-ring-4": _mixture("pacgan", "ring", "7.8 +- 0.1, 95.9 +- 1.4, 0.07 +- 0.02", pack=4),
    # Metz et al. 2017, arXiv 1611.02163, section 3.1: pictures, no figures
    "unrolled-ring-0": _mixture("unrolled", "ring", unroll_steps=0),
    "unrolled-ring-1": _mixture("unrolled", "ring", unroll_steps=1),
    "unrolled-ring-5": _mixture("unrolled", "ring", unroll_steps=5),
    "unrolled-ring-10": _mixture("unrolled", "ring", unroll_steps=10),
}
STACKED = {
    # Huang et al. 2024, arXiv 2501.05441, table 1, on their own small residual networks
    "stacked-rpgan-r1-r2": _stacked("rpgan-r1-r2", "1000, 0.0781"),
    "stacked-gan-r1-r2": _stacked("gan-r1-r2", "693, 0.9270"),
    "stacked-rpgan-r1": _stacked("rpgan-r1", "fail"),
    "stacked-gan-r1": _stacked("gan-r1", "fail"),
    "stacked-rpgan": _stacked("rpgan"),
    # the same losses on convolutional players of ours
    "stacked-conv-rpgan-r1-r2": _stacked("conv-rpgan-r1-r2", "1000, 0.0781"),
    "stacked-conv-rpgan-r1": _stacked("conv-rpgan-r1", "fail"),
    # Lin et al. 2018, table 2: ten trials, 100,000 steps
    "stacked-pacgan-1": _stacked("pacgan", "78.9 +- 6.5, 4.50 +- 0.13", pack=1),
    "stacked-pacgan-2": _stacked("pacgan", "1000, 0.06", pack=2),
    "stacked-pacgan-3": _stacked("pacgan", "1000, 0.06", pack=3),
    "stacked-pacgan-4": _stacked("pacgan", "1000, 0.07", pack=4),
    # table 3: fifty trials, 500,000 steps
    "stacked-tiny-1": _stacked("tiny", "78.5 +- 17.6, 5.21 +- 0.19", pack=1),
    "stacked-tiny-unrolled-10": _stacked("tiny", "327.2 +- 74.7, 4.66 +- 0.46", unroll_steps=10),
    "stacked-tiny-2": _stacked("tiny", "484.5, 2.61", pack=2),
    "stacked-tiny-3": _stacked("tiny", "601.3, 2.00", pack=3),
    "stacked-tiny-4": _stacked("tiny", "667.4, 1.81", pack=4),
}
ROWS = MIXTURES | STACKED
# heading -> its rows, their figures, and which of those the published ones are
TABLES = {
    "Mixtures": (
        MIXTURES,
        ("modes", "high quality %", "KL", "width %"),
        "modes, high quality %, KL",
    ),
    "Stacked MNIST": (STACKED, ("modes of 1000", "KL to uniform", "Frechet"), "modes, KL"),
}


def benchmark(
    *,
    rows: tuple[str, ...] = tuple(ROWS),
    num_seeds: int = 10,
    seed: int = 0,
    steps: int | None = None,
    data_dir: Path | None = None,
    out: Path = Path("runs/modes"),
    debug: bool = False,
) -> None:
    """Runs rows of the table, and writes it.

    Args:
        rows: their names; all of them by default.
        num_seeds: of each row, side by side.
        seed: the first.
        steps: a shorter budget for every row that is run now; the recipe's own without it.
        data_dir: a folder of prepared TFDS data sets, for stacked MNIST; TFDS's own default without it.
        out: folder of the rows' runs and of the table.
        debug: show the traceback of an error.
    """
    exit_with_message(lambda: _benchmark(rows, num_seeds, seed, steps, data_dir, out), debug=debug)


def _benchmark(rows, num_seeds: int, seed: int, steps: int | None, data_dir, out: Path) -> None:
    unknown = [name for name in rows if name not in ROWS]
    if unknown:
        raise ValueError(f"no row {', '.join(unknown)}: expected some of {', '.join(ROWS)}")
    for name in rows:
        program = ROWS[name].program
        arguments = {
            name: parameter.default
            for name, parameter in inspect.signature(program.experiment).parameters.items()
        }
        arguments |= ROWS[name].arguments | dict(seed=seed, steps=steps)
        if "data_dir" in arguments:
            arguments["data_dir"] = data_dir
        run(
            dataclasses.replace(program.experiment(**arguments), num_seeds=num_seeds),
            run_dir=out / name,
            experiment_file=Path(program.__file__),
            arguments=arguments | ({"data_dir": str(data_dir)} if data_dir else {}),
        )
        _write_tables(out)


LEGEND = (
    "Means +- standard errors over the seeds; in brackets real samples, the best to be had, and uniform "
    "noise."
)


def _write_tables(out: Path) -> None:
    """``modes.md`` and ``modes.json`` of every row that has been run in this folder."""
    found = {
        name: read_json(out / name / "summary.json")
        | {"arguments": row.arguments, "published": row.published}
        for name, row in ROWS.items()
        if (out / name / "summary.json").is_file()
    }
    lines = [LEGEND]
    for title, (rows, figures, published) in TABLES.items():
        head = ("row", "steps", *figures, "worst seed", f"published: {published}")
        lines += ["", f"## {title}", "", _line(head), "|---" * len(head) + "|"]
        for name, row in rows.items():
            cells = [""] * (len(figures) + 2)
            if name in found:
                cells = [str(found[name]["steps"]), *_cells(found[name]["figures"]["rows"])]
            lines.append(_line([name, *cells, row.published]))
        protocols = {found[name]["figures"]["protocol"] for name in rows if name in found}
        lines += ["", *sorted(protocols)]
    (out / "modes.md").write_text("\n".join([*lines, ""]))
    (out / "modes.json").write_text(json.dumps(found, indent=2) + "\n")
    print(f"table    {out / 'modes.md'}")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


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
