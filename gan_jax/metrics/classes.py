"""Which classes a set of samples covers, in the eyes of a classifier."""

import numpy as np
from jaxtyping import Float

CONFIDENT = 0.9


def confident_share(probabilities: Float[np.ndarray, "n classes"]) -> float:
    """The share of samples whose most likely class has probability at least 0.9."""
    return float((np.asarray(probabilities).max(1) >= CONFIDENT).mean())


def class_shares(probabilities: Float[np.ndarray, "n classes"]) -> np.ndarray:
    """For each class, the share of all samples that are given to it with probability >= 0.9.

    Returns:
        ``[classes]``; the sum is :func:`confident_share`.
    """
    probabilities = np.asarray(probabilities)
    return (probabilities >= CONFIDENT).mean(0)


def classes_covered(
    probabilities: Float[np.ndarray, "n classes"], *, min_share: float = 0.01
) -> int:
    """How many classes hold at least ``min_share`` of the samples (see :func:`class_shares`)."""
    return int((class_shares(probabilities) >= min_share).sum())
