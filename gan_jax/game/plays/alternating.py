"""Alternating play, the default: first the discriminator's steps, then the generator's."""

import jax

from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.check_batch import Batch
from gan_jax.game.game import Game
from gan_jax.game.state import GANState
from gan_jax.game.update import Update, repeat


def alternating(
    game: Game, axis: BatchAxis, state: GANState, batch: Batch, key: jax.Array
) -> tuple[GANState, dict[str, Update]]:
    """A round of alternating play.

    Near an equilibrium with Jacobian ``[[A, B], [C, D]]`` of the players' vector field (generator
    first) and SGD with rates ``g`` and ``d``, one round is
    ``[[I + gA, gB], [0, I]] @ [[I, 0], [dC, I + dD]]``.

    References:
        Goodfellow et al. 2014, arXiv 1406.2661, algorithm 1;
        Mescheder et al. 2018, arXiv 1801.04406, section 2 (its circles around the Dirac-GAN).
    """
    discriminator_key, generator_key = jax.random.split(key)
    state, judged = repeat(game, axis, state, "discriminator", batch, discriminator_key)
    state, drawn = repeat(game, axis, state, "generator", batch, generator_key)
    return state, {"generator": drawn, "discriminator": judged}
