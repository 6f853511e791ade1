"""The Wasserstein distance between two sets of scalars, in closed form."""

import numpy as np
from jaxtyping import Float

from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.wasserstein_error import mean_wasserstein_1


def wasserstein_1(first: Float[np.ndarray, "..."], second: Float[np.ndarray, "..."]) -> float:
    """Wasserstein-1 between the empirical distributions of two sets of scalars.

    ``integral |F(x) - G(x)| dx`` of the two distribution functions; for sets of one size, the mean
    distance of the sorted scalars, ``mean_i |x_(i) - y_(i)|``. In the unit of the scalars. Biased
    upwards by sampling: two sets of N from one distribution are about ``N^-1/2`` of its spread apart.

    Args:
        first: scalars, of any shape; flattened.
        second: likewise; their number may differ.

    Returns:
        The distance, at least 0; 0 for equal sets.

    Raises:
        ValueError: a set is empty, or a value is not finite.

    References:
        Vallender 1974, Theory of Probability and its Applications 18(4), 784-786.
    """
    first, second = _sorted("first", first), _sorted("second", second)
    points = np.sort(np.concatenate([first, second]))
    left = points[:-1]
    shares = [np.searchsorted(set_, left, side="right") / len(set_) for set_ in (first, second)]
    return float(np.sum(np.abs(shares[0] - shares[1]) * np.diff(points)))


def wasserstein_1_estimate(
    samples: Float[np.ndarray, "n ..."], reference: Float[np.ndarray, "m ..."]
) -> Estimate:
    """:func:`wasserstein_1` and its standard error, samples redrawn and reference held.

    Args:
        samples: ``[N, ...]``; all values of all rows, of which those of one row may depend on each
            other.
        reference: likewise; their number may differ.

    Returns:
        The distance; its error by :func:`gan_jax.metrics.wasserstein_error.mean_wasserstein_1`;
        None for a single row.

    Raises:
        ValueError: as :func:`wasserstein_1`.
    """
    _sorted("samples", samples), _sorted("reference", reference)
    samples, reference = (np.asarray(rows, np.float64) for rows in (samples, reference))
    return mean_wasserstein_1(samples.reshape(len(samples), -1, 1), reference.reshape(-1, 1))


def _sorted(name: str, values: np.ndarray) -> np.ndarray:
    values = np.sort(np.asarray(values, np.float64).ravel())
    if len(values) == 0:
        raise ValueError(f"{name} is empty: expected at least one scalar")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinity: look at the samples it comes from")
    return values
