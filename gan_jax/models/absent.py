"""A discriminator that is not there."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


class Absent(nn.Module):
    """Logits 0 of everything, and no parameters.

    With :func:`gan_jax.losses.none` it makes a game without an adversary: an autoencoder, or the
    control "the same network without the adversarial term".
    """

    @nn.compact
    def __call__(self, samples: Any, condition: Any = None, *, train: bool) -> jax.Array:
        """A tree of rows ``[B, ...]`` to logits ``[B]``."""
        return jnp.zeros(len(jax.tree.leaves(samples)[0]))
