"""Mean and covariance of features that need not be in memory at once."""

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np

from gan_jax.metrics.checks import Features, check_features


class Moments(NamedTuple):
    """Of N rows, in float64.

    Attributes:
        num: N.
        mean: ``[F]``.
        scatter: ``[F, F]``, the sum over rows of ``(x - mean)(x - mean)^T``.
    """

    num: int
    mean: np.ndarray
    scatter: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """The scatter over N - 1: unbiased."""
        if self.num < 2:
            raise ValueError(f"a covariance needs at least 2 rows, got {self.num}")
        return self.scatter / (self.num - 1)


def moments(features: Features) -> Moments:
    """Of one set of features ``[N, F]``, N >= 1."""
    features = check_features("features", features, at_least=1)
    mean = features.mean(0)
    centered = features - mean
    return Moments(len(features), mean, centered.T @ centered)


def combined(first: Moments, second: Moments) -> Moments:
    """Of the rows of both.

    ``S = S1 + S2 + N1 N2 / N (m1 - m2)(m1 - m2)^T``: no cancellation, unlike a sum of squares.

    References:
        Chan, Golub and LeVeque 1983, The American Statistician 37(3), equation 2.1.
    """
    num = first.num + second.num
    difference = second.mean - first.mean
    mean = first.mean + second.num / num * difference
    between = first.num * second.num / num * np.outer(difference, difference)
    return Moments(num, mean, first.scatter + second.scatter + between)


def streaming_moments(batches: Iterable[Features]) -> Moments:
    """Of all rows of all batches, about as many rows in memory at a time as there are features.

    Raises:
        ValueError: there is no batch, or as :func:`moments`.
    """
    parts = map(moments, _of_some_size(batches))
    first = next(parts, None)
    if first is None:
        raise ValueError("no batch of features: expected at least one")
    return reduce(combined, parts, first)


def _of_some_size(batches: Iterable[Features]) -> Iterator[Features]:
    """Rows of several batches at once: two scatters are added no more often than one is computed."""
    held, num = [], 0
    for batch in batches:
        held.append(batch)
        num += len(batch)
        if num >= np.shape(batch)[-1]:
            yield np.concatenate(held)
            held, num = [], 0
    if held:
        yield np.concatenate(held)
