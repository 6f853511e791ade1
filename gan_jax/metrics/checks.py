"""What every estimator asks of its features: ``[N, F]``, enough rows, finite, of one width."""

import numpy as np
from jaxtyping import Float

Features = Float[np.ndarray, "n f"]


def check_features(name: str, features: np.ndarray, *, at_least: int) -> np.ndarray:
    """The features in float64.

    Args:
        name: of the set, for the message.
        features: ``[N, F]``.
        at_least: rows that the estimator needs.

    Raises:
        ValueError: the shape is another, there are too few rows, or a value is not finite.
    """
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) < at_least or features.shape[1] == 0:
        raise ValueError(f"{name} must be [N, F] with N >= {at_least}, got {features.shape}")
    if not np.isfinite(features).all():
        raise ValueError(f"{name} holds NaN or infinity: look at the samples they come from")
    return features


def check_pair(
    features: np.ndarray, reference: np.ndarray, *, at_least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two sets in float64, of one width.

    Raises:
        ValueError: as :func:`check_features`, or the widths differ.
    """
    first = check_features("features", features, at_least=at_least)
    second = check_features("reference", reference, at_least=at_least)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"features {first.shape} and reference {second.shape} must have as many columns: use "
            "one feature function for both"
        )
    return first, second
