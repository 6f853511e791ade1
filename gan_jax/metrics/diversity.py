"""How different samples are from one another: the first thing that a collapse takes away."""

import numpy as np


def mean_pairwise_distance(samples: np.ndarray) -> float:
    """The mean Euclidean distance of two different samples, over all pairs.

    Args:
        samples: ``[N, ...]`` with N at least 2; flattened.

    Raises:
        ValueError: there is no pair.
    """
    rows = np.asarray(samples, np.float64).reshape(len(samples), -1)
    if len(rows) < 2:
        raise ValueError(f"a distance needs at least 2 samples, got {len(rows)}")
    rows = rows - rows.mean(0)  # distances stay, and large offsets cost no digits
    norms = (rows**2).sum(1)
    squares = np.maximum(norms[:, None] + norms[None] - 2 * rows @ rows.T, 0.0)
    np.fill_diagonal(squares, 0.0)
    return float(np.sqrt(squares).sum() / (len(rows) * (len(rows) - 1)))
