"""The state before the first round."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.context import Memory
from gan_jax.game.check_batch import Batch, check_batch, num_rows, rows_of
from gan_jax.game.game import Game
from gan_jax.game.passes import first_pass
from gan_jax.game.show import augmented, draw_latents, show, turn_of
from gan_jax.game.state import GANState, TrainState, Variables


def init(game: Game, key: jax.Array, batch: Batch) -> GANState:
    """The state before the first round; pure, to be jitted or given to ``jax.eval_shape``.

    Both players are initialised on what the game shows: the generator by the methods that
        ``show_fn`` calls, in
    both players' turns; the discriminator on the real side, so that what is initialised from data
    sees data.

    Args:
        game: the game.
        key: a PRNG key; the same key gives the same state.
        batch: as the step takes it: a dict of trees ``[discriminator_steps, B, ...]``.

    Returns:
        A :class:`GANState` whose buffers are all distinct, so that it can be donated.

    Raises:
        ValueError: the batch does not fit the game.
        TypeError: likewise, for a dtype.
    """
    check_batch(batch, game.discriminator_steps)
    rows, step = rows_of(batch), jnp.zeros((), jnp.int32)
    latents_key, generator_key, discriminator_key = jax.random.split(key, 3)
    memory = {name: _first_value(memory, rows) for name, memory in game.memory.items()}
    latents = draw_latents(game, latents_key, num_rows(rows))

    def turns(generator_fn):
        return [
            show(game, generator_fn, latents, rows, turn_of(step, player, memory))
            for player in ("generator", "discriminator")
        ]

    (_, shown), generator = first_pass(game.generator, generator_key, turns)
    turn = turn_of(step, "discriminator", memory)
    real = augmented(game, latents_key, shown.real, shown.condition, turn)
    args = (real,) if shown.condition is None else (real, shown.condition)
    _, discriminator = first_pass(
        game.discriminator, discriminator_key, lambda judge_fn: judge_fn(*args)
    )
    ema = jax.tree.map(jnp.copy, generator)
    players = (
        _train_state(game, "generator", generator),
        _train_state(game, "discriminator", discriminator),
    )
    return GANState(step, *players, ema, memory)


def shapes_of_samples(game: Game, num: int) -> Batch:
    """The shapes of a batch of ``num`` rows of the default game without a condition.

    Its real samples have the shape of what the generator draws, so no data are needed.
    """
    key = jax.random.key(0)

    def draw():
        latents = draw_latents(game, key, num)
        return first_pass(game.generator, key, lambda generator_fn: generator_fn(latents))[0]

    samples = jax.eval_shape(draw)
    shape = (game.discriminator_steps, *samples.shape)
    return {"real": jax.ShapeDtypeStruct(shape, samples.dtype)}


def _first_value(memory: Memory, rows: Batch) -> Any:
    # of a strong type, as the step gives it back: else the second step would be compiled anew; and
    # each a buffer of its own, which can be donated
    return jax.tree.map(
        lambda leaf: jnp.copy(lax.convert_element_type(leaf, jnp.result_type(leaf))),
        memory.init_fn(rows),
    )


def _train_state(game: Game, player: str, variables: Variables) -> TrainState:
    params = variables.pop("params", {})
    return TrainState(params, variables, game.optimizer(player).init(params))
