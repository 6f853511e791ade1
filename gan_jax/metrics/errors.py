"""Standard errors of means, shares and the like; what every error of this room is an error of.

**The convention.** A standard error says by how much a figure would scatter if its N samples were
drawn again, while all that they are compared with (the reference set, the held-out set, a
classifier) is held fixed, and so is what the estimator draws for itself by its seed (directions,
subsets, pairs). Two figures of one protocol differ by luck by about the root of the sum of their
squared errors. It says nothing of the luck of a reference set, which all rows of a table share, nor
of the luck of a training run, for which there are seeds. The samples must be independent of each
other; where one row holds many values (a sequence, an image), the rows are.

A figure that is not of this kind says so in its docstring. A count (of modes, of classes) has no
error.
"""

import numpy as np
from scipy.special import erf

from gan_jax.metrics.estimate import Estimate


def mean_of(values: np.ndarray) -> Estimate:
    """The mean over rows: of an error per sample, a likelihood per sequence, an indicator.

    Args:
        values: ``[N, ...]``; further axes belong to one sample and are averaged first.

    Returns:
        The mean; ``std / sqrt(N)``, and None for a single row.

    Raises:
        ValueError: there is no row, or a value is not finite.
    """
    rows = _rows(values).mean(1)
    return Estimate(float(rows.mean()), standard_error_of(rows))


def share(flags: np.ndarray) -> Estimate:
    """The share of the samples that have a property.

    The error is ``sqrt(p (1 - p) / N)`` with ``p = (count + 1/4) / (N + 1/2)``: without the quarter
    it would be 0 where no sample has the property, as if none ever could.

    Args:
        flags: ``[N]``, true or false (or 1 and 0).

    Returns:
        In [0, 1], with its standard error.

    Raises:
        ValueError: there is no row, or the shape is another.
    """
    flags = np.asarray(flags)
    if flags.ndim != 1 or len(flags) == 0:
        raise ValueError(f"flags must be [N] with N >= 1, got {flags.shape}: one of each sample")
    num, count = len(flags), np.count_nonzero(flags)
    smoothed = (count + 0.25) / (num + 0.5)
    return Estimate(count / num, float(np.sqrt(smoothed * (1.0 - smoothed) / num)))


def deviation_of(values: np.ndarray) -> Estimate:
    """The standard deviation (over N) of all values of all rows.

    Its error is that of the mean of ``((x - mean)^2 - deviation^2) / (2 deviation)``.

    Args:
        values: ``[N, ...]``; values of one row may depend on each other.

    Returns:
        The deviation and its standard error; None for a single row.

    Raises:
        ValueError: there is no row, or a value is not finite.
    """
    rows = _rows(values)
    squares = (rows - rows.mean()) ** 2
    deviation = np.sqrt(squares.mean())
    influence = squares.mean(1) / (2.0 * deviation) if deviation > 0 else np.zeros(len(rows))
    return Estimate(float(deviation), standard_error_of(influence))


def distance_from(expected: float, estimate: Estimate) -> Estimate:
    """How far an estimate lies from a number that is held fixed: ``|value - expected|``.

    The error is the deviation of ``|x|`` for a normal x of the estimate's error e, whose mean is
    taken to be ``sqrt(max(distance^2 - e^2, 0))``. It is e far from the number, and 0.6 e at it.

    Args:
        expected: the number.
        estimate: with or without an error.

    Returns:
        The distance, at least 0; without an error where the estimate has none.
    """
    distance, error = abs(estimate.value - expected), estimate.standard_error
    if not error:
        return Estimate(distance, error)
    mean = np.sqrt(max((distance / error) ** 2 - 1.0, 0.0))
    folded = np.sqrt(2.0 / np.pi) * np.exp(-(mean**2) / 2.0) + mean * erf(mean / np.sqrt(2.0))
    return Estimate(distance, float(error * np.sqrt(mean**2 + 1.0 - folded**2)))


def of_two_orders(first: float, second: float) -> float:
    """The standard error of a smooth figure, from the variances of the two parts of its scatter.

    A smooth figure of N samples is about a mean over samples (first order, variance ``~ 1 / N``)
    and a mean over pairs of samples (second order, ``~ 1 / N^2``), which is all that is left of a
    distance where its two sets are of one distribution. What each sample adds to the first is
    estimated from the same samples, and this noise adds the variance of the second twice. So it is
    taken off once: ``max(first - second, 3/4 second)``, where the floor keeps the error off 0. (Of
    a figure with nothing but a second order in one or two directions the error is 1.15 too large.)

    Args:
        first: the estimated variance of the mean over samples, noise included.
        second: the estimated variance of the mean over pairs.

    References:
        Hoeffding 1948, doi 10.1214/aoms/1177730196, section 5 (both variances);
        Efron and Stein 1981, doi 10.1214/aos/1176345462 (why such an error is too large).
    """
    return float(np.sqrt(max(first - second, 0.75 * second)))


def standard_error_of(influence: np.ndarray) -> float | None:
    """``std / sqrt(N)`` of what each of N samples adds to a figure; None for a single one."""
    num = len(influence)
    return float(np.std(influence, ddof=1) / np.sqrt(num)) if num > 1 else None


def _rows(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim == 0 or values.size == 0:
        raise ValueError(f"values must be [N, ...] with N >= 1, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("values hold NaN or infinity: look at the samples they come from")
    return values.reshape(len(values), -1)
