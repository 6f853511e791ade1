"""Simultaneous play: both players step at once, from one shared forward pass."""

from gan_jax.game.game import Game
from gan_jax.game.objectives import discriminator_objective, generator_objective
from gan_jax.game.step import Players, ShardFn, TrainStep, make_play_step, unsharded, update


def make_simultaneous_step(
    game: Game, axis_name: str | None = None, *, shard_fn: ShardFn = unsharded
) -> TrainStep:
    """The step of simultaneous play; arguments and result as in :func:`gan_jax.game.step.make_play_step`.

    Both gradients are taken at the same parameters, on the same fakes and the same logits. With SGD
    one round is ``w + h v(w)``, v the players' vector field.

    Raises:
        ValueError: a player takes more than one step a round.

    References:
        Mescheder et al. 2017, arXiv 1705.10461, algorithm 1 (simultaneous gradient ascent).
    """
    check_one_step_each(game, "simultaneous")
    return make_play_step(_play, game, axis_name, shard_fn=shard_fn)


def check_one_step_each(game: Game, play: str) -> None:
    """Refuses a round with more than one step of a player.

    Raises:
        ValueError: it has.
    """
    if (game.discriminator_steps, game.generator_steps) != (1, 1):
        raise ValueError(
            f"{play} play takes one step of each player a round, got "
            f"discriminator_steps={game.discriminator_steps} and "
            f"generator_steps={game.generator_steps}: use two learning rates instead"
        )


def both(game, axis, state, generator, discriminator, batch, key) -> Players:
    """One update of each player from the same point."""
    rows = {name: leaf[0] for name, leaf in batch.items()}
    here = (game, axis, state, generator, discriminator, rows, key)
    moved_discriminator, discriminator_metrics = update(
        discriminator, game.discriminator_optimizer, discriminator_objective(*here), axis
    )
    moved_generator, generator_metrics = update(
        generator, game.generator_optimizer, generator_objective(*here), axis
    )
    return Players(moved_generator, moved_discriminator, generator_metrics, discriminator_metrics)


def _play(game, axis, state, batch, key) -> Players:
    return both(game, axis, state, state.generator, state.discriminator, batch, key)
