"""The kernel distance (KID): the squared maximum mean discrepancy of two sets of features."""

import numpy as np

from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.feature_sets import Features, check_pair


def squared_mmd(features: Features, reference: Features) -> float:
    """The unbiased estimate of the squared maximum mean discrepancy, with a cubic kernel.

    ``mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)`` with
    ``k(x, y) = (x . y / F + 1)^3``.

    Args:
        features: x, ``[N, F]``, N >= 2.
        reference: y, ``[M, F]``, M >= 2.

    Returns:
        0 in the mean for sets of one distribution, so below 0 as often as above.

    Raises:
        ValueError: the shapes do not fit, there are too few rows, or a value is not finite.

    References:
        Gretton et al. 2012, JMLR 13, lemma 6 (the estimate);
        Binkowski et al. 2018, arXiv 1801.01401, section 4 (the kernel).
    """
    features, reference = check_pair(features, reference, at_least=2)

    def kernel(first, second):
        return (first @ second.T / first.shape[1] + 1.0) ** 3

    def mean_of_pairs(rows):
        values = kernel(rows, rows)
        return (values.sum() - np.trace(values)) / (len(rows) * (len(rows) - 1))

    across = kernel(features, reference).mean()
    return float(mean_of_pairs(features) + mean_of_pairs(reference) - 2.0 * across)


def kernel_distance(
    features: Features,
    reference: Features,
    *,
    subset_size: int = 1000,
    num_subsets: int = 100,
    seed: int = 0,
) -> Estimate:
    """The mean of :func:`squared_mmd` over random subsets (each without replacement).

    Args:
        features: ``[N, F]``.
        reference: ``[M, F]``.
        subset_size: rows of a subset of each; at least 2, at most N and M.
        num_subsets: at least 1.
        seed: of the subsets.

    Returns:
        The mean; its standard error, the subsets' standard deviation over the root of their number, or
        of the number of disjoint subsets that the smaller set holds where that is less: too large an error
        for sets of one distribution, about right for others. None where it holds one only.

    Raises:
        ValueError: as :func:`squared_mmd`, or the subsets do not fit.

    References:
        Binkowski et al. 2018, arXiv 1801.01401, section 4. Papers print the standard deviation of 100
        subsets of 1,000 or its tenth; the subsets overlap, so the tenth is too small an error.
    """
    features, reference = check_pair(features, reference, at_least=2)
    smaller = min(len(features), len(reference))
    if not 2 <= subset_size <= smaller or num_subsets < 1:
        raise ValueError(
            f"subset_size must be between 2 and the {smaller} rows of the smaller set, and num_subsets "
            f"at least 1, got {subset_size} and {num_subsets}: draw more samples, or take smaller subsets"
        )
    random = np.random.default_rng(seed)

    def subset(rows):
        return rows[random.choice(len(rows), subset_size, replace=False)]

    values = [squared_mmd(subset(features), subset(reference)) for _ in range(num_subsets)]
    independent = min(num_subsets, smaller // subset_size)
    error = float(np.std(values, ddof=1) / np.sqrt(independent)) if independent > 1 else None
    return Estimate(float(np.mean(values)), error)
