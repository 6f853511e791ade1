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
