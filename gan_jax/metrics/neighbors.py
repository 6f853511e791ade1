"""Precision, recall, density and coverage: where samples lie among the nearest neighbours of others.

Distances are taken in blocks (scikit-learn's, in float64), so that memory does not grow with the square of
the number of samples.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from sklearn.metrics import pairwise_distances_chunked

from gan_jax.metrics.checks import Features, check_pair

BLOCK_MIB = 256  # of distances in memory at once


class PRDC(NamedTuple):
    """Four figures of one pair of sets.

    Attributes:
        precision: share of the samples that lie in the ball of a real one.
        recall: share of the real ones that lie in the ball of a sample.
        density: in how many balls of real ones a sample lies, over k; about 1, and not bounded by it.
        coverage: share of the real ones with a sample in their ball.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(features: Features, reference: Features, *, k: int = 5) -> PRDC:
    """Improved precision and recall, density and coverage.

    The ball of a row reaches to its k-th nearest neighbour in its own set, itself not counted; a row at
    exactly that distance is outside.

    Precision and density are blind to samples that crowd where real ones are dense: to one good sample over and
    over (precision), and, in the features of a classifier of MNIST, to light blur and to noise, which raised
    both. Recall and coverage saw all three.

    Args:
        features: of the samples, ``[N, F]``, N > k.
        reference: of the real ones, ``[M, F]``, M > k.
        k: neighbours, at least 1. Papers take 3 (precision and recall) and 5 (density and coverage).

    Raises:
        ValueError: the shapes do not fit, there are too few rows, or a value is not finite.

    References:
        Kynkäänniemi et al. 2019, arXiv 1904.06991, equations 1 and 2;
        Naeem et al. 2020, arXiv 2002.09797, equations 3 and 4.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    features, reference = check_pair(features, reference, at_least=k + 1)
    real_radii, fake_radii = (kth_distances(rows, k) for rows in (reference, features))
    in_balls = np.zeros(len(features))
    nearest = np.full(len(reference), np.inf)
    recalled = np.zeros(len(reference), bool)

    def look(distances: np.ndarray, start: int) -> None:  # [real of the block, fake]
        rows = slice(start, start + len(distances))
        in_balls[:] += (distances < real_radii[rows, None]).sum(0)
        nearest[rows] = distances.min(1)
        recalled[rows] = (distances < fake_radii[None]).any(1)

    each_block(reference, features, look)
    return PRDC(
        precision=float((in_balls > 0).mean()),
        recall=float(recalled.mean()),
        density=float(in_balls.mean() / k),
        coverage=float((nearest < real_radii).mean()),
    )


def kth_distances(rows: Features, k: int) -> np.ndarray:
    """``[N]``: the distance of each row from its k-th nearest other row."""
    found = np.empty(len(rows))

    def look(distances: np.ndarray, start: int) -> None:
        own = np.arange(len(distances))
        distances[own, start + own] = -1.0  # itself comes first, whatever its copies
        found[start : start + len(distances)] = np.partition(distances, k, axis=1)[:, k]

    each_block(rows, rows, look)
    return found


def nearest(rows: Features, among: Features, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The k rows of another set that are nearest to each row.

    Returns:
        Their numbers ``[N, k]`` and their distances ``[N, k]``, the nearest first.
    """
    numbers = np.empty((len(rows), k), int)
    distances_ = np.empty((len(rows), k))

    def look(distances: np.ndarray, start: int) -> None:
        block = slice(start, start + len(distances))
        closest = np.argpartition(distances, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(distances, closest, 1)
        order = np.argsort(near, axis=1, kind="stable")
        numbers[block] = np.take_along_axis(closest, order, 1)
        distances_[block] = np.take_along_axis(near, order, 1)

    each_block(rows, among, look)
    return numbers, distances_


def each_block(
    rows: np.ndarray, columns: np.ndarray, look: Callable[[np.ndarray, int], None]
) -> None:
    """``look(distances [b, M], first row)`` for every block of rows."""
    blocks: Iterator[np.ndarray] = pairwise_distances_chunked(
        rows, columns, working_memory=BLOCK_MIB
    )
    start = 0
    for distances in blocks:
        look(distances, start)
        start += len(distances)
