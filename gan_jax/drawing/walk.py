"""Latents on the way from one sample to another."""

import jax
import jax.numpy as jnp
import numpy as np


def between(first: jax.Array, second: jax.Array, num: int) -> jax.Array:
    """Latents on the way from one set to another; both ends are those of the sets, bit for bit.

    Floating latents go along great circles (:func:`interpolate`); integers and PRNG keys stay those
    of the first set.

    Args:
        first: ``[B, ...]``.
        second: ``[B, ...]``.
        num: places, at least 2.

    Returns:
        ``[B * num, ...]``, row by row.
    """
    if not jnp.issubdtype(first.dtype, jnp.floating):
        return first[np.repeat(np.arange(len(first)), num)]
    flat = [np.asarray(latents).reshape(len(latents), -1) for latents in (first, second)]
    way = interpolate(*flat, num).astype(first.dtype)
    way[:, 0], way[:, -1] = flat
    return way.reshape(-1, *first.shape[1:])


def interpolate(first: np.ndarray, second: np.ndarray, num: int) -> np.ndarray:
    """Latents on the way from one set to another, along great circles.

    ``sin((1 - t) w) / sin(w) first + sin(t w) / sin(w) second`` with w the angle between the two:
    normal latents lie near a sphere, and a straight line would leave it.

    Args:
        first: ``[B, Z]``.
        second: ``[B, Z]``.
        num: places, at least 2: t = 0, ..., 1.

    Returns:
        ``[B, num, Z]`` float64; a straight line between parallel or opposite latents.

    References:
        White 2016, arXiv 1609.04468, section 2.1.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosine = np.sum(first * second, axis=1) / np.where(norms > 0.0, norms, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))[:, None]
    t = np.linspace(0.0, 1.0, num)[None]
    parallel = np.abs(np.sin(angle)) < 1e-4  # a straight line there
    sine = np.where(parallel, 1.0, np.sin(angle))
    weights = [
        np.where(parallel, straight, np.sin(straight * angle) / sine) for straight in (1.0 - t, t)
    ]
    return weights[0][..., None] * first[:, None] + weights[1][..., None] * second[:, None]
