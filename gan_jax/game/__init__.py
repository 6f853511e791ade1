"""The game: arrays in :class:`GANState`, everything static in :class:`Game`, and the pure step.

state = init(game, key)
train_step = jax.jit(make_train_step(game))
state, metrics = train_step(state, {"real": real}, key)     # real: [discriminator_steps, B, ...]

Other kinds of play have steps of the same signature: ``make_simultaneous_step``,
``make_extragradient_step``, ``make_consensus_step``, ``make_unrolled_step``.
"""

from gan_jax.game.alternating import make_train_step
from gan_jax.game.consensus import make_consensus_step
from gan_jax.game.extragradient import make_extragradient_step
from gan_jax.game.game import Game
from gan_jax.game.sampling import draw_latents, generate
from gan_jax.game.simultaneous import make_simultaneous_step
from gan_jax.game.state import GANState, TrainState, init
from gan_jax.game.unrolled import make_unrolled_step

__all__ = [
    "GANState",
    "Game",
    "TrainState",
    "draw_latents",
    "generate",
    "init",
    "make_consensus_step",
    "make_extragradient_step",
    "make_simultaneous_step",
    "make_train_step",
    "make_unrolled_step",
]
