"""Kinds of play: in which order, and on what gradients, the two players step in a round.

A kind of play is a function ``(game, axis, state, batch, key) -> (state, player -> Update)``. The
state holds both players as they stand; ``key`` is the round's. One of your own is made of
:func:`gan_jax.game.update.repeat` (a player's steps of a round), :func:`gan_jax.game.update.update`
(one step), and :mod:`gan_jax.game.check_batch`, ``rows_of(batch)``. The generator first::

    def generator_first(game, axis, state, batch, key):
        generator_key, discriminator_key = jax.random.split(key)
        state, drawn = repeat(game, axis, state, "generator", batch, generator_key)
        state, judged = repeat(game, axis, state, "discriminator", batch, discriminator_key)
        return state, {"generator": drawn, "discriminator": judged}

and then ``make_train_step(game, generator_first)``.
"""

from gan_jax.game.plays.alternating import alternating
from gan_jax.game.plays.consensus import consensus
from gan_jax.game.plays.extragradient import extragradient
from gan_jax.game.plays.simultaneous import simultaneous
from gan_jax.game.plays.unrolled import unrolled

__all__ = ["alternating", "consensus", "extragradient", "simultaneous", "unrolled"]
