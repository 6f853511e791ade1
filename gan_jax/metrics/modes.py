"""How many modes a set of samples covers, and how evenly; one mode number per sample.

For samples of a known mixture of Gaussians :func:`nearest_mode` gives the numbers, and
:func:`quality_radius` says how near is near.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy import special  # not scipy.stats, whose import takes every command most of a second

from gan_jax.metrics.errors import of_two_orders, standard_error_of
from gan_jax.metrics.estimate import Estimate

HIGH_QUALITY_SHARE = 1.0 - np.exp(-4.5)  # of a true sampler: within 3 deviations in the plane


def modes_covered(modes: Int[np.ndarray, " n"], num_modes: int) -> int:
    """How many of the modes ``0 .. num_modes - 1`` occur at least once."""
    return int(np.count_nonzero(_counts(modes, num_modes)))


def kl_to_uniform(modes: Int[np.ndarray, " n"], num_modes: int) -> float:
    """``KL(histogram of the modes || uniform)``, in nats: ``log K - entropy``.

    Returns:
        From 0 (all modes equally often) to ``log num_modes`` (one mode only). A perfect sampler of
        N samples has about ``(K - 1) / (2 N)``.

    References:
        Srivastava et al. 2017, arXiv 1705.07761, section 4.1 (reverse KL); Lin et al. 2018, arXiv
        1712.04086, section 4.
    """
    return kl_to_weights(modes, np.full(num_modes, 1.0 / num_modes))


def kl_to_weights(modes: Int[np.ndarray, " n"], weights: Float[np.ndarray, " k"]) -> float:
    """``KL(histogram of the modes || weights)``, in nats: ``sum of share log(share / weight)``.

    Args:
        modes: one mode number per sample.
        weights: of the true modes; positive, of sum 1.

    Returns:
        From 0 up; the same floor as :func:`kl_to_uniform`.
    """
    counts = _counts(modes, len(weights))
    shares = counts / counts.sum()
    found = shares > 0
    return float(max(np.sum(shares[found] * np.log(shares[found] / weights[found])), 0.0))


def kl_to_uniform_estimate(modes: Int[np.ndarray, " n"], num_modes: int) -> Estimate:
    """:func:`kl_to_uniform` and its standard error; see :func:`kl_to_weights_estimate`."""
    return kl_to_weights_estimate(modes, np.full(num_modes, 1.0 / num_modes))


def kl_to_weights_estimate(
    modes: Int[np.ndarray, " n"], weights: Float[np.ndarray, " k"]
) -> Estimate:
    """:func:`kl_to_weights` and its standard error, samples redrawn.

    To first order that of the mean of ``log(share / weight)``; where the shares are the weights,
    ``2 N KL`` is chi-squared with as many degrees of freedom as there are found modes but one.

    Args:
        modes: one mode number per sample.
        weights: of the true modes; positive, of sum 1.

    References:
        Wilks 1938, doi 10.1214/aoms/1177732360 (the chi-squared limit).
    """
    counts = _counts(modes, len(weights))
    num, found = counts.sum(), counts > 0
    shares = counts[found] / num
    logs = np.log(shares / np.asarray(weights)[found])
    first = (shares @ logs**2 - (shares @ logs) ** 2) / num
    second = (np.count_nonzero(found) - 1) / (2.0 * num**2)
    error = max(of_two_orders(first, second), float(np.sqrt(second)))
    return Estimate(kl_to_weights(modes, weights), error)


def nearest_mode(
    samples: Float[np.ndarray, "n d"],
    means: Float[np.ndarray, "k d"],
    scales: Float[np.ndarray, " k"],
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """The mode with the least distance in its own standard deviations, and that distance.

    Args:
        samples: ``[N, d]``.
        means: of isotropic modes, ``[K, d]``.
        scales: their standard deviations ``[K]``.
    """
    samples = np.asarray(samples, np.float64)
    squares = (samples**2).sum(1)[:, None] + (means**2).sum(1)[None] - 2 * samples @ means.T
    distances = np.sqrt(np.maximum(squares, 0.0)) / np.asarray(scales)[None]
    modes = distances.argmin(1)
    return modes, distances[np.arange(len(samples)), modes]


def quality_radius(dimension: int) -> float:
    """How many deviations hold the share ``1 - exp(-9/2)`` of a Gaussian: 3 in the plane.

    In the plane samples within three deviations are called good (Srivastava et al. 2017, arXiv
    1705.07761, section 4.1); in many dimensions none would be, so the share is kept instead.
    """
    return float(np.sqrt(2.0 * special.gammaincinv(dimension / 2.0, HIGH_QUALITY_SHARE)))


def relative_width(distances: Float[np.ndarray, " n"], dimension: int, radius: float) -> float:
    """How wide the modes are, of how wide they should be: 1 for a perfect sampler, 0 for points.

    The root mean square of distances below ``radius``, in deviations, over that of a Gaussian cut
    off there, ``sqrt(d F_{d+2}(r^2) / F_d(r^2))`` with F_d the chi-squared distribution function.

    Args:
        distances: of good samples from their modes, in deviations.
        dimension: d.
        radius: r, at which they were cut off.
    """
    wider, share = special.chdtr([dimension + 2, dimension], radius**2)
    expected = dimension * wider / share
    return float(np.sqrt(np.mean(np.square(distances)) / expected))


def relative_width_estimate(
    distances: Float[np.ndarray, " n"], dimension: int, radius: float
) -> Estimate:
    """:func:`relative_width` and its standard error, samples redrawn; None for a single sample."""
    width = relative_width(distances, dimension, radius)
    squares = np.square(np.asarray(distances, np.float64))
    influence = squares * (width / (2.0 * squares.mean())) if width > 0 else squares
    return Estimate(width, standard_error_of(influence))


def _counts(modes: np.ndarray, num_modes: int) -> np.ndarray:
    modes = np.asarray(modes)
    if modes.ndim != 1 or len(modes) == 0 or not np.issubdtype(modes.dtype, np.integer):
        raise ValueError(
            f"modes must be integers [N] with N >= 1, got {modes.dtype} {modes.shape}: one mode "
            "number per sample"
        )
    if modes.min() < 0 or modes.max() >= num_modes:
        raise ValueError(
            f"modes must be in 0 .. {num_modes - 1}, got {modes.min()} .. {modes.max()}"
        )
    return np.bincount(modes, minlength=num_modes)
