"""One gradient step of either player: what every kind of play is made of."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gan_jax.context import Rows
from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.check_batch import Batch, rows_of
from gan_jax.game.game import Game
from gan_jax.game.objective import Beside, Metrics, objective
from gan_jax.game.state import GANState

# of the signature of gan_jax.game.objective.objective
Objective = Callable[
    [Game, BatchAxis, GANState, Batch, jax.Array, str, Any], tuple[jax.Array, Beside]
]


class Update(NamedTuple):
    """What one or more updates of a player have to tell.

    Attributes:
        metrics: means over the updates.
        rows: what the last one looked at, for the global batch; None in a game without memory.
    """

    metrics: Metrics
    rows: Rows | None


# (game, axis, state, batch of a round, key) -> (state with both players moved, player -> what it did)
Play = Callable[
    [Game, BatchAxis, GANState, Batch, jax.Array], tuple[GANState, Mapping[str, Update]]
]


def gradient(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    player: str,
    rows: Batch,
    key: jax.Array,
    *,
    objective_fn: Objective = objective,
) -> tuple[Any, Beside]:
    """A player's gradients over the global batch, and what its objective gives beside.

    Args:
        game: the game.
        axis: how the batch is divided; gradients and metrics are averaged over it.
        state: both players as they stand.
        player: ``"generator"`` or ``"discriminator"``.
        rows: a tree of rows ``[B, ...]``.
        key: of this update.
        objective_fn: what is minimised: :func:`gan_jax.game.objective.objective`, or a function of
            its signature.
    """
    of_params = partial(objective_fn, game, axis, state, rows, key, player)
    gradients, beside = jax.grad(of_params, has_aux=True)(state.player(player).params)
    gradients, metrics = axis.mean((gradients, beside.metrics))
    variables = jax.tree.map(partial(_of_all_devices, axis), beside.variables)
    return gradients, Beside(variables, metrics, axis.gather(beside.rows))


def _of_all_devices(axis: BatchAxis, variable: jax.Array) -> jax.Array:
    """What a module of its own writes of the rows that it sees would differ from device to device."""
    floating = jnp.issubdtype(variable.dtype, jnp.floating)
    return axis.mean(variable) if floating else variable


def apply_gradient(
    game: Game, state: GANState, player: str, gradients: Any, beside: Beside
) -> tuple[GANState, Update]:
    """The state after a step of the player's optimiser.

    Its metrics are those of the objective and ``grad_norm``, the global L2 norm of the gradients,
    and ``update_ratio``, that of the updates over that of the parameters.
    """
    before = state.player(player)
    updates, opt_state = game.optimizer(player).update(gradients, before.opt_state, before.params)
    params = optax.apply_updates(before.params, updates)
    after = dataclasses.replace(
        before, params=params, variables=dict(beside.variables), opt_state=opt_state
    )
    metrics = {
        "grad_norm": optax.tree.norm(gradients),
        "update_ratio": optax.tree.norm(updates) / (optax.tree.norm(before.params) + 1e-12),
    }
    return state.with_player(player, after), Update({**beside.metrics, **metrics}, beside.rows)


def update(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    player: str,
    rows: Batch,
    key: jax.Array,
    *,
    objective_fn: Objective = objective,
) -> tuple[GANState, Update]:
    """One gradient step of either player; arguments as of :func:`gradient`."""
    gradients, beside = gradient(game, axis, state, player, rows, key, objective_fn=objective_fn)
    return apply_gradient(game, state, player, gradients, beside)


def repeat(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    player: str,
    batch: Batch,
    key: jax.Array,
    *,
    objective_fn: Objective = objective,
) -> tuple[GANState, Update]:
    """A player's updates of a round, one after the other; arguments as of :func:`gradient`.

    The batch is the round's: ``[discriminator_steps, B, ...]``. The generator's updates take the
    same rows, from the first on, ``generator_batches`` of them at once.
    """
    steps, updates = game.steps(player), []
    # A Python loop: in the body of lax.scan, even of length 1, XLA's CPU compiler makes
    # convolutions 40 to 90 times slower.
    for index, update_key in enumerate(jax.random.split(key, steps)):
        state, done = update(
            game,
            axis,
            state,
            player,
            rows_of(batch, index, batches=game.batches(player)),
            update_key,
            objective_fn=objective_fn,
        )
        updates.append(done)
    metrics = jax.tree.map(lambda *values: sum(values) / steps, *[u.metrics for u in updates])
    return state, Update(metrics, updates[-1].rows)
