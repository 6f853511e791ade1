"""The game: arrays in :class:`GANState`, everything static in :class:`Game`, and the pure step.

state = init(game, key, batch)                    # batch: {"real": [discriminator_steps, B, ...]}
train_step = jax.jit(make_train_step(game))       # or make_train_step(game, play=unrolled(steps=5))
state, metrics = train_step(state, batch, key)

What a game shows its discriminator, and what terms and memories may look at:
:mod:`gan_jax.context`.
"""

from gan_jax.context import Context, Exhibit, Memory, Rows, Seen, Shown, Term, Turn
from gan_jax.game.game import Game, from_latents
from gan_jax.game.initial import init
from gan_jax.game.plays import alternating, consensus, extragradient, simultaneous, unrolled
from gan_jax.game.show import draw_latents
from gan_jax.game.state import GANState, TrainState
from gan_jax.game.step import make_train_step

__all__ = [
    "Context",
    "Exhibit",
    "GANState",
    "Game",
    "Memory",
    "Rows",
    "Seen",
    "Shown",
    "Term",
    "TrainState",
    "Turn",
    "alternating",
    "consensus",
    "draw_latents",
    "extragradient",
    "from_latents",
    "init",
    "make_train_step",
    "simultaneous",
    "unrolled",
]
