"""The Frechet distance between two sets of features, and what it would be of infinitely many."""

from collections.abc import Callable

import numpy as np

from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.feature_sets import Features, check_pair
from gan_jax.metrics.moments import Moments, moments


def frechet_distance(features: Features, reference: Features) -> float:
    """The squared 2-Wasserstein distance between Gaussians fitted to two sets of features.

    ``|m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S2^1/2 S1 S2^1/2)^1/2)``, with covariances over N - 1, in
    float64. The root is taken of a symmetric matrix, so a singular covariance (N <= F, dead
    features) needs no offset. Biased upwards for finite N: compare figures of one N only.

    Args:
        features: ``[N, F]``, N >= 2.
        reference: ``[M, F]``, M >= 2.

    Returns:
        The distance, at least 0; 0 for equal sets.

    Raises:
        ValueError: the shapes do not fit, there are too few rows, or a value is not finite.

    References:
        Dowson and Landau 1982, Journal of Multivariate Analysis 12, equation 4;
        Heusel et al. 2017, arXiv 1706.08500, equation 6.
    """
    features, reference = check_pair(features, reference, at_least=2)
    return frechet_to(moments(reference))(moments(features))


def frechet_to(reference: Moments) -> Callable[[Moments], float]:
    """:func:`frechet_distance` from moments, to one reference whose root is taken once."""
    values, vectors = np.linalg.eigh(reference.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T

    def distance(found: Moments) -> float:
        covariance = found.covariance
        difference = found.mean - reference.mean
        cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariance @ root), 0.0)).sum()
        trace = np.trace(covariance) + np.trace(reference.covariance) - 2.0 * cross
        return float(max(difference @ difference + trace, 0.0))

    return distance


def frechet_infinity(
    features: Features,
    reference: Features,
    *,
    num_sizes: int = 15,
    smallest: int | None = None,
    seed: int = 0,
) -> Estimate:
    """The Frechet distance of infinitely many generated samples, by a line through ``1 / N``.

    The distance of random subsets (without replacement) of ``num_sizes`` sizes, evenly spaced from
    ``smallest`` to N, is fitted by ``a + b / size``; a is the value. The reference stays as it is, and
    so does the bias of its finite number.

    Args:
        features: ``[N, F]``.
        reference: ``[M, F]``, M >= 2.
        num_sizes: points of the line, at least 3.
        smallest: size of the smallest subset; a tenth of N, and at least 2, without it. Below F the
            distance is no longer a line in ``1 / N``.
        seed: of the subsets.

    Returns:
        a, which may be below 0 for sets of one distribution, and its standard error by the scatter
        about the line.

    Raises:
        ValueError: as :func:`frechet_distance`, or the sizes make no line.

    References:
        Chong and Forsyth 2020, arXiv 1911.07023, section 4 (with Sobol latents, there).
    """
    features, reference = check_pair(features, reference, at_least=2)
    num = len(features)
    smallest = max(num // 10, 2) if smallest is None else smallest
    if num_sizes < 3 or not 2 <= smallest < num:
        raise ValueError(
            f"a line needs at least 3 sizes between 2 and the {num} samples, got num_sizes="
            f"{num_sizes} and smallest={smallest}"
        )
    distance = frechet_to(moments(reference))
    random = np.random.default_rng(seed)
    sizes = np.linspace(smallest, num, num_sizes).astype(int)
    distances = [distance(moments(features[random.permutation(num)[:size]])) for size in sizes]
    columns = np.stack([np.ones(num_sizes), 1.0 / sizes], axis=1)
    line, *_ = np.linalg.lstsq(columns, distances, rcond=None)
    scatter = np.sum((columns @ line - distances) ** 2) / (num_sizes - 2)
    error = np.sqrt(scatter * np.linalg.inv(columns.T @ columns)[0, 0])
    return Estimate(float(line[0]), float(error))
