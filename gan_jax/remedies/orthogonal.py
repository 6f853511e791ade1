"""Modified orthogonal regularisation: the filters of a layer are kept from pointing the same way."""

from collections.abc import Collection
from typing import Any

import jax
import jax.numpy as jnp
import optax


def orthogonal_distance(weights: jax.Array) -> jax.Array:
    """``|W^T W * (1 - I)|^2``, the Frobenius norm: products of different filters, whatever their lengths.

    Args:
        weights: W, a kernel ``[..., features]``, whose last axis counts the filters.

    References:
        Brock et al. 2019, arXiv 1809.11096, equation 3.
    """
    filters = weights.reshape(-1, weights.shape[-1])
    products = filters.T @ filters
    return jnp.sum(jnp.square(products * (1.0 - jnp.eye(len(products), dtype=products.dtype))))


def orthogonal(
    weight: float = 1e-4, *, without: Collection[str] = ("shared",)
) -> optax.GradientTransformation:
    """Adds the gradient of ``weight * orthogonal_distance(W)`` of every kernel to that of the loss.

    The first of a chain: ``optax.chain(orthogonal(1e-4), optax.adam(2e-4))``, of the generator. The
    published program's gradient is half as large: its 1e-4 is 5e-5 here.

    Args:
        weight: the paper's beta, finite, not negative.
        without: names in the tree of parameters whose kernels are left alone: the embedding that the
            layers share.

    Raises:
        ValueError: now, when the weight is negative; while tracing, without parameters.

    References:
        Brock et al. 2019, arXiv 1809.11096, section 3.1 and equation 3.
    """
    if not 0.0 <= weight < float("inf"):
        raise ValueError(f"weight must be a finite number >= 0, got {weight}")

    def pulled(path: tuple, gradient: jax.Array, parameter: jax.Array) -> jax.Array:
        names = {getattr(entry, "key", None) for entry in path}
        if parameter.ndim < 2 or names & set(without):
            return gradient
        return gradient + weight * jax.grad(orthogonal_distance)(parameter)

    def update(gradients: Any, params: Any) -> Any:
        if params is None:
            raise ValueError("orthogonal needs the parameters: optimizer.update(g, state, params)")
        return jax.tree_util.tree_map_with_path(pulled, gradients, params)

    return optax.stateless(update)
