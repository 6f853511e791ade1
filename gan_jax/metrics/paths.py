"""Paths of what moves in a clip, and how far they are from a straight line that bounces once."""

import numpy as np
from jaxtyping import Float

_PLACES = 10  # places of a bounce that are tried between two frames


def centroids(
    clips: Float[np.ndarray, "n frames height width 1"],
) -> Float[np.ndarray, "n frames 2"]:
    """Where the light of each frame has its centre: row and column, in pixels.

    The weight of a pixel is its value above -1; a frame without any has its centre in the middle.

    Args:
        clips: ``[N, T, H, W, 1]`` in [-1, 1].
    """
    weights = np.asarray(clips, np.float64)[..., 0] + 1.0
    total = weights.sum((2, 3))
    lit = total > 1e-6
    found = []
    for axis, size in ((2, weights.shape[2]), (3, weights.shape[3])):
        moments = weights.sum(5 - axis) @ np.arange(size)
        found.append(np.where(lit, moments / np.where(lit, total, 1.0), (size - 1) / 2))
    return np.stack(found, axis=-1)


def bounce_residual(path: Float[np.ndarray, "n frames 2"]) -> Float[np.ndarray, " n"]:
    """How far a path is from the nearest one that runs straight on and is thrown back once, in pixels.

    Each coordinate by itself is fitted by ``a + b |t - k|``, for k at each tenth of a frame; k = 0 is
    a straight line. The root of the mean squared distance over frames.

    Args:
        path: ``[N, T, 2]``, T at least 4: three numbers pass through three points.

    Raises:
        ValueError: there are fewer frames.
    """
    frames = path.shape[1]
    if frames < 4:
        raise ValueError(
            f"a path of one bounce is told from others by 4 frames or more, got {frames}"
        )
    times = np.arange(frames)
    least = np.full((len(path), path.shape[2]), np.inf)
    for bounce in np.linspace(0.0, frames - 1.0, _PLACES * (frames - 1) + 1):
        basis = np.stack([np.ones(frames), np.abs(times - bounce)], axis=1)
        keep = np.eye(frames) - basis @ np.linalg.pinv(basis)
        least = np.minimum(least, np.square(np.einsum("st,ntd->nsd", keep, path)).sum(1))
    return np.sqrt(least.sum(1) / frames)


def pace(path: Float[np.ndarray, "n frames 2"]) -> Float[np.ndarray, " n"]:
    """The mean distance from a frame to the next one, in pixels.

    Args:
        path: ``[N, T, 2]``.
    """
    return np.linalg.norm(np.diff(path, axis=1), axis=-1).mean(1)
