"""How strongly neighbours in time agree."""

import numpy as np
from jaxtyping import Float


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
    sequences = np.asarray(sequences, np.float64)
    if sequences.ndim != 2 or not 1 <= lag < sequences.shape[1]:
        raise ValueError(
            f"sequences must be [N, T] with 1 <= lag < T, got {sequences.shape} and lag {lag}"
        )
    if not np.isfinite(sequences).all():
        raise ValueError("sequences hold NaN or infinity: look at the samples they come from")
    early, late = sequences[:, :-lag].ravel(), sequences[:, lag:].ravel()
    if early.std() == 0.0 or late.std() == 0.0:
        raise ValueError("the sequences are constant: no correlation is defined")
    return float(np.clip(np.corrcoef(early, late)[0, 1], -1.0, 1.0))
