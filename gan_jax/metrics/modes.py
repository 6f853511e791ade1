"""How many modes a set of samples covers, and how evenly; one mode number per sample."""

import numpy as np
from jaxtyping import Int


def modes_covered(modes: Int[np.ndarray, " n"], num_modes: int) -> int:
    """How many of the modes ``0 .. num_modes - 1`` occur at least once."""
    return int(np.count_nonzero(_counts(modes, num_modes)))


def kl_to_uniform(modes: Int[np.ndarray, " n"], num_modes: int) -> float:
    """``KL(histogram of the modes || uniform)``, in nats: ``log K - entropy``.

    Returns:
        From 0 (all modes equally often) to ``log num_modes`` (one mode only). A perfect sampler of N
        samples has about ``(K - 1) / (2 N)``.

    References:
        Srivastava et al. 2017, arXiv 1705.07761, section 4.1 (reverse KL); Lin et al. 2018, arXiv
        1712.04086, section 4.
    """
    counts = _counts(modes, num_modes)
    shares = counts[counts > 0] / counts.sum()
    return float(max(np.log(num_modes) + np.sum(shares * np.log(shares)), 0.0))


def _counts(modes: np.ndarray, num_modes: int) -> np.ndarray:
    modes = np.asarray(modes)
    if modes.ndim != 1 or len(modes) == 0 or not np.issubdtype(modes.dtype, np.integer):
        raise ValueError(
            f"modes must be integers [N] with N >= 1, got {modes.dtype} {modes.shape}: one mode "
            "number per sample"
        )
    if modes.min() < 0 or modes.max() >= num_modes:
        raise ValueError(
            f"modes must be in 0 .. {num_modes - 1}, got {modes.min()} .. {modes.max()}"
        )
    return np.bincount(modes, minlength=num_modes)
