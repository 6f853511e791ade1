"""Weight clipping: the discriminator of the original Wasserstein GAN."""

import jax
import jax.numpy as jnp
import optax


def clip_weights(limit: float) -> optax.GradientTransformation:
    """Every parameter back into ``[-limit, limit]`` after each update.

    The last of a chain: ``optax.chain(optax.rmsprop(5e-5), clip_weights(0.01))``.

    Args:
        limit: the paper's c (0.01), positive.

    Raises:
        ValueError: now, when the limit is not positive; while tracing, without parameters.

    References:
        Arjovsky et al. 2017, arXiv 1701.07875, algorithm 1, line 7.
    """
    if not 0.0 < limit < float("inf"):
        raise ValueError(f"limit must be positive and finite, got {limit}")

    def clipped(updates, params):
        if params is None:
            raise ValueError(
                "clip_weights needs the parameters: optimizer.update(g, state, params)"
            )
        return jax.tree.map(lambda u, p: jnp.clip(p + u, -limit, limit) - p, updates, params)

    return optax.stateless(clipped)
