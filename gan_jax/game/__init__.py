"""The game: arrays in :class:`GANState`, everything static in :class:`Game`, and the pure step.

state = init(game, key)
train_step = jax.jit(make_train_step(game))
state, metrics = train_step(state, {"real": real}, key)     # real: [discriminator_steps, B, ...]
"""

from gan_jax.game.game import Game
from gan_jax.game.sampling import draw_latents, generate
from gan_jax.game.state import GANState, TrainState, init
from gan_jax.game.step import make_train_step

__all__ = [
    "GANState",
    "Game",
    "TrainState",
    "draw_latents",
    "generate",
    "init",
    "make_train_step",
]
