"""The tables of anomalies on MNIST: the mean AUROC over ten digits, ours beside PCA and neighbours.

    python experiments/learning/benchmark_anomaly.py --data-dir DIR --rows ours egbad ours-pca ours-neighbors
    python experiments/learning/benchmark_anomaly.py --data-dir DIR --rows abnormal abnormal-pca abnormal-neighbors

A row is mnist_anomaly.py once for each digit and seed, in folders under --out (runs/anomaly); the value of a seed is
the mean over its ten digits. A row that was interrupted goes on, and a finished run is not run again. The published
figures are of the same split of the same images, and of papers that chose their steps in their own ways.
"""

from gan_jax.commands.table import main
from gan_jax.metrics.estimate import Estimate
from gan_jax.tables import Column, Row, Table

NORMAL, ABNORMAL = "One digit is normal", "One digit is new"
AUROC = "reconstruction/auroc"
RUFF = "Ruff et al. 2018, ICML, table 1 (mean over the digits)"
PERERA = "Perera et al. 2019, arXiv 1903.08550, table 1, the same split"


def _published(value: float, source: str) -> Row:
    return Row(published={AUROC: Estimate(value)}, source=source, group=NORMAL)


def _of(row: str, reference: str, group: str) -> Row:
    return Row(reference_of=(row, reference), group=group)


def table() -> Table:
    """AUROC and AUPRC, means over the digits, errors over seeds."""
    run = dict(experiment="mnist_anomaly.py", seeds=3)
    rows = {
        "ours": Row(**run, group=NORMAL),
        "egbad": Row(**run, arguments={"reconstruction_weight": 0.0}, control="ours", group=NORMAL),
        "ours-pca": _of("ours", "PCA-30", NORMAL),
        "ours-neighbors": _of("ours", "2-NN", NORMAL),
        "anogan": _published(0.913, RUFF),
        "deep-svdd": _published(0.948, RUFF),
        "ocgan": _published(0.975, PERERA),
        "abnormal": Row(**run, arguments={"abnormal": True, "components": 60}, group=ABNORMAL),
        "abnormal-pca": _of("abnormal", "PCA-60", ABNORMAL),
        "abnormal-neighbors": _of("abnormal", "2-NN", ABNORMAL),
    }
    columns = (
        Column(figure=AUROC, label="AUROC", digits=3),
        Column(figure="reconstruction/auprc", label="AUPRC", digits=3),
        Column(figure="egbad/auroc", label="AUROC of EGBAD's score", digits=3),
    )
    over = {"digit": list(range(10))}
    return Table(name="anomaly", title="Anomalies on MNIST", rows=rows, columns=columns, over=over)


if __name__ == "__main__":
    main(table)
