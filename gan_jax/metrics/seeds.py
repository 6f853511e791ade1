"""Figures of several seeds: their mean, its standard error, and the worst."""

import numpy as np

from gan_jax.metrics.judgement import Figures, Judge


def mean(rows: list[Figures]) -> Figures:
    """The mean of each figure over the seeds."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def standard_error(rows: list[Figures]) -> Figures:
    """The standard error of each mean: ``std / sqrt(n)`` with ``n - 1`` in the variance; n >= 2."""
    return {
        name: float(np.std([row[name] for row in rows], ddof=1) / np.sqrt(len(rows)))
        for name in rows[0]
    }


def worst(rows: list[Figures], judge: Judge, metric: str) -> int:
    """Which seed has the worst value of a figure; the first of equals."""
    sign = -1 if metric in judge.more_is_better else 1
    return int(np.argmax([sign * row[metric] for row in rows]))
