"""How different samples are from one another: the first thing that a collapse takes away."""

import numpy as np

from gan_jax.metrics.errors import of_two_orders
from gan_jax.metrics.estimate import Estimate


def mean_pairwise_distance(samples: np.ndarray) -> float:
    """The mean Euclidean distance of two different samples, over all pairs.

    Args:
        samples: ``[N, ...]`` with N at least 2; flattened.

    Raises:
        ValueError: there is no pair.
    """
    distances = _distances(samples)
    return float(distances.sum() / (len(distances) * (len(distances) - 1)))


def mean_pairwise_estimate(samples: np.ndarray) -> Estimate:
    """:func:`mean_pairwise_distance` and its standard error: that of a mean over pairs.

    Args:
        samples: ``[N, ...]`` with N at least 2; flattened.

    Raises:
        ValueError: there is no pair.
    """
    distances = _distances(samples)
    num = len(distances)
    means = distances.sum(1) / (num - 1)
    value = means.mean()
    alone = distances - means[:, None] - means[None] + value
    np.fill_diagonal(alone, 0.0)
    second = 2.0 * (alone**2).sum() / (num * (num - 1)) ** 2
    return Estimate(float(value), of_two_orders(4.0 * means.var() / num, second))


def _distances(samples: np.ndarray) -> np.ndarray:
    rows = np.asarray(samples, np.float64).reshape(len(samples), -1)
    if len(rows) < 2:
        raise ValueError(f"a distance needs at least 2 samples, got {len(rows)}")
    rows = rows - rows.mean(0)  # distances stay, and large offsets cost no digits
    norms = (rows**2).sum(1)
    squares = np.maximum(norms[:, None] + norms[None] - 2 * rows @ rows.T, 0.0)
    np.fill_diagonal(squares, 0.0)
    return np.sqrt(squares)
