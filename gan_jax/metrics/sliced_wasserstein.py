"""The sliced Wasserstein distance: Wasserstein-1 along random directions."""

import numpy as np

from gan_jax.metrics.checks import Features, check_pair
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.wasserstein_error import mean_wasserstein_1


def sliced_wasserstein(
    features: Features, reference: Features, *, num_directions: int = 256, seed: int = 0
) -> Estimate:
    """The mean over unit directions u, uniform on the sphere, of ``W1(x . u, y . u)``.

    A shift of all rows by v costs ``|v| Gamma(F / 2) / (sqrt(pi) Gamma((F + 1) / 2))``. Biased upwards for
    finite N: compare figures of one N only.

    Args:
        features: x, ``[N, F]``.
        reference: y, ``[M, F]``.
        num_directions: at least 1.
        seed: of the directions.

    Returns:
        The mean, in the unit of the features. Its standard error, features drawn again, reference
        and directions held, is that of
        :func:`gan_jax.metrics.wasserstein_error.mean_wasserstein_1`; that of the directions is not
        in it, as one seed gives all rows the same.

    Raises:
        ValueError: the shapes do not fit, a value is not finite, or there is no direction.

    References:
        Bonneel et al. 2015, doi 10.1007/s10851-014-0506-3, definition 2 (there with squared costs); Karras et
        al. 2018, arXiv 1710.10196, section 5 (there of patches).
    """
    features, reference = check_pair(features, reference, at_least=1)
    if num_directions < 1:
        raise ValueError(f"num_directions must be at least 1, got {num_directions}")
    directions = np.random.default_rng(seed).normal(size=(features.shape[1], num_directions))
    directions /= np.linalg.norm(directions, axis=0)
    return mean_wasserstein_1(features @ directions, reference @ directions)
