"""Latents on the way from one sample to another."""

import jax
import jax.numpy as jnp


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
        return jnp.repeat(first, num, axis=0)
    flat = [latents.reshape(len(latents), -1) for latents in (first, second)]
    way = interpolate(*flat, num).at[:, 0].set(flat[0]).at[:, -1].set(flat[1])
    return way.reshape(-1, *first.shape[1:]).astype(first.dtype)


def interpolate(first: jax.Array, second: jax.Array, num: int) -> jax.Array:
    """Latents on the way from one set to another, along great circles.

    ``sin((1 - t) w) / sin(w) first + sin(t w) / sin(w) second`` with w the angle between the two:
    normal latents lie near a sphere, and a straight line would leave it.

    Args:
        first: ``[B, Z]``.
        second: ``[B, Z]``.
        num: places, at least 2: t = 0, ..., 1.

    Returns:
        ``[B, num, Z]``.

    References:
        White 2016, arXiv 1609.04468, section 2.1.
    """
    norms = [jnp.linalg.norm(latents, axis=1) for latents in (first, second)]
    cosine = jnp.sum(first * second, axis=1) / (norms[0] * norms[1])
    angle = jnp.arccos(jnp.clip(cosine, -1.0, 1.0))[:, None]
    t = jnp.linspace(0.0, 1.0, num)[None]
    parallel = jnp.abs(jnp.sin(angle)) < 1e-4  # a straight line there
    sine = jnp.where(parallel, 1.0, jnp.sin(angle))
    weights = [
        jnp.where(parallel, straight, jnp.sin(straight * angle) / sine) for straight in (1.0 - t, t)
    ]
    return weights[0][..., None] * first[:, None] + weights[1][..., None] * second[:, None]
