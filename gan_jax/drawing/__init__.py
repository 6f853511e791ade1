"""What draws samples from a trained game, and shows them."""

from gan_jax.drawing.players import DrawFn, Players, clipped, generated, players_of
from gan_jax.drawing.sampler import Drawn, Sampler
from gan_jax.drawing.samplers import Samplers

__all__ = [
    "DrawFn",
    "Drawn",
    "Players",
    "Sampler",
    "Samplers",
    "clipped",
    "generated",
    "players_of",
]
