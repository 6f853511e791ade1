"""Simultaneous play: both players step at once, from one shared forward pass."""

import jax

from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.check_batch import Batch, rows_of
from gan_jax.game.game import Game
from gan_jax.game.state import GANState
from gan_jax.game.update import Update, update


def simultaneous(
    game: Game, axis: BatchAxis, state: GANState, batch: Batch, key: jax.Array
) -> tuple[GANState, dict[str, Update]]:
    """A round of simultaneous play.

    Both gradients are taken at the same parameters, on the same fakes and the same logits. With SGD
    one round is ``w + h v(w)``, v the players' vector field.

    Raises:
        ValueError: a player takes more than one step a round.

    References:
        Mescheder et al. 2017, arXiv 1705.10461, algorithm 1 (simultaneous gradient ascent).
    """
    check_one_step_each(game, "simultaneous")
    moved, judged = update(game, axis, state, "discriminator", rows_of(batch), key)
    after, drawn = update(game, axis, state, "generator", rows_of(batch), key)
    after = after.with_player("discriminator", moved.discriminator)
    return after, {"generator": drawn, "discriminator": judged}


def check_one_step_each(game: Game, play: str) -> None:
    """Refuses a round with more than one step of a player, or with batches of two sizes.

    Raises:
        ValueError: it has.
    """
    if game.generator_batches > 1:
        raise ValueError(
            f"{play} play shows both players one batch, got generator_batches={game.generator_batches}: "
            "use alternating play"
        )
    if (game.discriminator_steps, game.generator_steps) != (1, 1):
        raise ValueError(
            f"{play} play takes one step of each player a round, got "
            f"discriminator_steps={game.discriminator_steps} and "
            f"generator_steps={game.generator_steps}: use two learning rates instead"
        )
