"""How strongly neighbours in time agree."""

import numpy as np
from jaxtyping import Float

from gan_jax.metrics.errors import standard_error_of
from gan_jax.metrics.estimate import Estimate


def autocorrelation(sequences: Float[np.ndarray, "n time"], *, lag: int = 1) -> float:
    """The correlation of ``x_t`` and ``x_{t+lag}`` over all such pairs of all sequences.

    ``cov(x_t, x_{t+lag}) / sqrt(var(x_t) var(x_{t+lag}))``, each over its own end of the pairs.

    Args:
        sequences: ``[N, T]``.
        lag: in steps, from 1 to T - 1.

    Returns:
        In ``[-1, 1]``.

    Raises:
        ValueError: the shape, the lag or a value is off, or the sequences are constant.

    References:
        Box and Jenkins 1970, Time Series Analysis, section 2.1 (pooled over sequences here).
    """
    early, late = _ends(sequences, lag)
    return float(np.clip(np.corrcoef(early.ravel(), late.ravel())[0, 1], -1.0, 1.0))


def autocorrelation_estimate(sequences: Float[np.ndarray, "n time"], *, lag: int = 1) -> Estimate:
    """:func:`autocorrelation` r and its standard error, sequences redrawn.

    With both ends scaled to mean 0 and deviation 1, that of the mean over sequences (as the pairs
    within one depend on each other) of ``a b - r (a^2 + b^2) / 2``.

    Args:
        sequences: ``[N, T]``.
        lag: in steps, from 1 to T - 1.

    Returns:
        In ``[-1, 1]``; without an error for one sequence. For how far it is from the correlation of
        others, see :func:`gan_jax.metrics.errors.distance_from`.

    Raises:
        ValueError: as :func:`autocorrelation`.
    """
    value = autocorrelation(sequences, lag=lag)
    early, late = ((end - end.mean()) / end.std() for end in _ends(sequences, lag))
    influence = early * late - value * (early**2 + late**2) / 2.0
    return Estimate(value, standard_error_of(influence.mean(1)))


def _ends(sequences: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    sequences = np.asarray(sequences, np.float64)
    if sequences.ndim != 2 or not 1 <= lag < sequences.shape[1]:
        raise ValueError(
            f"sequences must be [N, T] with 1 <= lag < T, got {sequences.shape} and lag {lag}"
        )
    if not np.isfinite(sequences).all():
        raise ValueError("sequences hold NaN or infinity: look at the samples they come from")
    early, late = sequences[:, :-lag], sequences[:, lag:]
    if early.std() == 0.0 or late.std() == 0.0:
        raise ValueError("the sequences are constant: no correlation is defined")
    return early, late
