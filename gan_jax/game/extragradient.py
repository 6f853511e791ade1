"""Extragradient play: a look ahead, then a step from here with the gradient seen there."""

import dataclasses

import jax

from gan_jax.game.game import Game
from gan_jax.game.objectives import discriminator_objective, generator_objective
from gan_jax.game.simultaneous import both, check_one_step_each
from gan_jax.game.step import (
    Players,
    ShardFn,
    TrainStep,
    apply_gradient,
    gradient,
    make_play_step,
    unsharded,
)


def make_extragradient_step(
    game: Game, axis_name: str | None = None, *, shard_fn: ShardFn = unsharded
) -> TrainStep:
    """The step of extragradient play; arguments and result as in :func:`gan_jax.game.step.make_play_step`.

    ``w' = w + h v(w)``, then ``w + h v(w')``, both through the optimisers, whose moments see both
    gradients (ExtraAdam). Both halves take the same real rows and draw their own latents. With SGD
    the Jacobian of a round at an equilibrium is ``I + hJ + (hJ)^2``.

    Optimistic play, which saves the second gradient, is an optimiser and needs no step of its own:
    ``optax.optimistic_gradient_descent``, ``optax.optimistic_adam_v2``, with
    :func:`gan_jax.game.simultaneous.make_simultaneous_step`.

    Raises:
        ValueError: a player takes more than one step a round.

    References:
        Korpelevich 1976 (extragradient);
        Gidel et al. 2019, arXiv 1802.10551, algorithm 4 (ExtraAdam);
        Daskalakis et al. 2018, arXiv 1711.00141 (optimistic).
    """
    check_one_step_each(game, "extragradient")
    return make_play_step(_play, game, axis_name, shard_fn=shard_fn)


def _play(game, axis, state, batch, key) -> Players:
    ahead_key, here_key = jax.random.split(key)
    ahead = both(game, axis, state, state.generator, state.discriminator, batch, ahead_key)
    rows = {name: leaf[0] for name, leaf in batch.items()}
    there = (game, axis, state, ahead.generator, ahead.discriminator, rows, here_key)

    def step_from_here(here, ahead, optimizer, objective_fn):
        gradients, variables, metrics = gradient(ahead, objective_fn, axis)
        here = dataclasses.replace(here, opt_state=ahead.opt_state)
        player, more = apply_gradient(here, optimizer, gradients, variables)
        return player, metrics | more

    discriminator, discriminator_metrics = step_from_here(
        state.discriminator,
        ahead.discriminator,
        game.discriminator_optimizer,
        discriminator_objective(*there),
    )
    generator, generator_metrics = step_from_here(
        state.generator, ahead.generator, game.generator_optimizer, generator_objective(*there)
    )
    return Players(generator, discriminator, generator_metrics, discriminator_metrics)
