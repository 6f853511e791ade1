"""Evaluators of what is read from real samples: do codes that were learned without labels know the classes?"""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix

from gan_jax.data import Data
from gan_jax.drawing import DrawFn, Drawn
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.rows import of_rows


def matched_accuracy(clusters: np.ndarray, classes: np.ndarray) -> float:
    """The share of rows whose cluster is that of their class, clusters matched to classes one to one.

    ``max over matchings m of mean(m(cluster) = class)``, by the Hungarian algorithm; a cluster too
    many matches no class. Of C clusters at random over C equal classes it is a little over 1 / C.

    Args:
        clusters: integers ``[n]``.
        classes: integers ``[n]``.

    References:
        Yang et al. 2010, IEEE Transactions on Image Processing 19(10), equation 17 (ACC).
    """
    together = contingency_matrix(classes, clusters)
    return float(together[linear_sum_assignment(together, maximize=True)].sum() / len(classes))


def unsupervised_accuracy(
    data: Data,
    *,
    cluster_fn: DrawFn,
    description: str,
    label: str = "label",
    references: Mapping[str, DrawFn] | None = None,
) -> Evaluator:
    """How often an unsupervised cluster is the class, over every held-out row once.

    Clusters are matched to classes on the same rows, one to one, as papers do. Both are kept for
    each row. Errors: 200 resamples of rows; the matching is taken anew in each.

    Args:
        data: whose held-out rows hold their class in the field ``label``.
        cluster_fn: ``(players, latents, rows) -> integers [n]``. It must not look at that field.
        description: of the clusters in a sentence, for the protocol.
        label: name of the field.
        references: other clusters, ``(None, keys, rows) -> integers [n]``: ``{"k-means": ...}``.

    References:
        Chen et al. 2016, arXiv 1606.03657, section 7.2.
    """

    def observe(drawn: Drawn) -> dict[str, np.ndarray]:
        return {"cluster": np.asarray(drawn.samples), "class": np.asarray(drawn.rows[label])}

    def figures(seen: Mapping[str, np.ndarray]) -> dict[str, float]:
        return {"accuracy": matched_accuracy(seen["cluster"], seen["class"])}

    return Evaluator(
        measure_fn=of_rows(figures, observe, keep=("cluster", "class")),
        figures={"accuracy": Figure("unsupervised accuracy", "more")},
        protocol={
            "description": f"{data.size('held_out'):,} held-out rows; {description}",
            "label": label,
            "data": data.fingerprints(),
        },
        num=None,
        references=references or {},
        draw_fn=cluster_fn,
        when="end",
    )
