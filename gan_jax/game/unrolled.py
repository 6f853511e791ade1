"""Unrolled play: the generator steps against the discriminator of some steps from now."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.game.alternating import alternate
from gan_jax.game.game import Game
from gan_jax.game.loops import scan
from gan_jax.game.objectives import discriminator_objective
from gan_jax.game.step import (
    Players,
    ShardFn,
    TrainStep,
    make_play_step,
    unsharded,
    update,
)


def make_unrolled_step(
    game: Game,
    axis_name: str | None = None,
    *,
    unroll_steps: int,
    shard_fn: ShardFn = unsharded,
) -> TrainStep:
    """The step of unrolled play; the result is that of :func:`gan_jax.game.step.make_play_step`.

    A round as in alternating play, but each update of the generator minimises its objective against the
    discriminator after ``unroll_steps`` more updates, on the same rows and latents, and its gradient
    flows through those updates and their optimiser. They are then forgotten.

    Args:
        game: the game.
        axis_name: of a ``pmap`` over devices, or None.
        unroll_steps: k, not negative; 0 is alternating play.
        shard_fn: places what is drawn for the global batch on a mesh.

    Raises:
        ValueError: ``unroll_steps`` is negative, or the discriminator's optimiser has no useful
            derivative (see :func:`check_unrollable`).

    References:
        Metz et al. 2017, arXiv 1611.02163, sections 2.2 (unrolling) and 2.3 (updates).
    """
    if unroll_steps < 0:
        raise ValueError(f"unroll_steps must not be negative, got {unroll_steps}")
    if unroll_steps:
        check_unrollable(game.discriminator_optimizer)
    return make_play_step(
        partial(_play, unroll_steps=unroll_steps), game, axis_name, shard_fn=shard_fn
    )


def check_unrollable(optimizer: optax.GradientTransformation) -> None:
    """Refuses an optimiser whose updates have no finite derivative that is of use.

    Three updates of two numbers are differentiated with respect to the gradients: where those are
    zero, as those of dead units are, and where they are not.

    Raises:
        ValueError: the updates cannot be differentiated, their derivative is not finite, or is zero.
    """

    def moved(gradients):
        params = jnp.array([0.5, -0.5])
        state = optimizer.init(params)
        for scale in (1.0, 0.5, 2.0):
            updates, state = optimizer.update(scale * gradients, state, params)
            params = optax.apply_updates(params, updates)
        return jnp.sum(jnp.square(params))

    try:
        slopes = [
            np.asarray(jax.grad(moved)(gradients))
            for gradients in (jnp.zeros(2), jnp.array([0.3, -0.2]))
        ]
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ValueError(
            f"the discriminator's optimiser cannot be unrolled, its updates have no gradient: {error}"
        ) from error
    if not all(np.isfinite(slope).all() for slope in slopes):
        raise ValueError(
            "the discriminator's optimiser cannot be unrolled: its derivative is not finite where a "
            "gradient is zero; for Adam give optax.adam(..., eps_root=1e-8)"
        )
    if not any(np.abs(slope).max() > 0 for slope in slopes):
        raise ValueError(
            "the discriminator's optimiser cannot be unrolled: its updates do not change with the "
            "gradients (their sign only, or not at all); use SGD, or Adam with eps_root=1e-8"
        )


def _play(game, axis, state, batch, key, *, unroll_steps) -> Players:
    def opponent_fn(generator, discriminator, rows, key):
        def unroll(discriminator, _):
            objective_fn = discriminator_objective(
                game, axis, state, generator, discriminator, rows, key
            )
            return update(discriminator, game.discriminator_optimizer, objective_fn, axis)[0], None

        return scan(unroll, discriminator, length=unroll_steps)[0]

    return alternate(game, axis, state, batch, key, opponent_fn=opponent_fn)
