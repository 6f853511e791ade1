"""Memorisation: do samples lie closer to the training set than new real examples do?"""

import numpy as np

from gan_jax.metrics.checks import Features, check_pair
from gan_jax.metrics.errors import standard_error_of
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.neighbors import nearest


def closer_share(features: Features, held_out: Features, training: Features) -> Estimate:
    """The chance that a sample is closer to its nearest training example than a held-out real one to its own.

    ``P(d(sample, training) < d(held out, training))``, ties counting half: the Mann-Whitney statistic over its
    largest value.

    Args:
        features: of the samples, ``[N, F]``.
        held_out: of real examples that were not trained on, ``[M, F]``.
        training: of those that were.

    Returns:
        0.5 where samples are as new as held-out examples, 1 where all are copies, below 0.5 where
        they lie farther from the training set than real examples do (they may be poor). Its
        standard error is that of a mean over samples of the share of held-out examples that are
        farther, held-out and training examples held: 0 where all are copies. To compare it with 0.5
        rather than with another row of the same protocol, count the luck of the held-out examples
        too: ``1 / (12 M)`` more in the square.

    Raises:
        ValueError: the shapes do not fit, or a value is not finite.

    References:
        Meehan et al. 2020, arXiv 2004.05675, section 3 (there as a z-score, within cells).
    """
    features, training = check_pair(features, training, at_least=1)
    held_out, _ = check_pair(held_out, training, at_least=1)
    ours, theirs = (np.sort(nearest(rows, training)[1][:, 0]) for rows in (features, held_out))
    closer = len(theirs) - np.searchsorted(theirs, ours, side="right")
    equal = len(theirs) - np.searchsorted(theirs, ours, side="left") - closer
    shares = (closer + 0.5 * equal) / len(theirs)
    return Estimate(float(shares.mean()), standard_error_of(shares))
