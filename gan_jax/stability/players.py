"""Players whose games can be solved by hand; see :mod:`gan_jax.stability.exact_games`."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class PointGenerator(nn.Module):
    """Every sample is the one point ``theta``, the generator's parameter; latents are not looked at.

    References:
        Mescheder et al. 2018, arXiv 1801.04406, definition 2.1 (the Dirac-GAN).
    """

    size: int = 1

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, Z] -> [B, size]``."""
        point = self.param("point", nn.initializers.zeros, (self.size,))
        return jnp.broadcast_to(point[None], (len(latents), self.size))


class AffineGenerator(nn.Module):
    """``A z + b``, begun at ``A = I`` and ``b = 0``."""

    size: int = 1

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, size] -> [B, size]``."""
        shift = self.param("shift", nn.initializers.zeros, (self.size,))
        matrix = self.param("matrix", lambda key, size: jnp.eye(size), self.size)
        return latents @ matrix.T + shift[None]


class LinearDiscriminator(nn.Module):
    """``D(x) = psi . x``, begun at ``psi = 0``.

    References:
        Mescheder et al. 2018, arXiv 1801.04406, definition 2.1 (the Dirac-GAN).
    """

    @nn.compact
    def __call__(
        self, samples: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, d] -> [B]``."""
        slope = self.param("slope", nn.initializers.zeros, samples.shape[1:])
        return samples @ slope


class QuadraticDiscriminator(nn.Module):
    """``D(x) = x . W x + w . x``, begun at ``W = 0`` and ``w = 0``.

    References:
        Nagarajan and Kolter 2017, arXiv 1706.04156 (the linear-quadratic GAN, there without w).
    """

    @nn.compact
    def __call__(
        self, samples: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, d] -> [B]``."""
        size = samples.shape[1]
        slope = self.param("slope", nn.initializers.zeros, (size,))
        form = self.param("form", nn.initializers.zeros, (size, size))
        return samples @ slope + jnp.sum((samples @ form) * samples, axis=-1)
