"""Mixtures of Gaussians, whose modes can be counted: the ring, the grid, and any other."""

import dataclasses

import numpy as np

from gan_jax.data.arrays import ArraySource


@dataclasses.dataclass(frozen=True)
class Mixture:
    """``sum over k of weights[k] N(means[k], scales[k]^2 I)``.

    Attributes:
        means: ``[K, d]``.
        scales: the standard deviation of each mode ``[K]``, or one number for all; positive.
        weights: ``[K]``, positive; made to sum to 1. Equal where none are given.
    """

    means: np.ndarray
    scales: np.ndarray | float
    weights: np.ndarray | None = None

    def __post_init__(self):
        means = np.asarray(self.means, np.float64)
        if means.ndim != 2 or not means.size:
            raise ValueError(f"means must be [K, d], one row per mode, got {means.shape}")
        num = len(means)
        scales = np.broadcast_to(np.asarray(self.scales, np.float64), num)
        weights = np.ones(num) if self.weights is None else np.asarray(self.weights, np.float64)
        if weights.shape != (num,):
            raise ValueError(f"weights must be [{num}], one per mode, got {weights.shape}")
        for name, values in (("scales", scales), ("weights", weights)):
            if not (np.isfinite(values) & (values > 0)).all():
                raise ValueError(f"{name} must be positive and finite, got {values}")
        for name, value in (
            ("means", means), ("scales", scales), ("weights", weights / weights.sum())
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    def sample(self, num: int, *, seed: int) -> np.ndarray:
        """``[num, d]`` float32."""
        generator = np.random.default_rng(seed)
        modes = generator.choice(len(self.means), num, p=self.weights)
        noise = generator.standard_normal((num, self.means.shape[1]))
        return (self.means[modes] + self.scales[modes, None] * noise).astype(np.float32)

    def source(self, num: int, *, seed: int) -> ArraySource:
        """A fixed set of ``num`` samples, in the field ``real``."""
        return ArraySource({"real": self.sample(num, seed=seed)})


def ring(modes: int = 8, *, radius: float = 1.0, scale: float = 0.01) -> Mixture:
    """Modes at equal angles on a circle, the first on the right.

    References:
        Lin et al. 2018, arXiv 1712.04086, section 4.1 (8 modes, radius 1, scale 0.01);
        Metz et al. 2017, arXiv 1611.02163, section 3.1 and appendix A (radius 2, scale 0.02).
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], 1), scale)


def grid(side: int = 5, *, spacing: float = 2.0, scale: float = 0.05) -> Mixture:
    """Modes on a square lattice about the origin.

    References:
        Lin et al. 2018, arXiv 1712.04086, section 4.1 (5x5 at {-4, ..., 4}^2, scale 0.05).
    """
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2), scale)


def high_dimensional(
    modes: int = 10, *, dimension: int = 1200, active: int = 700, scale: float = 1.0, seed: int = 0
) -> Mixture:
    """Modes in many dimensions, apart in ``active`` of them only.

    Means are normal, of variance 1, in the first ``active`` coordinates and 0 in the others. The paper,
    whose mixture has ten 700-dimensional modes in 1,200 dimensions, prints neither its means nor its
    covariances: figures do not compare with its.

    References:
        Srivastava et al. 2017, arXiv 1705.07761, section 4.1.
    """
    means = np.zeros((modes, dimension))
    means[:, :active] = np.random.default_rng(seed).standard_normal((modes, active))
    return Mixture(means, scale)
