"""A Gaussian model of how a sequence goes on, as a loss on generated sequences.

``p(x_t | x_{t-1}) = N(intercept + slope x_{t-1}, scale^2)``, fitted to real sequences in closed form.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Sequences = Float[Array, "batch time"]


class GaussianTransition(NamedTuple):
    """``p(x_t | x_{t-1}) = N(intercept + slope x_{t-1}, scale^2)``.

    Attributes:
        intercept: a number.
        slope: a number.
        scale: the standard deviation, positive.
    """

    intercept: jax.Array
    slope: jax.Array
    scale: jax.Array


def fit_transition(sequences: Sequences) -> GaussianTransition:
    """The maximum-likelihood transition of real sequences, over all pairs of neighbours.

    ``slope = cov(x_{t-1}, x_t) / var(x_{t-1})``, ``intercept = mean(x_t) - slope mean(x_{t-1})``, and
    ``scale`` the root of the mean squared residual (over N, not N - 1).

    Args:
        sequences: ``[N, T]`` with T >= 2.

    Raises:
        ValueError: no pairs of neighbours, or sequences that do not vary.
    """
    sequences = jnp.asarray(sequences, jnp.float32)
    if sequences.ndim != 2 or sequences.shape[1] < 2:
        raise ValueError(f"sequences must be [N, T] with T >= 2, got {sequences.shape}")
    before, after = sequences[:, :-1], sequences[:, 1:]
    variance = jnp.var(before)
    if not variance > 0.0:
        raise ValueError("the sequences are constant: a transition needs values that vary")
    slope = jnp.mean((before - before.mean()) * (after - after.mean())) / variance
    intercept = after.mean() - slope * before.mean()
    scale = jnp.sqrt(jnp.mean(jnp.square(after - intercept - slope * before)))
    return GaussianTransition(intercept, slope, scale)


def transition_nll(transition: GaussianTransition, sequences: Sequences) -> Float[Array, " batch"]:
    """``-1/(T-1) sum_t log p(x_t | x_{t-1})`` for each sequence, in nats.

    The mean over time, so the weight does not depend on T. Least where every residual is 0 and not
    where the sequences are as noisy as the real ones (there it is ``log(scale) + log(2 pi e) / 2``):
    beside an adversarial loss it needs a small weight.

    Args:
        transition: as :func:`fit_transition` gives it.
        sequences: ``[B, T]`` with T >= 2.

    Returns:
        ``[B]``.
    """
    mean = transition.intercept + transition.slope * sequences[:, :-1]
    residual = (sequences[:, 1:] - mean) / transition.scale
    constant = jnp.log(transition.scale) + 0.5 * jnp.log(2.0 * jnp.pi)
    return jnp.mean(0.5 * jnp.square(residual), axis=1) + constant
