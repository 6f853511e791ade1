"""What draws samples from a trained game."""

from gan_jax.drawing.players import DrawFn, Players, generated, players_of

__all__ = ["DrawFn", "Players", "generated", "players_of"]
