"""Evaluators of classes: what a game says of real examples, or the class of the example with the nearest code."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import DrawFn, Drawn, Sampler
from gan_jax.metrics.errors import mean_of
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure, Measured
from gan_jax.metrics.evaluators.rows import by_row, gathered

_BLOCK = 1000  # rows whose distances to all others are in memory at once
_FIGURES = {"error": Figure("share of wrong classes", "less", digits=4)}


def classification(
    data: Data,
    *,
    class_fn: DrawFn,
    description: str,
    label: str = "label",
    references: Mapping[str, DrawFn] | None = None,
) -> Evaluator:
    """The share of held-out rows whose class is not found, over every row once.

    The standard error is that of a mean over these rows. It says nothing of other labels to learn
    from, nor of other seeds.

    Args:
        data: whose held-out rows hold their class in the field ``label``.
        class_fn: ``(players, latents, rows) -> integers [n]``. It must not look at that field.
        description: of the classifier in a sentence, for the protocol.
        label: name of the field.
        references: other classifiers, ``(None, keys, rows) -> integers [n]``.
    """

    def wrong(drawn: Drawn) -> dict[str, np.ndarray]:
        return {"error": np.asarray(drawn.samples) != np.asarray(drawn.rows[label])}

    return Evaluator(
        measure_fn=by_row(wrong),
        figures=_FIGURES,
        protocol={
            "description": f"{data.size('held_out'):,} held-out rows; {description}",
            "label": label,
            "data": data.fingerprints(),
        },
        num=None,
        references=references or {},
        draw_fn=class_fn,
    )


def nearest_neighbor(
    data: Data,
    *,
    code_fn: DrawFn,
    description: str,
    label: str = "label",
    references: Mapping[str, DrawFn] | None = None,
) -> Evaluator:
    """How often a held-out row has another class than the training row whose code is nearest.

    Euclidean distance, all training rows, every held-out row once. The standard error is that of a
    mean over the held-out rows.

    Args:
        data: whose rows hold their class in the field ``label``.
        code_fn: ``(players, latents, rows) -> codes [n, ...]``, of training and of held-out rows. It
            must not look at that field.
        description: of the code in a sentence, for the protocol.
        label: name of the field.
        references: other codes, ``(None, keys, rows) -> codes``: ``{"pixels": real}``.

    References:
        Donahue et al. 2017, arXiv 1605.09782, section 4.2 (permutation-invariant MNIST).
    """

    def observe(drawn: Drawn) -> dict[str, np.ndarray]:
        codes = np.asarray(drawn.samples)
        return {"code": codes.reshape(len(codes), -1), "class": np.asarray(drawn.rows[label])}

    def measure_fn(sampler: Sampler) -> Measured:
        held_out, ids = gathered(sampler, observe)
        known, _ = gathered(partial(sampler, part="training"), observe)
        places = nearest_places(held_out["code"], known["code"])
        wrong = known["class"][places] != held_out["class"]
        return Measured({"error": mean_of(wrong)}, {"error": wrong} | ids)

    return Evaluator(
        measure_fn=measure_fn,
        figures=_FIGURES,
        protocol={
            "description": f"{data.size('held_out'):,} held-out rows, the nearest of "
            f"{data.size('training'):,} training rows; {description}",
            "label": label,
            "data": data.fingerprints(),
        },
        num=None,
        references=references or {},
        draw_fn=code_fn,
        when="end",
    )


def nearest_places(rows: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which of other rows is nearest to each row: ``[N, F]`` and ``[M, F]`` to integers ``[N]``.

    ``argmin_j |a_j|^2 - 2 x . a_j``, in float32 about the mean of the others: ten times as fast as
    :func:`gan_jax.metrics.neighbors.nearest`, which gives distances in float64. Two that are equally
    near but for rounding may be exchanged.
    """
    middle = among.mean(0)
    among, rows = (np.asarray(each - middle, np.float32) for each in (among, rows))
    lengths = np.square(among).sum(1)
    blocks = np.array_split(rows, max(1, len(rows) // _BLOCK))
    return np.concatenate([np.argmin(lengths - 2.0 * block @ among.T, axis=1) for block in blocks])
