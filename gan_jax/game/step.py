"""The pure step: a round of play, then the memory and the generator's EMA.

Everything drawn in a round comes from ``fold_in(key, state.step)``. The latents are drawn for the
global batch and each device takes its rows, so they do not depend on the number of devices. Under
``axis_name``, dropout, augmentation and the draws of terms are per device. What mode each pass
runs in: :mod:`gan_jax.game.look`.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.context import Memory, Named, Seen
from gan_jax.ema import move_ema
from gan_jax.game.batch_axis import divided, undivided
from gan_jax.game.check_batch import Batch, check_batch, num_rows, rows_of
from gan_jax.game.game import Game
from gan_jax.game.keys import named
from gan_jax.game.objective import Metrics
from gan_jax.game.plays import alternating
from gan_jax.game.state import GANState
from gan_jax.game.update import Play, Update

TrainStep = Callable[[GANState, Batch, jax.Array], tuple[GANState, Metrics]]
ShardFn = Callable[[jax.Array], jax.Array]


def unsharded(rows: jax.Array) -> jax.Array:
    """The rows as they are: one device, or a compiler that is left to place them."""
    return rows


def make_train_step(
    game: Game,
    play: Play = alternating,
    axis_name: str | None = None,
    *,
    shard_fn: ShardFn = unsharded,
) -> TrainStep:
    """The step of a kind of play.

    Args:
        game: the game.
        play: the kind of play, of :mod:`gan_jax.game.plays` or your own.
        axis_name: ``"batch"``, the axis of a ``pmap`` or ``shard_map`` over devices; batch leaves
            are then the device's rows. None is one program for the whole batch.
        shard_fn: applied to what is drawn for the global batch: a sharding constraint when the
            step is jitted on a mesh (without it every device would draw all of it).

    Returns:
        ``train_step(state, batch, key) -> (state, metrics)``, pure and not jitted. ``batch`` is a
        dict of trees ``[discriminator_steps, B, ...]``; the generator's updates take the same rows,
        from the first on. ``key`` is the same at every step. ``metrics`` are float32 scalars named
        ``player/figure``, each the mean over that player's updates of the round.

    Raises:
        ValueError: at trace time, when the batch does not fit the game, or a term or memory its
            contract.
        TypeError: likewise, for a dtype.
    """
    axis = undivided(shard_fn) if axis_name is None else divided(axis_name)

    def train_step(state: GANState, batch: Batch, key: jax.Array) -> tuple[GANState, Metrics]:
        check_batch(batch, game.discriminator_steps)
        round_key = jax.random.fold_in(key, state.step)
        with _statistics_of_the_global_batch(axis_name):
            after, updates = play(game, axis, state, batch, round_key)
        metrics = _named(updates)
        told = Named(metrics, "a memory asks for the metric {name}, the round has {names}")
        seen = Seen(state.step, told, updates["generator"].rows, updates["discriminator"].rows)
        decay = game.ema_decay_fn(state.step, axis.global_size(num_rows(rows_of(batch))))
        after = dataclasses.replace(
            after,
            step=state.step + 1,
            ema=move_ema(state.ema, after.generator.all_variables, decay),
            memory=_remembered(game.memory, state.memory, seen, named(round_key, "memory")),
        )
        return after, {name: value for name, value in metrics.items() if value.ndim == 0}

    return train_step


def _named(updates: Mapping[str, Update]) -> Metrics:
    return {
        f"{player}/{name}": value
        for player in ("discriminator", "generator")
        for name, value in updates[player].metrics.items()
    }


def _remembered(
    memory: Mapping[str, Memory], values: Mapping[str, Any], seen: Seen, key: jax.Array
) -> dict[str, Any]:
    """The values of all memories after a round.

    Raises:
        ValueError: an update changed a shape, a dtype or the structure.
    """
    after = {}
    for name, (_, update_fn) in memory.items():
        old, new = values[name], update_fn(named(key, name), values[name], seen)
        if (layout := _layout(old)) != _layout(new):
            raise ValueError(
                f"the update of memory {name!r} must keep its structure, shapes and dtypes: it was {layout}, and is "
                f"{_layout(new)}"
            )
        after[name] = jax.tree.map(
            lambda leaf: lax.convert_element_type(leaf, jnp.result_type(leaf)), new
        )
    return after


def _layout(tree: Any) -> str:
    """Its structure, with the dtype and shape of each leaf."""
    return str(jax.tree.map(lambda leaf: f"{jnp.result_type(leaf)}{list(jnp.shape(leaf))}", tree))


@contextlib.contextmanager
def _statistics_of_the_global_batch(axis_name: str | None) -> Iterator[None]:
    """On an axis of devices: refuses batch normalisation that would take the statistics of one device."""

    def intercept(next_fn, args, options, context):
        module = context.module
        if isinstance(module, nn.BatchNorm) and context.method_name == "__call__":
            running = options.get("use_running_average", module.use_running_average)
            if module.axis_name is None and not running:
                raise ValueError(
                    f"{'/'.join(module.path)} is a flax BatchNorm without axis_name: on several devices it would take the "
                    "statistics of each by itself. Use gan_jax.models.blocks.BatchNorm, or --parallel jit"
                )
        return next_fn(*args, **options)

    if axis_name is None:
        yield
    else:
        with nn.intercept_methods(intercept):
            yield
