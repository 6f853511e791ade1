"""Sampled distributions of which the truth is known."""

import numpy as np


def mixture_of_normals(
    num: int,
    *,
    means: tuple[float, ...],
    std: float,
    seed: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> np.ndarray:
    """Scalars ``[num, 1]`` float32 from equally likely normal distributions.

    Args:
        num: how many.
        means: of the modes.
        std: of every mode; positive.
        seed: of the draw.
        bounds: what falls outside is drawn again (a truncated distribution).

    Raises:
        ValueError: a mean lies outside the bounds, or a number is not positive.
    """
    low, high = bounds
    if num < 1 or not std > 0 or not means or not all(low < mean < high for mean in means):
        raise ValueError(
            f"num and std must be positive and the means inside {bounds}, got num={num}, std={std}, "
            f"means={means}"
        )
    generator = np.random.default_rng(seed)
    samples = np.full(num, np.nan)
    while (outside := ~((samples > low) & (samples < high))).any():
        centers = generator.choice(means, outside.sum())
        samples[outside] = generator.normal(centers, std)
    return samples[:, None].astype(np.float32)


def autoregression(
    num: int, *, length: int, coefficients: tuple[float, float], seed: int, std: float = 1.0
) -> np.ndarray:
    """Stationary AR(2) sequences ``[num, length]`` float32, with variance ``std ** 2``.

    ``x_t = a x_{t-1} + b x_{t-2} + e_t``; the lag-1 autocorrelation is ``a / (1 - b)``.

    Args:
        num: how many.
        length: T, at least 2.
        coefficients: ``(a, b)`` inside the triangle ``|b| < 1``, ``|a| < 1 - b``.
        seed: of the draw.
        std: of ``x_t``; positive.

    Raises:
        ValueError: the coefficients are not stationary, or a number is out of range.

    References:
        Box and Jenkins 1970, Time Series Analysis, section 3.2.4 (equations for AR(2)).
    """
    a, b = coefficients
    if num < 1 or length < 2 or not std > 0:
        raise ValueError(
            f"num and std must be positive and length at least 2, got {num}, {std}, {length}"
        )
    if not (abs(b) < 1 and abs(a) < 1 - b):
        raise ValueError(
            f"coefficients {coefficients} are not stationary: expected |b| < 1 and |a| < 1 - b"
        )
    generator = np.random.default_rng(seed)
    correlation = a / (1 - b)
    noise_std = np.sqrt(1 - a * correlation - b * (a * correlation + b))
    sequences = np.empty((num, length))
    sequences[:, 0] = generator.normal(size=num)  # the stationary distribution of two neighbours
    sequences[:, 1] = correlation * sequences[:, 0] + np.sqrt(
        1 - correlation**2
    ) * generator.normal(size=num)
    for t in range(2, length):
        noise = noise_std * generator.normal(size=num)
        sequences[:, t] = a * sequences[:, t - 1] + b * sequences[:, t - 2] + noise
    return (std * sequences).astype(np.float32)
