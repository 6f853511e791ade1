"""Latents, and samples from a generator."""

from typing import Any

import jax

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
