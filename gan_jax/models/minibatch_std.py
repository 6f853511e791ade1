"""Minibatch standard deviation: the discriminator sees how much the samples of a batch differ."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class MinibatchStd(nn.Module):
    """Appends one feature: the mean over features of their standard deviation over a group.

    For a discriminator's ``statistic_fn``. A group is ``group_size`` neighbouring rows (the paper's program
    takes rows that are ``B / group_size`` apart, which is the same for independent rows, and would take
    them from several devices); the deviation is over the group, its mean over all features, and every
    row of the group gets that number.

    Attributes:
        group_size: G, which divides the batch (or the device's part of it).

    References:
        Karras et al. 2018, arXiv 1710.10196, section 3.
    """

    group_size: int = 4

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """``[B, F] -> [B, F + 1]`` or ``[B, H, W, C] -> [B, H, W, C + 1]``."""
        rows = len(features)
        if self.group_size < 1 or rows % self.group_size:
            raise ValueError(f"group_size {self.group_size} must divide the batch, got {rows} rows")
        groups = features.reshape(rows // self.group_size, self.group_size, -1)
        variance = jnp.square(groups - groups.mean(1, keepdims=True)).mean(1)
        deviation = jnp.sqrt(variance + 1e-8).mean(-1)  # [B / G]; 1e-8: sqrt has no slope at 0
        column = jnp.repeat(deviation, self.group_size).reshape(rows, *[1] * (features.ndim - 1))
        column = jnp.broadcast_to(column, (*features.shape[:-1], 1))
        return jnp.concatenate([features, column.astype(features.dtype)], axis=-1)
