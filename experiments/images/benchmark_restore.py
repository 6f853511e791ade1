"""What the adversarial loss buys and what it costs: PSNR against the Frechet distance, over the weight of L1.

    python experiments/images/benchmark_restore.py --data-dir DIR --rows x4-l1-only x4-10 x4-lanczos
    python experiments/images/benchmark_restore.py --data-dir DIR                    # all rows: many hours on two cores

Each row is restore.py at three seeds: L1 alone, L1 of weight 100, 30, 10 and 3 beside an adversarial loss of weight 1,
and the adversarial loss alone; then the classical methods, measured by the same evaluators. plane.png under --out
(runs/restoration) is the perception-distortion curve of each task (Blau and Michaeli 2018, arXiv 1711.06077).
"""

from gan_jax.commands.table import main
from gan_jax.tables import Column, Row, Table

WEIGHTS = (100.0, 30.0, 10.0, 3.0)
CLASSICAL = {
    "x4": ("bicubic", "lanczos"),
    "noise": ("nlm", "tv"),
    "salt_and_pepper": ("median", "filled"),
    "blur": ("wiener", "richardson_lucy"),
    "hole": ("biharmonic",),
}


def rows_of(task: str) -> dict[str, Row]:
    """The rows of one task."""

    def row(**arguments) -> Row:
        return Row(
            experiment="restore.py", arguments={"task": task, **arguments}, seeds=3, group=task
        )

    rows = {f"{task}-l1-only": row(adversarial=False)}
    rows |= {f"{task}-{weight:g}": row(l1_weight=weight) for weight in WEIGHTS}
    rows[f"{task}-adversarial-only"] = row(l1_weight=0.0)
    return rows | {
        f"{task}-{method}": Row(reference_of=(f"{task}-l1-only", method), group=task)
        for method in CLASSICAL[task]
    }


def table() -> Table:
    """PSNR and SSIM, the classifier's accuracy on restored images, and their Frechet distance."""
    return Table(
        name="restoration",
        title="Restoration",
        rows={name: row for task in CLASSICAL for name, row in rows_of(task).items()},
        columns=(
            Column(figure="paired/psnr", label="PSNR (dB)", digits=2),
            Column(figure="paired/ssim", label="SSIM", digits=3),
            Column(figure="recognized/accuracy", label="recognized", digits=3),
            Column(figure="quality/frechet", label="Frechet", digits=2),
        ),
        plane=("paired/psnr", "quality/frechet"),
    )


if __name__ == "__main__":
    main(table)
