"""The kernel distance (KID): the squared maximum mean discrepancy of two sets of features."""

from typing import NamedTuple

import numpy as np

from gan_jax.metrics.checks import Features, check_pair
from gan_jax.metrics.errors import of_two_orders
from gan_jax.metrics.estimate import Estimate


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
    return _part(features, reference).value


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
        The mean; its standard error, features drawn again and reference held. The mean is a
        weighted mean over pairs of features, so the error has a part of single features, that is
        ``2 (mean_x' k(x, x') - mean_y k(x, y))`` with the weight of all subsets that x is in, and
        one of pairs (see :func:`gan_jax.metrics.errors.of_two_orders`). Measured over 80 to 300
        sets of 1,000 in 2 to 64 dimensions: 0.8 to 1.1 of the scatter, for sets of one distribution
        too. Not with heavy tails: the kernel's square has the sixth moment, and where that is
        infinite (Student's t of 5 degrees of freedom) a few samples make the scatter, and most
        errors are 0.7 of it.

    Raises:
        ValueError: as :func:`squared_mmd`, or the subsets do not fit.

    References:
        Binkowski et al. 2018, arXiv 1801.01401, section 4. Papers print the standard deviation of
        100 subsets of 1,000 or its tenth; neither is the error of the mean, as the subsets overlap;
        Hoeffding 1948, doi 10.1214/aoms/1177730196, equation 5.13 (the variance of a mean over
        pairs).
    """
    features, reference = check_pair(features, reference, at_least=2)
    smaller = min(len(features), len(reference))
    if not 2 <= subset_size <= smaller or num_subsets < 1:
        raise ValueError(
            f"subset_size must be between 2 and the {smaller} rows of the smaller set, and num_subsets "
            f"at least 1, got {subset_size} and {num_subsets}: draw more samples, or take smaller subsets"
        )
    random, num = np.random.default_rng(seed), len(features)
    values, pairs = [], []
    shares = np.zeros(num)  # what each row adds to the mean
    for _ in range(num_subsets):
        rows, others = (random.choice(n, subset_size, replace=False) for n in (num, len(reference)))
        part = _part(features[rows], reference[others])
        values.append(part.value)
        pairs.append(part.pairs)
        shares[rows] += 2.0 * (part.rows - part.rows.mean()) / (num_subsets * subset_size)
    first = (shares**2).sum() * subset_size / (subset_size - 1)
    # a pair is in ``often`` subsets in the mean, and by luck in more or fewer: 1 + 1 / often
    often = num_subsets * subset_size * (subset_size - 1) / (num * (num - 1))
    weights = (1.0 + 1.0 / often if subset_size < num else 1.0) / (num * (num - 1))
    second = 2.0 * weights * np.mean(pairs)
    return Estimate(float(np.mean(values)), of_two_orders(first, second))


class _Part(NamedTuple):
    """Of one subset: the squared discrepancy; what each row adds; what pairs add, squared."""

    value: float
    rows: np.ndarray
    pairs: float


def _part(features: np.ndarray, reference: np.ndarray) -> _Part:
    within, means = _other_pairs(features)
    _, theirs = _other_pairs(reference)
    across = _kernel(features, reference).mean(1)
    value = means.mean() + theirs.mean() - 2.0 * across.mean()
    alone = within - means[:, None] - means[None] + means.mean()
    np.fill_diagonal(alone, 0.0)
    num = len(features)
    return _Part(float(value), means - across, float((alone**2).sum() / (num * (num - 1))))


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first @ second.T / first.shape[1] + 1.0) ** 3


def _other_pairs(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The kernel of all pairs, 0 for a row and itself; the mean over the others of each row."""
    values = _kernel(rows, rows)
    np.fill_diagonal(values, 0.0)
    return values, values.sum(1) / (len(rows) - 1)
