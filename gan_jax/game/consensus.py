"""Consensus optimisation: both players also make the joint gradient smaller."""

import dataclasses
from functools import partial

import jax
import optax

from gan_jax.game.game import Game
from gan_jax.game.objectives import discriminator_objective, generator_objective
from gan_jax.game.simultaneous import check_one_step_each
from gan_jax.game.step import (
    Players,
    ShardFn,
    TrainStep,
    apply_gradient,
    gradient,
    make_play_step,
    unsharded,
)


def make_consensus_step(
    game: Game,
    axis_name: str | None = None,
    *,
    weight: float,
    shard_fn: ShardFn = unsharded,
) -> TrainStep:
    """The step of consensus play; the result is that of :func:`gan_jax.game.step.make_play_step`.

    Each player steps, simultaneously, on its loss plus ``weight * |v|^2 / 2``, with v the gradients
    of both players side by side. With SGD the Jacobian of a round at an equilibrium is
    ``I + h (J - weight J^T J)``.

    Args:
        game: the game.
        axis_name: of a ``pmap`` over devices, or None.
        weight: the paper's gamma, finite and not negative; 0 is simultaneous play.
        shard_fn: places what is drawn for the global batch on a mesh.

    Raises:
        ValueError: the weight is out of range, or a player takes more than one step a round.

    References:
        Mescheder et al. 2017, arXiv 1705.10461, equation 12 and algorithm 2 (the 1/2 is inside).
    """
    if not 0.0 <= weight < float("inf"):
        raise ValueError(f"weight must be a finite number >= 0, got {weight}")
    check_one_step_each(game, "consensus")
    return make_play_step(partial(_play, weight=weight), game, axis_name, shard_fn=shard_fn)


def _play(game, axis, state, batch, key, *, weight) -> Players:
    rows = {name: leaf[0] for name, leaf in batch.items()}

    def gradients_at(params):
        """Both players' gradients, variables and metrics at a pair (generator, discriminator)."""
        generator = dataclasses.replace(state.generator, params=params[0])
        discriminator = dataclasses.replace(state.discriminator, params=params[1])
        here = (game, axis, state, generator, discriminator, rows, key)
        return (
            gradient(generator, generator_objective(*here), axis),
            gradient(discriminator, discriminator_objective(*here), axis),
        )

    def half_square(params):
        players = gradients_at(params)
        square = sum(optax.tree.norm(gradients, squared=True) for gradients, _, _ in players)
        return square / 2, players

    params = (state.generator.params, state.discriminator.params)
    pulls, players = jax.grad(half_square, has_aux=True)(params)
    optimizers = (game.generator_optimizer, game.discriminator_optimizer)
    after = []
    for player, optimizer, pull, (gradients, variables, metrics) in zip(
        (state.generator, state.discriminator), optimizers, axis.mean(pulls), players, strict=True
    ):
        joint = jax.tree.map(lambda g, p: g + weight * p, gradients, pull)
        moved, more = apply_gradient(player, optimizer, joint, variables)
        after.append((moved, metrics | more))
    (generator, generator_metrics), (discriminator, discriminator_metrics) = after
    return Players(generator, discriminator, generator_metrics, discriminator_metrics)
