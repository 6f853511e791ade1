"""Alternating play, the default: the discriminator's steps, then the generator's against the new one."""

import jax

from gan_jax.game.game import Game
from gan_jax.game.objectives import discriminator_objective, generator_objective
from gan_jax.game.step import Players, ShardFn, TrainStep, make_play_step, repeat, unsharded, update


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
    return make_play_step(_play, game, axis_name, shard_fn=shard_fn)


def _play(game, axis, state, batch, key) -> Players:
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
        objective_fn = generator_objective(game, axis, state, generator, discriminator, rows, key)
        return update(generator, game.generator_optimizer, objective_fn, axis)

    generator, generator_metrics = repeat(
        update_generator, state.generator, batch, generator_key, game.generator_steps
    )
    return Players(generator, discriminator, generator_metrics, discriminator_metrics)
