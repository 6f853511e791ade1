"""The Frechet distance between two sets of features."""

import numpy as np
from jaxtyping import Float


def frechet_distance(
    features: Float[np.ndarray, "..."], reference: Float[np.ndarray, "..."]
) -> float:
    """The squared 2-Wasserstein distance between Gaussians fitted to two sets of features.

    ``|m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^1/2 S2 S1^1/2)^1/2)``, with covariances over N - 1, in
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
    first, second = _checked("features", features), _checked("reference", reference)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"features {first.shape} and reference {second.shape} must have as many columns: use "
            "one feature function for both"
        )
    difference = first.mean(0) - second.mean(0)
    cov1, cov2 = _covariance(first), _covariance(second)
    root1 = _symmetric_root(cov1)
    cross = np.linalg.eigvalsh(root1 @ cov2 @ root1)
    trace = np.trace(cov1) + np.trace(cov2) - 2.0 * np.sqrt(np.maximum(cross, 0.0)).sum()
    return float(max(difference @ difference + trace, 0.0))


def _checked(name: str, features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"{name} must be [N, F] with N >= 2, got {features.shape}")
    if not np.isfinite(features).all():
        raise ValueError(f"{name} holds NaN or infinity: look at the samples they come from")
    return features


def _covariance(features: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(features, rowvar=False))


def _symmetric_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
