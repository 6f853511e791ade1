"""Consensus optimisation: both players also make the joint gradient smaller."""

import jax
import optax

from gan_jax.game.check_batch import rows_of
from gan_jax.game.plays.simultaneous import check_one_step_each
from gan_jax.game.update import Play, apply_gradient, gradient

PLAYERS = ("generator", "discriminator")


def consensus(*, weight: float) -> Play:
    """Each player steps, simultaneously, on its loss plus ``weight * |v|^2 / 2``.

    v is the gradients of both players side by side. With SGD the Jacobian of a round at an
    equilibrium is ``I + h (J - weight J^T J)``.

    Args:
        weight: the paper's gamma, finite and not negative; 0 is simultaneous play.

    Raises:
        ValueError: now, when the weight is out of range; while tracing, when a player takes more
            than one step a round.

    References:
        Mescheder et al. 2017, arXiv 1705.10461, equation 12 and algorithm 2 (the 1/2 is inside).
    """
    if not 0.0 <= weight < float("inf"):
        raise ValueError(f"weight must be a finite number >= 0, got {weight}")

    def play(game, axis, state, batch, key):
        check_one_step_each(game, "consensus")

        def half_square(params):
            here = state
            for player in PLAYERS:
                here = here.with_params(player, params[player])
            found = {p: gradient(game, axis, here, p, rows_of(batch), key) for p in PLAYERS}
            square = sum(optax.tree.norm(found[p][0], squared=True) for p in PLAYERS)
            return square / 2, found

        params = {player: state.player(player).params for player in PLAYERS}
        pulls, found = jax.grad(half_square, has_aux=True)(params)
        pulls, updates, after = axis.mean(pulls), {}, state
        for player, (gradients, beside) in found.items():
            joint = jax.tree.map(lambda g, p: g + weight * p, gradients, pulls[player])
            after, updates[player] = apply_gradient(game, after, player, joint, beside)
        return after, updates

    return play
