"""Drift: logits of real samples are held near 0, where a loss does not say where they are."""

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Term, Weight
from gan_jax.penalties import PerExample
from gan_jax.remedies.consistency import per_example


def real_logits_square(key: jax.Array, context: Context) -> PerExample:
    """``D(x)^2`` of the real samples: of patches the mean, of several judges the sum."""
    return per_example(jnp.square, context.real.logits)


def drift(weight: Weight = 1e-3) -> dict[str, Term]:
    """``weight D(x)^2``: ``Game(loss=losses.wasserstein(), discriminator_terms=drift())``.

    Wasserstein's loss is that of all logits shifted by one number, which nothing else holds.

    Args:
        weight: the paper's epsilon_drift, not negative; a number or a schedule of the round.

    References:
        Karras et al. 2018, arXiv 1710.10196, appendix A.1.
    """
    return {"drift": Term(real_logits_square, weight)}
