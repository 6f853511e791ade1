"""The frame of a round, which every kind of play fills, and one gradient step of either player.

Everything drawn in a round comes from ``fold_in(key, state.step)``. The latents are drawn for the
global batch and each device takes its rows, so they do not depend on the number of devices. Under
``axis_name``, dropout, augmentation and penalty points are drawn per device. What mode each pass
runs in: :mod:`gan_jax.game.objectives`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax

from gan_jax.game.average import move_average, move_logits_average
from gan_jax.game.batch import check_batch
from gan_jax.game.batch_axis import BatchAxis, divided, undivided
from gan_jax.game.game import Game, bind_axis
from gan_jax.game.objectives import Batch, Metrics, ObjectiveFn
from gan_jax.game.state import GANState, TrainState

TrainStep = Callable[[GANState, Batch, jax.Array], tuple[GANState, Metrics]]
ShardFn = Callable[[jax.Array], jax.Array]


class Players(NamedTuple):
    """Both players after a round, and the metrics of each, means over its updates."""

    generator: TrainState
    discriminator: TrainState
    generator_metrics: Metrics
    discriminator_metrics: Metrics


# (game, axis, state, batch, key of the round) -> players: a kind of play
PlayFn = Callable[[Game, BatchAxis, GANState, Batch, jax.Array], Players]


def unsharded(rows: jax.Array) -> jax.Array:
    """The rows as they are: one device, or a compiler that is left to place them."""
    return rows


def make_play_step(
    play_fn: PlayFn, game: Game, axis_name: str | None = None, *, shard_fn: ShardFn = unsharded
) -> TrainStep:
    """The step of a kind of play: checks, keys, the players, then the moving averages.

    Args:
        play_fn: the kind of play.
        game: the game.
        axis_name: the axis of a ``pmap`` over devices; batch leaves are then the device's rows.
        shard_fn: applied to latents drawn for the global batch: a sharding constraint when the
            step is jitted on a mesh (without it every device would draw all of them).

    Returns:
        ``train_step(state, batch, key) -> (state, metrics)``, pure and not jitted. ``batch`` is a dict
        with ``real`` ``[discriminator_steps, B, ...]`` and, for conditional players, ``condition``;
        the generator's updates take the same rows, from the first on, for the real logits and
        the condition. ``key`` is the same at every step. ``metrics`` are float32 scalars named
        ``player/figure``, each the mean over that player's updates of the round.

    Raises:
        ValueError: at trace time, when the batch does not fit the game.
        TypeError: likewise, for its dtype.
    """
    axis = undivided(shard_fn) if axis_name is None else divided(axis_name)
    game_on_axis = bind_axis(game, axis_name)

    def train_step(state: GANState, batch: Batch, key: jax.Array) -> tuple[GANState, Metrics]:
        check_batch(game, batch)
        round_key = jax.random.fold_in(key, state.step)
        players = play_fn(game_on_axis, axis, state, batch, round_key)
        decay = game.average_decay_fn(state.step, axis.global_size(batch["real"].shape[1]))
        average = move_average(state.average, players.generator.all_variables, decay)
        said = players.discriminator_metrics
        logits_average = move_logits_average(
            state.logits_average, state.step, said["real_logits"], said["fake_logits"]
        )
        metrics = _named("discriminator", said) | _named("generator", players.generator_metrics)
        after = GANState(
            state.step + 1, players.generator, players.discriminator, average, logits_average
        )
        return after, metrics

    return train_step


def gradient(
    player: TrainState, objective_fn: ObjectiveFn, axis: BatchAxis
) -> tuple[Any, Any, Metrics]:
    """Gradients over the global batch, the player's variables after the passes, and metrics."""
    gradients, (variables, metrics) = jax.grad(objective_fn, has_aux=True)(player.params)
    gradients, metrics = axis.mean((gradients, metrics))
    return gradients, variables, metrics


def apply_gradient(
    player: TrainState, optimizer: optax.GradientTransformation, gradients: Any, variables: Any
) -> tuple[TrainState, Metrics]:
    """The player after its optimiser's step.

    Returns:
        The player, with ``variables``; and ``grad_norm``, the global L2 norm of the gradients, and
        ``update_ratio``, that of the updates over that of the parameters.
    """
    updates, opt_state = optimizer.update(gradients, player.opt_state, player.params)
    params = optax.apply_updates(player.params, updates)
    metrics = {
        "grad_norm": optax.tree.norm(gradients),
        "update_ratio": optax.tree.norm(updates) / (optax.tree.norm(player.params) + 1e-12),
    }
    return TrainState(params, variables, opt_state), metrics


def update(
    player: TrainState,
    optimizer: optax.GradientTransformation,
    objective_fn: ObjectiveFn,
    axis: BatchAxis,
) -> tuple[TrainState, Metrics]:
    """One gradient step of either player.

    Args:
        player: its arrays.
        optimizer: its optimiser.
        objective_fn: ``params -> (objective, (variables, metrics))``.
        axis: how the batch is divided; gradients and metrics are averaged over it.

    Returns:
        The player after the step, and the metrics of both halves.
    """
    gradients, variables, metrics = gradient(player, objective_fn, axis)
    player, more = apply_gradient(player, optimizer, gradients, variables)
    return player, metrics | more


def repeat(
    update_fn: Callable[[TrainState, Batch, jax.Array], tuple[TrainState, Metrics]],
    player: TrainState,
    batch: Batch,
    key: jax.Array,
    steps: int,
) -> tuple[TrainState, Metrics]:
    """``steps`` updates in a row; the batch's rounds are taken again when they are fewer."""
    metrics = []
    # A Python loop: in the body of lax.scan, even of length 1, XLA's CPU compiler makes
    # convolutions 40 to 90 times slower.
    for index, update_key in enumerate(jax.random.split(key, steps)):
        rows = jax.tree.map(lambda leaf, i=index: leaf[i % len(leaf)], batch)
        player, update_metrics = update_fn(player, rows, update_key)
        metrics.append(update_metrics)
    return player, jax.tree.map(lambda *values: sum(values) / steps, *metrics)


def _named(player: str, metrics: Metrics) -> Metrics:
    return {f"{player}/{name}": value for name, value in metrics.items()}
