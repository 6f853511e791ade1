"""Alternating play, the default: the discriminator's steps, then the generator's against the new one."""

import dataclasses
from collections.abc import Callable

import jax

from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.game import Game
from gan_jax.game.objectives import Batch, discriminator_objective, generator_objective
from gan_jax.game.state import GANState, TrainState
from gan_jax.game.step import Players, ShardFn, TrainStep, make_play_step, repeat, unsharded, update

OpponentFn = Callable[[TrainState, TrainState, Batch, jax.Array], TrainState]


def make_train_step(
    game: Game, axis_name: str | None = None, *, shard_fn: ShardFn = unsharded
) -> TrainStep:
    """The step of alternating play; arguments and result as in :func:`gan_jax.game.step.make_play_step`.

    Near an equilibrium with Jacobian ``[[A, B], [C, D]]`` of the players' vector field (generator
    first) and SGD with rates ``g`` and ``d``, one round is
    ``[[I + gA, gB], [0, I]] @ [[I, 0], [dC, I + dD]]``.

    References:
        Goodfellow et al. 2014, arXiv 1406.2661, algorithm 1;
        Mescheder et al. 2018, arXiv 1801.04406, section 2 (its circles around the Dirac-GAN).
    """
    return make_play_step(alternate, game, axis_name, shard_fn=shard_fn)


def as_it_stands(
    generator: TrainState, discriminator: TrainState, rows: Batch, key: jax.Array
) -> TrainState:
    """The discriminator that the generator meets in alternating play: the one after its updates."""
    return discriminator


def alternate(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    batch: Batch,
    key: jax.Array,
    *,
    opponent_fn: OpponentFn = as_it_stands,
) -> Players:
    """A round of alternating play.

    Args:
        game: the game.
        axis: how the batch is divided.
        state: before the round.
        batch: of the round.
        key: of the round.
        opponent_fn: ``(generator, discriminator, rows, key) -> discriminator`` that the generator's
            objective sees; its gradient flows through this function.
    """
    discriminator_key, generator_key = jax.random.split(key)

    def update_discriminator(discriminator, rows, key):
        objective_fn = discriminator_objective(
            game, axis, state, state.generator, discriminator, rows, key
        )
        return update(discriminator, game.discriminator_optimizer, objective_fn, axis)

    discriminator, discriminator_metrics = repeat(
        update_discriminator,
        state.discriminator,
        batch,
        discriminator_key,
        game.discriminator_steps,
    )

    def update_generator(generator, rows, key):
        def objective_fn(params):
            opponent = opponent_fn(
                dataclasses.replace(generator, params=params), discriminator, rows, key
            )
            here = (game, axis, state, generator, opponent, rows, key)
            return generator_objective(*here)(params)

        return update(generator, game.generator_optimizer, objective_fn, axis)

    generator, generator_metrics = repeat(
        update_generator, state.generator, batch, generator_key, game.generator_steps
    )
    return Players(generator, discriminator, generator_metrics, discriminator_metrics)
