"""Unrolled play: the generator steps against the discriminator of some steps from now."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.game.objective import objective
from gan_jax.game.scan import scan
from gan_jax.game.update import Play, repeat, update


def unrolled(*, steps: int) -> Play:
    """As alternating play, but the generator looks ``steps`` updates of the discriminator ahead.

    Each update of the generator minimises its objective against the discriminator after that many
    more updates, on the same rows and latents, and its gradient flows through those updates and
    their optimiser. They are then forgotten.

    Args:
        steps: k, not negative; 0 is alternating play.

    Raises:
        ValueError: now, when ``steps`` is negative; while tracing, when the discriminator's
            optimiser has no useful derivative (see :func:`check_unrollable`).

    References:
        Metz et al. 2017, arXiv 1611.02163, sections 2.2 (unrolling) and 2.3 (updates).
    """
    if steps < 0:
        raise ValueError(f"steps of unrolling must not be negative, got {steps}")

    def against_the_unrolled(game, axis, state, rows, key, player, params):
        here = state.with_params(player, params)

        def look_ahead(discriminator, _):
            there = here.with_player("discriminator", discriminator)
            return update(game, axis, there, "discriminator", rows, key)[0].discriminator, None

        ahead, _ = scan(look_ahead, here.discriminator, length=steps)
        there = here.with_player("discriminator", ahead)
        return objective(game, axis, there, rows, key, player, params)

    def play(game, axis, state, batch, key):
        if steps:
            check_unrollable(game.discriminator_optimizer)
        discriminator_key, generator_key = jax.random.split(key)
        state, judged = repeat(game, axis, state, "discriminator", batch, discriminator_key)
        state, drawn = repeat(
            game, axis, state, "generator", batch, generator_key, objective_fn=against_the_unrolled
        )
        return state, {"generator": drawn, "discriminator": judged}

    return play


def check_unrollable(optimizer: optax.GradientTransformation) -> None:
    """Refuses an optimiser whose updates have no finite derivative that is of use.

    Three updates of two numbers are differentiated with respect to the gradients: where those are
    zero, as those of dead units are, and where they are not.

    Raises:
        ValueError: the updates cannot be differentiated, their derivative is not finite, or is
            zero.
    """

    def moved(gradients):
        params = jnp.array([0.5, -0.5])
        state = optimizer.init(params)
        for scale in (1.0, 0.5, 2.0):
            updates, state = optimizer.update(scale * gradients, state, params)
            params = optax.apply_updates(params, updates)
        return jnp.sum(jnp.square(params))

    try:
        with jax.ensure_compile_time_eval():  # the step is being traced
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
