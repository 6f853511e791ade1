"""Extragradient play: a look ahead, then a step from here with the gradient seen there."""

import dataclasses

import jax

from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.check_batch import Batch, rows_of
from gan_jax.game.game import Game
from gan_jax.game.plays.simultaneous import check_one_step_each, simultaneous
from gan_jax.game.state import GANState
from gan_jax.game.update import Update, apply_gradient, gradient


def extragradient(
    game: Game, axis: BatchAxis, state: GANState, batch: Batch, key: jax.Array
) -> tuple[GANState, dict[str, Update]]:
    """A round of extragradient play.

    ``w' = w + h v(w)``, then ``w + h v(w')``, both through the optimisers, whose moments see both
    gradients (ExtraAdam). Both halves take the same real rows and draw their own latents. With SGD
    the Jacobian of a round at an equilibrium is ``I + hJ + (hJ)^2``.

    Optimistic play, which saves the second gradient, is an optimiser and needs no play of its own:
    ``optax.optimistic_gradient_descent``, ``optax.optimistic_adam_v2``, with
    :func:`gan_jax.game.plays.simultaneous`.

    Raises:
        ValueError: a player takes more than one step a round.

    References:
        Korpelevich 1976 (extragradient);
        Gidel et al. 2019, arXiv 1802.10551, algorithm 4 (ExtraAdam);
        Daskalakis et al. 2018, arXiv 1711.00141 (optimistic).
    """
    check_one_step_each(game, "extragradient")
    ahead_key, here_key = jax.random.split(key)
    ahead, _ = simultaneous(game, axis, state, batch, ahead_key)
    updates = {}
    for player in ("discriminator", "generator"):
        gradients, beside = gradient(game, axis, ahead, player, rows_of(batch), here_key)
        opt_state = ahead.player(player).opt_state
        here = dataclasses.replace(state.player(player), opt_state=opt_state)
        state, updates[player] = apply_gradient(
            game, state.with_player(player, here), player, gradients, beside
        )
    return state, updates
