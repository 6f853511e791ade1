"""How a label enters a network: beside the latents, or through batch normalisation.

The discriminator's side of it is :mod:`gan_jax.models.heads`.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.models.blocks import BatchNorm, plain


def check_labels(condition: jax.Array | None, num_classes: int | None) -> None:
    """Refuses labels that a model does not expect, and their absence where it does.

    Their values are looked at where they are known: not within a compiled function.

    Raises:
        ValueError: there are labels and no classes, or the reverse; they are not ``[B]``; or they
            are out of range.
        TypeError: they are no integers.
    """
    if (condition is None) != (num_classes is None):
        given = "no condition" if condition is None else f"a condition {condition.shape}"
        raise ValueError(
            f"the model has num_classes={num_classes} and was given {given}: set num_classes to the "
            "number of labels and pass labels [B], or neither"
        )
    if condition is None:
        return
    if not jnp.issubdtype(condition.dtype, jnp.integer):
        raise TypeError(f"condition must be integer labels [B], got {condition.dtype}")
    if condition.ndim != 1:
        raise ValueError(
            f"condition must be labels [B], got {condition.shape}: of one-hot rows take argmax(-1)"
        )
    if not isinstance(condition, jax.core.Tracer):
        check_range(condition, num_classes)


def check_range(labels: jax.Array, num_classes: int) -> None:
    """Refuses labels that are no classes: within a compiled function they would pass for others.

    Raises:
        ValueError: a label is negative, or ``num_classes`` or more.
    """
    values = np.asarray(labels)  # jnp would trace within a transformation
    lowest, highest = values.min(), values.max()
    if lowest < 0 or highest >= num_classes:
        raise ValueError(
            f"labels must be in 0 to {num_classes - 1}, as num_classes={num_classes} says, got "
            f"{lowest} to {highest}"
        )


def join_condition(
    latents: jax.Array, condition: jax.Array | None, num_classes: int | None
) -> jax.Array:
    """The generator's input: ``[B, Z]``, with a one-hot label ``[B, Z + num_classes]``.

    References:
        Mirza and Osindero 2014, arXiv 1411.1784, section 3.2.
    """
    check_labels(condition, num_classes)
    if condition is None:
        return latents
    one_hot = jax.nn.one_hot(condition, num_classes, dtype=latents.dtype)
    return jnp.concatenate([latents, one_hot], axis=-1)


class LabelBatchNorm(nn.Module):
    """Batch normalisation with a gain and a bias for each class: ``gain[y] * norm(h) + bias[y]``.

    Gains begin at 1 and biases at 0.

    Attributes:
        num_classes: of the labels.
        dtype: of the computation.
        epsilon: added to the variance.

    References:
        de Vries et al. 2017, arXiv 1707.00683, section 2.2;
        Miyato and Koyama 2018, arXiv 1802.05637, section 5 (in a generator).
    """

    num_classes: int
    dtype: Any = None
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, inputs: jax.Array, labels: jax.Array, *, train: bool) -> jax.Array:
        """``[B, ..., C]`` and labels ``[B]`` to ``[B, ..., C]``."""
        check_labels(labels, self.num_classes)
        norm = BatchNorm(self.dtype, self.epsilon, affine=False)
        shape = (self.num_classes, inputs.shape[-1])
        gain = nn.Embed(*shape, embedding_init=nn.initializers.ones, dtype=self.dtype, name="gain")
        bias = nn.Embed(*shape, embedding_init=nn.initializers.zeros, dtype=self.dtype, name="bias")
        return _affine(norm(inputs, train=train), gain(labels), bias(labels))


class VectorBatchNorm(nn.Module):
    """Batch normalisation whose gain and bias a vector decides: ``(1 + A v) * norm(h) + B v``.

    Attributes:
        constrain_fn: of A and B; ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`.
        kernel_init: of A and B.
        dtype: of the computation.
        epsilon: added to the variance.

    References:
        Brock et al. 2019, arXiv 1809.11096, section 3 and appendix B.
    """

    constrain_fn: Callable = plain
    kernel_init: Callable = nn.initializers.orthogonal()
    dtype: Any = None
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, inputs: jax.Array, vectors: jax.Array, *, train: bool) -> jax.Array:
        """``[B, ..., C]`` and ``[B, F]`` to ``[B, ..., C]``."""

        def from_vectors(name: str) -> jax.Array:
            options = dict(use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype)
            dense = nn.Dense(inputs.shape[-1], name=name, **options)
            return self.constrain_fn(dense)(vectors, train=train)

        normalized = BatchNorm(self.dtype, self.epsilon, affine=False)(inputs, train=train)
        return _affine(normalized, 1.0 + from_vectors("gain"), from_vectors("bias"))


def _affine(inputs: jax.Array, gain: jax.Array, bias: jax.Array) -> jax.Array:
    """``[B, ..., C]`` with a gain and a bias ``[B, C]``."""
    shape = (len(inputs), *[1] * (inputs.ndim - 2), inputs.shape[-1])
    return inputs * gain.reshape(shape) + bias.reshape(shape)
