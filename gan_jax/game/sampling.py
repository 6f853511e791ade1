"""Latents, and samples from a generator."""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.game.game import Game


def draw_latents(game: Game, key: jax.Array, num: int) -> jax.Array:
    """``[num, game.latent_size]`` from the game's latent distribution."""
    return game.latent_fn(key, (num, game.latent_size))


def generate(
    game: Game,
    variables: dict[str, Any],
    latents: jax.Array,
    condition: jax.Array | None = None,
) -> jax.Array:
    """Samples in evaluation mode (running statistics, no dropout).

    Args:
        game: the game.
        variables: ``state.average``, or ``state.generator.all_variables`` for the live weights.
        latents: ``[B, Z]``.
        condition: ``[B, ...]`` or None.

    Returns:
        ``[B, ...]``.
    """
    return game.generator.apply(variables, latents, condition, train=False)


def interpolate(first: jax.Array, second: jax.Array, num: int) -> jax.Array:
    """Latents on the way from one set to another, along great circles.

    ``sin((1 - t) w) / sin(w) first + sin(t w) / sin(w) second`` with w the angle between the two: normal latents
    lie near a sphere, and a straight line would leave it.

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


def update_statistics(
    game: Game,
    variables: dict[str, Any],
    latents: jax.Array,
    condition: jax.Array | None = None,
) -> dict[str, Any]:
    """A generator's variables after one pass in training mode: its running statistics move, no more.

    Repeated, it gives an averaged generator statistics of its own (standing statistics). The moving
    average of the live generator's statistics, which it has without this, is not what its averaged
    weights produce: deep in a network with many normalisations the two are far apart.

    Args:
        game: the game; its generator has no dropout.
        variables: of the generator.
        latents: ``[B, Z]``.
        condition: ``[B, ...]`` or None.

    References:
        Brock et al. 2019, arXiv 1809.11096, appendix (standing statistics); Izmailov et al. 2018, arXiv
        1803.05407 (batch norm after weights are averaged).
    """
    running = {name: tree for name, tree in variables.items() if name != "params"}
    _, moved = game.generator.apply(
        variables, latents, condition, train=True, mutable=list(running)
    )
    return {**variables, **moved}
