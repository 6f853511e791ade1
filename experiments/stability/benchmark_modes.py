"""The tables of mode collapse: papers' protocols and our recipes, with error bars over seeds.

    python experiments/stability/benchmark_modes.py --rows ours-grid ours-ring
    python experiments/stability/benchmark_modes.py --rows pacgan-grid-1 pacgan-grid-2 --steps 40000
    python experiments/stability/benchmark_modes.py --rows stacked-rpgan-r1-r2 --num-seeds 1 --data-dir DIR
    python experiments/stability/benchmark_modes.py            # every row, each with its paper's number of steps

Each row is a run of mixture.py or of stacked_mnist.py in a folder of its own under --out (runs/modes), ten
seeds side by side: a row that was interrupted goes on, a finished one is not run again. table.md, table.json
and table.png are written anew after every row; rows that were not run stay empty. ``python -m gan_jax table
experiments/stability/benchmark_modes.py`` is the same command.
"""

from typing import Any

from gan_jax.commands.table import main
from gan_jax.metrics.estimate import Estimate
from gan_jax.tables import Column, Row, Table

GRID, RING, HIGH = "Grid of 25", "Ring of 8", "Ten modes in 1,200 dimensions"
UNROLLED = "Ring of 8, of radius 2"
STACKED, SMALL = "Stacked MNIST", "Stacked MNIST, small players"
GROUPS = {"grid": GRID, "ring": RING, "high": HIGH}

LIN_1 = "Lin et al. 2018, arXiv 1712.04086, table 1: ten trials, 400,000 steps"
LIN_2 = "Lin et al. 2018, arXiv 1712.04086, table 2: ten trials, 100,000 steps"
LIN_3 = "Lin et al. 2018, arXiv 1712.04086, table 3: fifty trials, 500,000 steps"
HUANG = "Huang et al. 2024, arXiv 2501.05441, table 1, on their own small residual networks"

MODES, SHARE, KL = "modes/modes", "modes/high_quality_share", "modes/kl"


def _mixture(recipe: str, shape: str, *published: Estimate, **others: Any) -> Row:
    return Row(
        experiment="mixture.py",
        arguments=dict(recipe=recipe, shape=shape, **others),
        published=dict(zip((MODES, SHARE, KL), published, strict=False)),
        source=LIN_1 if published else "",
        seeds=10,
        side_by_side=True,
        group=UNROLLED if recipe in ("unrolled", "several") and shape == "ring" else GROUPS[shape],
    )


def _stacked(recipe: str, *published: Estimate | str, source: str = "", **others: Any) -> Row:
    return Row(
        experiment="stacked_mnist.py",
        arguments=dict(recipe=recipe, **others),
        published=dict(zip((MODES, KL), published, strict=False)),
        source=source,
        seeds=10,
        side_by_side=True,
        group=SMALL if recipe == "tiny" else STACKED,
    )


