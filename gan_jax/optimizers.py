"""Optimisers for some layers of a network and not for others, and one that remembers an average."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


def slower_layers(
    optimizer_fn: Callable[[float], optax.GradientTransformation],
    learning_rate: float,
    *,
    layers: Collection[str],
    factor: float,
) -> optax.GradientTransformation:
    """One optimiser with two rates: ``factor * learning_rate`` for the named layers, and the whole for the rest.

    For the dense layers that a generator puts before its convolutions: at the rate of the rest a deep stack of them
    turns faster than the rest of the game can follow.

    Args:
        optimizer_fn: learning rate -> optimiser.
        learning_rate: positive.
        layers: first names in the tree of parameters, such as ``Dense_0``.
        factor: of the named layers' rate; not negative.

    Raises:
        ValueError: a number is out of range.

    References:
        Karras et al. 2019, arXiv 1812.04948, appendix C (a hundredth for the mapping network).
    """
    if not learning_rate > 0 or not factor >= 0:
        raise ValueError(
            f"learning_rate must be positive and factor not negative, got {learning_rate} and {factor}"
        )

    def labels(params):
        return {
            name: jax.tree.map(lambda _, name=name: "slow" if name in layers else "rest", tree)
            for name, tree in params.items()
        }

    return optax.multi_transform(
        {"slow": optimizer_fn(factor * learning_rate), "rest": optimizer_fn(learning_rate)}, labels
    )


class Averaged(NamedTuple):
    """The state of an optimiser made by :func:`averaged`.

    Attributes:
        inner: of the optimiser itself.
        average: of the parameters after each update.
        count: of updates.
    """

    inner: Any
    average: Any
    count: jax.Array


def averaged(optimizer: optax.GradientTransformation, rate: float) -> optax.GradientTransformation:
    """The optimiser as it is, which keeps a moving average of the parameters in its state.

    ``average += max(rate, 1 / n) (parameters - average)`` after update n: at first the plain mean, so
    that where the parameters began is forgotten at once. For a discriminator whose average is to be
    measured: ``players.state.discriminator.opt_state.average``. (The generator's EMA is the game's.)

    Args:
        optimizer: whose updates are taken.
        rate: in ``(0, 1]``; the average looks back about ``1 / rate`` updates.

    Raises:
        ValueError: the rate is out of range.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 3.3, and its published program (1e-4, from
        zeros).
    """
    if not 0.0 < rate <= 1.0:
        raise ValueError(f"rate must be in (0, 1], got {rate}")
    inner = optax.with_extra_args_support(optimizer)

    def init_fn(params):
        return Averaged(
            inner.init(params), jax.tree.map(jnp.copy, params), jnp.zeros((), jnp.int32)
        )

    def update_fn(gradients, state, params=None, **extra):
        updates, own = inner.update(gradients, state.inner, params, **extra)
        count = state.count + 1
        share = jnp.maximum(rate, 1.0 / count)
        average = jax.tree.map(
            lambda old, p, u: old + share.astype(p.dtype) * (p + u - old),
            state.average,
            params,
            updates,
        )
        return updates, Averaged(own, average, count)

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)
