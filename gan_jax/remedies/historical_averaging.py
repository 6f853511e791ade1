"""Historical averaging: each parameter is drawn to the mean of its own past."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class HistoryState(NamedTuple):
    """The mean of the parameters over the updates so far, and their number."""

    count: jax.Array
    mean: Any


def historical_averaging(weight: float) -> optax.GradientTransformation:
    """Adds the gradient of ``weight |theta - mean of theta[1..t]|^2`` to that of the loss.

    The first of a chain: ``optax.chain(historical_averaging(1.0), optax.adam(2e-4))``. The mean
    includes the present parameters and is held still: the gradient is ``2 weight (theta - mean)``.

    Args:
        weight: finite, not negative; the paper's is 1.

    Raises:
        ValueError: now, when the weight is negative; while tracing, without parameters.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 3.3.
    """
    if not 0.0 <= weight < float("inf"):
        raise ValueError(f"weight must be a finite number >= 0, got {weight}")

    def init(params):
        return HistoryState(jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params))

    def update(gradients, state, params=None):
        if params is None:
            raise ValueError(
                "historical_averaging needs the parameters: optimizer.update(g, state, params)"
            )
        count = state.count + 1
        mean = jax.tree.map(lambda m, p: m + (p - m) / count, state.mean, params)
        pulled = jax.tree.map(lambda g, p, m: g + 2.0 * weight * (p - m), gradients, params, mean)
        return pulled, HistoryState(count, mean)

    return optax.GradientTransformation(init, update)
