"""The Jacobian of a game's step, and of the vector field behind it: what decides stability.

A fixed point of a step is stable where all eigenvalues of the step's Jacobian lie inside the unit
circle, and of a flow where those of its vector field have negative real parts.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from gan_jax.game.check_batch import Batch
from gan_jax.game.game import Game
from gan_jax.game.plays import simultaneous
from gan_jax.game.state import GANState, TrainState
from gan_jax.game.step import TrainStep, make_train_step


def step_jacobian(
    train_step: TrainStep, state: GANState, batch: Batch, key: jax.Array
) -> jax.Array:
    """``d(parameters after) / d(parameters before)``, generator first, in the order of their trees.

    Args:
        train_step: of any kind of play.
        state: where; optimiser states and variables are held still.
        batch: as for the step.
        key: likewise.

    Returns:
        ``[n, n]`` with n the number of parameters of both players.
    """
    after_fn, flat = _flat_step(train_step, state, batch, key)
    return jax.jacfwd(after_fn)(flat)


def field_jacobian(game: Game, state: GANState, batch: Batch, key: jax.Array) -> jax.Array:
    """The Jacobian of ``v = (-grad of the generator's objective, -grad of the discriminator's)``.

    It is that of a simultaneous step with rate 1, less the identity, whatever the game's optimisers.

    Args:
        game: the game.
        state: where.
        batch: ``real`` ``[1, B, ...]`` and perhaps ``condition``.
        key: of the step.

    Returns:
        ``[n, n]``, generator first.

    References:
        Mescheder et al. 2018, arXiv 1801.04406, section 2 (the vector field and its Jacobian).
    """
    after_fn, flat = _flat_step(*_descent(game, state), batch, key)
    return jax.jacfwd(after_fn)(flat) - jnp.eye(flat.size)


def field_product(
    game: Game, state: GANState, batch: Batch, key: jax.Array
) -> tuple[Callable[[jax.Array], jax.Array], int]:
    """``(tangent [n] -> J @ tangent, n)``: :func:`field_jacobian` J without its n^2 numbers."""
    after_fn, flat = _flat_step(*_descent(game, state), batch, key)
    return jax.jit(lambda t: jax.jvp(after_fn, (flat,), (t,))[1] - t), flat.size


def _flat_step(train_step: TrainStep, state: GANState, batch: Batch, key: jax.Array):
    """The step as a function of one vector of all parameters, and that vector."""
    flat, unravel = ravel_pytree((state.generator.params, state.discriminator.params))

    def after_fn(flat):
        generator, discriminator = unravel(flat)
        here = state.with_params("generator", generator)
        here = here.with_params("discriminator", discriminator)
        there, _ = train_step(here, batch, key)
        return ravel_pytree((there.generator.params, there.discriminator.params))[0]

    return after_fn, flat


def _descent(game: Game, state: GANState) -> tuple[TrainStep, GANState]:
    """Simultaneous gradient descent with rate 1, and the state for it."""
    descent = optax.sgd(1.0)
    plain = dataclasses.replace(
        game,
        generator_optimizer=descent,
        discriminator_optimizer=descent,
        generator_steps=1,
        discriminator_steps=1,
    )

    def with_descent(player: TrainState) -> TrainState:
        return dataclasses.replace(player, opt_state=descent.init(player.params))

    there = dataclasses.replace(
        state,
        generator=with_descent(state.generator),
        discriminator=with_descent(state.discriminator),
    )
    return make_train_step(plain, simultaneous), there
