"""Which classes a set of samples covers, in the eyes of a classifier."""

import numpy as np
from jaxtyping import Float

from gan_jax.metrics.errors import share
from gan_jax.metrics.estimate import Estimate

CONFIDENT = 0.9


def confident_share(probabilities: Float[np.ndarray, "n classes"]) -> float:
    """The share of samples whose most likely class has probability at least 0.9."""
    return float((np.asarray(probabilities).max(1) >= CONFIDENT).mean())


def confident_share_estimate(probabilities: Float[np.ndarray, "n classes"]) -> Estimate:
    """:func:`confident_share` and its standard error, samples redrawn."""
    return share(np.asarray(probabilities).max(1) >= CONFIDENT)


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


def rarest_share(
    probabilities: Float[np.ndarray, "n classes"], *, resamples: int = 400
) -> Estimate:
    """The least of the :func:`class_shares`, and its standard error, samples redrawn.

    The least of many nearly equal shares scatters less than each of them, so the error is that of
    the least of multinomial counts. Their chances are the shares found, drawn together by as much
    as they are apart by luck (otherwise the error is 1.2 times too large where all classes are
    equally likely).

    Args:
        probabilities: of a classifier, ``[N, classes]``.
        resamples: sets of counts, at least 2.

    Returns:
        In [0, 1 / classes]. Biased downwards for finite N: compare figures of one N only.
    """
    num, shares = len(probabilities), class_shares(probabilities)
    luck = (shares * (1.0 - shares)).mean() / num
    spread = shares.var(ddof=1) if len(shares) > 1 else 0.0
    lost = 1.0 - np.sqrt(max(1.0 - luck / spread, 0.0)) if spread > 0 else 0.0
    limit = 0.5 * np.sqrt(shares * (1.0 - shares) / num)  # a class that is rare indeed stays so
    moved = np.clip(lost * (shares.mean() - shares), -limit, limit)
    chances = np.maximum(shares + moved, 0.25 / (num + 0.5))
    chances = np.append(chances, max(1.0 - chances.sum(), 0.0))  # the last: of no class
    random = np.random.default_rng(0)
    counts = random.multinomial(num, chances / chances.sum(), size=resamples)
    return Estimate(float(shares.min()), float(counts[:, :-1].min(1).std(ddof=1) / num))
