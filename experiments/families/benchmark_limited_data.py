"""The table of little data: none, DiffAugment, ADA and LeCam at equal steps, on photographs and on drawings.

    python experiments/families/benchmark_limited_data.py --data-dir DIR --rows cifar10-none cifar10-ada
    python experiments/families/benchmark_limited_data.py --data-dir IMAGES --rows folder-none folder-ada

Each row is limited_data.py at two seeds. The rows cifar10-* want a folder that holds cifar10/3.0.2, the rows
folder-* a folder of images; runs and table.md lie under --out (runs/limited_data) either way. A row that was
interrupted goes on, a finished one is not run again, and rows that were not run stay empty.
"""

from gan_jax.commands.table import main
from gan_jax.tables import Column, Row, Table

REMEDIES = ("none", "diff_augment", "ada", "lecam")


def _rows(name: str, group: str, **arguments) -> dict[str, Row]:
    return {
        f"{name}-{remedy}": Row(
            experiment="limited_data.py",
            arguments={"remedy": remedy, **arguments},
            seeds=2,
            group=group,
            control=None if remedy == "none" else f"{name}-none",
        )
        for remedy in REMEDIES
    }


def table() -> Table:
    """The Frechet distance to held-out images, what the discriminator says of them, and copies."""
    return Table(
        name="limited_data",
        title="Little data",
        rows=_rows("cifar10", "1,000 images of CIFAR-10")
        | _rows("folder", "1,000 images of a folder", folder=True),
        columns=(
            Column(figure="held_out/frechet", label="Frechet", digits=2),
            Column(figure="discriminator/overfitting", label="overfitting", digits=2),
            Column(figure="discriminator/training_logits", label="training", digits=2),
            Column(figure="discriminator/held_out_logits", label="held-out", digits=2),
            Column(figure="held_out/data_copying", label="copying", digits=3),
        ),
    )


if __name__ == "__main__":
    main(table)
