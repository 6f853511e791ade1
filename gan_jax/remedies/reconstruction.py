"""Reconstruction: what was encoded and decoded again must be what it was."""

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Term, Weight


def squared_error(key: jax.Array, context: Context) -> jax.Array:
    """``|x - G(E(x))|^2`` over the size of x, of every row of the batch ``[B]``.

    ``G(E(x))`` is ``extras["reconstruction"]``, as
    :func:`gan_jax.models.autoencoder.reconstructing_pairs` shows it.
    """
    real, made = context.batch["real"], context.extras["reconstruction"]
    return jnp.square(real - made).reshape(len(real), -1).mean(1)


def reconstruction(weight: Weight = 1.0) -> dict[str, Term]:
    """The term for ``Game(generator_terms=reconstruction())``.

    A BiGAN's codes and samples need not fit each other when its game is not at its end. This term
    asks them to.

    Args:
        weight: not negative; a number or a schedule of the round.

    References:
        Li et al. 2017, arXiv 1709.01215, section 3.2 (explicit cycle-consistency).
    """
    return {"reconstruction": Term(squared_error, weight)}
