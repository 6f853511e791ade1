"""Does a batch fit a game? Asked once, while the step is traced."""

import jax
import jax.numpy as jnp

from gan_jax.game.game import Game
from gan_jax.game.sampling import draw_latents


def check_batch(game: Game, batch: dict[str, jax.Array]) -> None:
    """Refuses a batch that the step would broadcast or reshape into nonsense.

    Raises:
        ValueError: keys, number of axes, leading axis or sample shape are off.
        TypeError: the samples are not floating point.
    """
    if "real" not in batch or not set(batch) <= {"real", "condition"}:
        raise ValueError(
            f"a batch holds 'real' and perhaps 'condition', got {sorted(batch)}: rename the data's "
            "fields on the way in"
        )
    real, condition = batch["real"], batch.get("condition")
    if not jnp.issubdtype(real.dtype, jnp.floating):
        raise TypeError(
            f"real must be floating point, got {real.dtype}: scale pixels to [-1, 1] as "
            "pixels / 127.5 - 1"
        )
    if real.ndim < 3 or len(real) != game.discriminator_steps:
        raise ValueError(
            f"real must be [discriminator_steps={game.discriminator_steps}, B, ...], got "
            f"{real.shape}: for one step a round, real[None]"
        )
    if condition is not None and condition.shape[:2] != real.shape[:2]:
        raise ValueError(
            f"condition {condition.shape} must begin with the axes {real.shape[:2]} of real"
        )
    if condition is not None:
        rows = jax.eval_shape(game.augment_fn, jax.random.key(0), real[0], jnp.int32(0)).shape[0]
        if rows != real.shape[1]:
            raise ValueError(
                f"augment_fn makes {rows} rows of {real.shape[1]}: packing joins samples of different "
                "conditions, and is for players without a condition"
            )
    sample_shape = _sample_shape(game, None if condition is None else condition[0])
    if real.shape[2:] != sample_shape:
        raise ValueError(
            f"the generator draws {sample_shape}, the real samples are {real.shape[2:]}: give the "
            "generator the shape of the data (height, width, channels)"
        )


def _sample_shape(game: Game, condition: jax.Array | None) -> tuple[int, ...]:
    size = 2 if condition is None else len(condition)

    def draw(key, condition):
        latents = draw_latents(game, key, size)
        # the module as it is outside any device axis: initialisation binds none
        return game.generator.init_with_output(key, latents, condition, train=False)[0]

    return jax.eval_shape(draw, jax.random.key(0), condition).shape[1:]
