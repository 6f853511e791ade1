"""The pure training step: one round of alternating play.

Everything drawn in a round comes from ``fold_in(key, state.step)``. The latents are drawn for the
global batch and each device takes its rows, so they do not depend on the number of devices. Under
``axis_name``, dropout, augmentation and penalty points are drawn per device. What mode each pass
runs in: :mod:`gan_jax.game.objectives`.
"""

from collections.abc import Callable

import jax
import optax

from gan_jax.game.average import move_average
from gan_jax.game.batch import check_batch
from gan_jax.game.batch_axis import BatchAxis, divided, undivided
from gan_jax.game.game import Game, bind_axis
from gan_jax.game.objectives import (
    Batch,
    Metrics,
    ObjectiveFn,
    discriminator_objective,
    generator_objective,
)
from gan_jax.game.state import GANState, TrainState

TrainStep = Callable[[GANState, Batch, jax.Array], tuple[GANState, Metrics]]


def make_train_step(
    game: Game,
    axis_name: str | None = None,
    *,
    shard_fn: Callable[[jax.Array], jax.Array] = lambda rows: rows,
) -> TrainStep:
    """The step of a game, as a pure function that is not jitted.

    Args:
        game: the game.
        axis_name: the axis of a ``pmap`` over devices; batch leaves are then the device's rows.
        shard_fn: applied to latents drawn for the global batch: a sharding constraint when the
            step is jitted on a mesh (without it every device would draw all of them).

    Returns:
        ``train_step(state, batch, key) -> (state, metrics)``. ``batch`` is a dict with ``real``
        ``[discriminator_steps, B, ...]`` and, for conditional players, ``condition``; the
        generator's updates take the same rows, from the first on, for the real logits and the
        condition. ``key`` is the same at every step. ``metrics`` are float32 scalars named
        ``player/figure``, each the mean over that player's updates of the round.

    Raises:
        ValueError: at trace time, when the batch does not fit the game.
        TypeError: likewise, for its dtype.
    """
    axis = undivided(shard_fn) if axis_name is None else divided(axis_name)
    game_on_axis = bind_axis(game, axis_name)

    def train_step(state: GANState, batch: Batch, key: jax.Array) -> tuple[GANState, Metrics]:
        check_batch(game, batch)
        keys = jax.random.split(jax.random.fold_in(key, state.step))

        def update_discriminator(discriminator, rows, key):
            objective_fn = discriminator_objective(
                game_on_axis, axis, state, discriminator, rows, key
            )
            return update(discriminator, game.discriminator_optimizer, objective_fn, axis)

        def update_generator(generator, rows, key):
            objective_fn = generator_objective(
                game_on_axis, axis, state, generator, discriminator, rows, key
            )
            return update(generator, game.generator_optimizer, objective_fn, axis)

        discriminator, discriminator_metrics = _repeat(
            update_discriminator, state.discriminator, batch, keys[0], game.discriminator_steps
        )
        generator, generator_metrics = _repeat(
            update_generator, state.generator, batch, keys[1], game.generator_steps
        )
        decay = game.average_decay_fn(state.step, axis.global_size(batch["real"].shape[1]))
        average = move_average(state.average, generator.all_variables, decay)
        metrics = _named("discriminator", discriminator_metrics)
        metrics |= _named("generator", generator_metrics)
        return GANState(state.step + 1, generator, discriminator, average), metrics

    return train_step


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
        The player after the step, and the metrics with ``grad_norm`` (global L2 norm) added.
    """
    gradients, (variables, metrics) = jax.grad(objective_fn, has_aux=True)(player.params)
    gradients, metrics = axis.mean((gradients, metrics))
    updates, opt_state = optimizer.update(gradients, player.opt_state, player.params)
    params = optax.apply_updates(player.params, updates)
    metrics["grad_norm"] = optax.tree.norm(gradients)
    return TrainState(params, variables, opt_state), metrics


def _repeat(update_fn, player: TrainState, batch: Batch, key: jax.Array, steps: int):
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
