"""Fully connected players, for vectors, scalars and small images.

References:
    Goodfellow et al. 2014, arXiv 1406.2661, section 5.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import Block, Residual, leaky_relu, plain, times
from gan_jax.models.conditioning import join_condition
from gan_jax.models.heads import Head


class MLPGenerator(nn.Module):
    """Latents ``[B, Z]`` to samples ``[B, *sample_shape]`` in the range of ``output_fn``.

    Attributes:
        sample_shape: of one sample, such as ``(2,)`` or ``(28, 28, 1)``.
        widths: the hidden layers.
        output_fn: ``jnp.tanh`` for images; None for unbounded samples.
        norm_fn: such as :class:`gan_jax.models.blocks.BatchNorm`, after every hidden layer.
        residual_blocks: after each hidden layer, of the same width.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    sample_shape: tuple[int, ...]
    widths: tuple[int, ...] = (128, 128)
    output_fn: Callable | None = jnp.tanh
    norm_fn: Callable | None = None
    residual_blocks: int = 0
    activation_fn: Callable = leaky_relu
    kernel_init: Callable = nn.initializers.lecun_normal()
    num_classes: int | None = None
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, Z] -> [B, *sample_shape]``, float32."""
        hidden = join_condition(latents, condition, self.num_classes)
        dense = partial(nn.Dense, kernel_init=self.kernel_init, dtype=self.dtype)
        shared = dict(
            norm_fn=self.norm_fn,
            activation_fn=self.activation_fn,
            dtype=self.dtype,
            remat=self.remat,
        )
        for width in self.widths:
            hidden = Block(dense(width), **shared)(hidden, train=train)
            for _ in times(self.residual_blocks):
                hidden = Residual(dense, **shared)(hidden, train=train)
        samples = dense(math.prod(self.sample_shape))(hidden)
        samples = samples.reshape(-1, *self.sample_shape).astype(jnp.float32)
        return samples if self.output_fn is None else self.output_fn(samples)


class MLPDiscriminator(nn.Module):
    """Samples ``[B, ...]``, flattened, to logits ``[B]``.

    Attributes:
        widths: the hidden layers.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`.
        dropout_rate: after every hidden layer, in ``[0, 1)``.
        residual_blocks: after each hidden layer, of the same width.
        statistic_fn: as in :class:`gan_jax.models.dcgan.DCGANDiscriminator`.
        num_classes: for integer labels as the condition.
        head_fn: the last layer, of :mod:`gan_jax.models.heads`.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    widths: tuple[int, ...] = (128, 128)
    norm_fn: Callable | None = None
    residual_blocks: int = 0
    activation_fn: Callable = leaky_relu
    constrain_fn: Callable = plain
    kernel_init: Callable = nn.initializers.lecun_normal()
    dropout_rate: float = 0.0
    statistic_fn: Callable | None = None
    num_classes: int | None = None
    head_fn: Callable = Head
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, samples: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, ...] -> [B]``, float32."""
        hidden = samples.reshape(len(samples), -1)
        dense = partial(nn.Dense, kernel_init=self.kernel_init, dtype=self.dtype)
        shared = dict(
            constrain_fn=self.constrain_fn,
            norm_fn=self.norm_fn,
            activation_fn=self.activation_fn,
            dtype=self.dtype,
            remat=self.remat,
        )
        for width in self.widths:
            block = Block(dense(width), dropout_rate=self.dropout_rate, **shared)
            hidden = block(hidden, train=train)
            for _ in times(self.residual_blocks):
                hidden = Residual(dense, **shared)(hidden, train=train)
        if self.statistic_fn is not None:
            hidden = self.statistic_fn()(hidden)
        head = self.head_fn(self.num_classes, self.constrain_fn, self.kernel_init, self.dtype)
        return head(hidden, condition, train=train)
