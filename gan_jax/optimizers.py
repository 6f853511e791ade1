"""Optimisers for some layers of a network and not for others."""

from collections.abc import Callable, Collection

import jax
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