def table() -> Table:
    """Modes covered, good samples, divergence and width, of every recipe."""
    e = Estimate
    mixtures = {
        "ours-grid": _mixture("ours", "grid"),
        "ours-ring": _mixture("ours", "ring"),
        "ours-high": _mixture("ours", "high"),
        "pacgan-grid-1": _mixture(
            "pacgan", "grid", e(17.3, 0.8), e(0.948, 0.007), e(0.70, 0.07), pack=1
        ),
        "pacgan-grid-2": _mixture(
            "pacgan", "grid", e(23.8, 0.7), e(0.913, 0.008), e(0.13, 0.04), pack=2
        ),
        "pacgan-grid-3": _mixture("pacgan", "grid", e(24.6), e(0.942), e(0.06), pack=3),
        "pacgan-grid-4": _mixture(
            "pacgan", "grid", e(24.8, 0.2), e(0.936, 0.006), e(0.04, 0.01), pack=4
        ),
        "pacgan-ring-1": _mixture(
            "pacgan", "ring", e(6.3, 0.5), e(0.982, 0.002), e(0.45, 0.09), pack=1
        ),
        "pacgan-ring-2": _mixture(
            "pacgan", "ring", e(7.9, 0.1), e(0.956, 0.02), e(0.07, 0.03), pack=2
        ),
        "pacgan-ring-3": _mixture("pacgan", "ring", e(7.8), e(0.977), e(0.10), pack=3),
        "pacgan-ring-4": _mixture(
            "pacgan", "ring", e(7.8, 0.1), e(0.959, 0.014), e(0.07, 0.02), pack=4
        ),
        # Metz et al. 2017, arXiv 1611.02163, section 3.1: pictures, no figures
        "unrolled-ring-0": _mixture("unrolled", "ring", unroll_steps=0),
        "unrolled-ring-1": _mixture("unrolled", "ring", unroll_steps=1),
        "unrolled-ring-5": _mixture("unrolled", "ring", unroll_steps=5),
        "unrolled-ring-10": _mixture("unrolled", "ring", unroll_steps=10),
        # Ghosh et al. 2018, arXiv 1704.02906, on the same toy, at equal parameters
        "several-ring-1": _mixture("several", "ring", num_generators=1),
        "several-ring-2": _mixture("several", "ring", num_generators=2),
        "several-ring-4": _mixture("several", "ring", num_generators=4),
        "several-grid-1": _mixture("several", "grid", num_generators=1),
        "several-grid-2": _mixture("several", "grid", num_generators=2),
        "several-grid-4": _mixture("several", "grid", num_generators=4),
    }
    stacked = {
        "stacked-rpgan-r1-r2": _stacked("rpgan-r1-r2", e(1000), e(0.0781), source=HUANG),
        "stacked-gan-r1-r2": _stacked("gan-r1-r2", e(693), e(0.9270), source=HUANG),
        "stacked-rpgan-r1": _stacked("rpgan-r1", "fail", source=HUANG),
        "stacked-gan-r1": _stacked("gan-r1", "fail", source=HUANG),
        "stacked-rpgan": _stacked("rpgan"),
        # the same losses on convolutional players of ours
        "stacked-conv-rpgan-r1-r2": _stacked("conv-rpgan-r1-r2", e(1000), e(0.0781), source=HUANG),
        "stacked-conv-rpgan-r1": _stacked("conv-rpgan-r1", "fail", source=HUANG),
        "stacked-pacgan-1": _stacked("pacgan", e(78.9, 6.5), e(4.50, 0.13), source=LIN_2, pack=1),
        "stacked-pacgan-2": _stacked("pacgan", e(1000), e(0.06), source=LIN_2, pack=2),
        "stacked-pacgan-3": _stacked("pacgan", e(1000), e(0.06), source=LIN_2, pack=3),
        "stacked-pacgan-4": _stacked("pacgan", e(1000), e(0.07), source=LIN_2, pack=4),
        "stacked-tiny-1": _stacked("tiny", e(78.5, 17.6), e(5.21, 0.19), source=LIN_3, pack=1),
        "stacked-tiny-unrolled-10": _stacked(
            "tiny", e(327.2, 74.7), e(4.66, 0.46), source=LIN_3, unroll_steps=10
        ),
        "stacked-tiny-2": _stacked("tiny", e(484.5), e(2.61), source=LIN_3, pack=2),
        "stacked-tiny-3": _stacked("tiny", e(601.3), e(2.00), source=LIN_3, pack=3),
        "stacked-tiny-4": _stacked("tiny", e(667.4), e(1.81), source=LIN_3, pack=4),
    }
    columns = (
        Column(figure=MODES, label="modes", digits=1),
        Column(figure=SHARE, label="high quality share", digits=3),
        Column(figure=KL, label="KL", digits=4),
        Column(figure="modes/width", label="width", digits=2),
        Column(figure="modes/frechet", label="Frechet", digits=1),
    )
    return Table(name="modes", title="Mode collapse", rows=mixtures | stacked, columns=columns)


if __name__ == "__main__":
    main(table)
