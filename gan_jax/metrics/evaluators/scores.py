"""The evaluator of a score for each row: how well it tells rows of one kind from the others."""

from collections.abc import Mapping

import jax
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from gan_jax.data import Data
from gan_jax.drawing import DrawFn, Drawn
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.rows import of_rows


def detection(
    data: Data,
    *,
    score_fn: DrawFn,
    positive: str,
    description: str,
    references: Mapping[str, DrawFn] | None = None,
) -> Evaluator:
    """Areas under the ROC and the precision-recall curve of a score, over every held-out row once.

    The second is the average precision, ``sum_i (R_i - R_{i - 1}) P_i``; a score that knows nothing
    has 0.5 and the share of positive rows. Scores are kept. Errors: 200 resamples of rows within
    each kind.

    Args:
        data: whose held-out rows hold the field ``positive``.
        score_fn: ``(players, latents, rows) -> scores [n]``, higher where a row is positive. It must
            not look at that field.
        positive: name of a boolean field ``[n]``, such as ``anomalous``.
        description: of the score in a sentence, for the protocol: what cannot be read off the code.
        references: other scores, ``(None, keys, rows) -> scores``: ``{"PCA-30": ...}``. ``chance``
            is there already.

    Raises:
        ValueError: all rows are of one kind, or a reference is named ``chance``.
    """
    if "chance" in (references or {}):
        raise ValueError("the reference chance is there already: choose another name")

    def observe(drawn: Drawn) -> dict[str, np.ndarray]:
        return {"score": drawn.samples, "positive": np.asarray(drawn.rows[positive], bool)}

    def figures(seen: Mapping[str, np.ndarray]) -> dict[str, float]:
        truth, scores = seen["positive"], seen["score"]
        if truth.all() or not truth.any():
            raise ValueError(f"{positive} must be true of some held-out rows and false of others")
        return {
            "auroc": roc_auc_score(truth, scores),
            "auprc": average_precision_score(truth, scores),
        }

    return Evaluator(
        measure_fn=of_rows(figures, observe, keep=("score", "positive"), groups="positive"),
        figures={"auroc": Figure("AUROC", "more"), "auprc": Figure("AUPRC", "more")},
        protocol={
            "description": f"{data.size('held_out'):,} held-out rows; {description}",
            "positive": positive,
            "data": data.fingerprints(),
        },
        num=None,
        references={"chance": _chance, **(references or {})},
        draw_fn=score_fn,
        when="end",
    )


def _chance(players, keys, rows) -> jax.Array:
    return jax.vmap(jax.random.uniform)(keys)
