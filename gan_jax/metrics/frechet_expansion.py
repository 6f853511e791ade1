"""How a Frechet distance answers to a change of its samples: the source of its standard errors."""

from typing import NamedTuple

import numpy as np

from gan_jax.metrics.checks import Features
from gan_jax.metrics.moments import Moments, moments

ROWS = 5000  # as many tell the variance to 1 %; all of 50,000 in 2,048 dimensions cost seconds
PAIRS = 4000


class Expansion(NamedTuple):
    """The distance of N samples to second order in what they are.

    ``D = D_0 + mean_i f(x_i) + mean_ij g(x_i, x_j)``, f and g of mean 0 (g in each argument).

    Attributes:
        value: the distance.
        first: the variance of f over the samples, with the noise of f, which they also tell.
        second: the mean of ``g(x, x')^2`` over different samples.
    """

    value: float
    first: float
    second: float


def expansion(features: Features, reference: Moments, root: np.ndarray) -> Expansion:
    """Of the Frechet distance of features ``[N, F]`` in float64 to a reference.

    With ``c = x - m``, ``S_r^1/2 S S_r^1/2 = V diag(s^2) V^T`` and

        z = diag(s)^-1/2 V^T S_r^1/2 c,

    whose covariance is ``diag(s)``, and ``|z|^2 = c^T T c`` with T the optimal transport between
    the Gaussians:

        f(x) = 2 (m - m_r) . c + |c|^2 - |z|^2 - mean,
        g(x, x') = z . z' + 1/2 sum_ab (z z^T - diag(s))_ab (z' z'^T - diag(s))_ab / (s_a + s_b).

    f is the first derivative, and g the second, of ``tr A^1/2`` by its eigenvalues. Costs one
    decomposition. Directions in which either set does not extend have no part in z.

    Args:
        features: ``[N, F]``.
        reference: M rows.
        root: ``[F, F]``, the symmetric root of its covariance.

    References:
        Bhatia, Jain and Lim 2019, arXiv 1712.01504 (the distance of covariances, and T).
    """
    found = moments(features)
    squares, vectors = np.linalg.eigh(root @ found.covariance @ root)
    squares = np.maximum(squares, 0.0)
    scales, difference = np.sqrt(squares), found.mean - reference.mean
    trace = np.trace(found.covariance) + np.trace(reference.covariance) - 2.0 * scales.sum()
    extends = squares > squares.max() * len(squares) * np.finfo(float).eps
    random = np.random.default_rng(0)
    rows = features
    if len(features) > ROWS:
        rows = features[random.choice(len(features), ROWS, replace=False)]
    centered, scales = rows - found.mean, scales[extends]
    z = centered @ (root @ vectors[:, extends]) / np.sqrt(scales)
    influence = 2.0 * centered @ difference + (centered**2).sum(1) - (z**2).sum(1)
    first = random.integers(len(z), size=PAIRS)
    second = (first + random.integers(1, len(z), size=PAIRS)) % len(z)
    return Expansion(
        value=float(max(difference @ difference + trace, 0.0)),
        first=float(influence.var()),
        second=float((_interaction(z[first], z[second], scales) ** 2).mean()),
    )


def _interaction(z: np.ndarray, other: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """``g(x, x')`` of pairs ``[P, F]``."""
    weights = 0.5 / (scales[:, None] + scales[None])
    product = z * other
    own, its = ((rows**2 * (scales * np.diag(weights))).sum(1) for rows in (z, other))
    constant = (scales**2 * np.diag(weights)).sum()
    return product.sum(1) + ((product @ weights) * product).sum(1) - own - its + constant
