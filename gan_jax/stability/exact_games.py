"""Games whose stability is known in closed form: the Dirac-GAN and the linear-quadratic GAN.

Both begin at their equilibrium. With ``f'`` and ``f''`` the first and second derivative at 0 of what
the discriminator maximises of a fake's logit (1/2 and -1/4 for the logistic losses, 1 and 0 for
Wasserstein's), their vector fields have these Jacobians, generator first:

- Dirac-GAN: ``[[0, f'], [-f', 0]]``, eigenvalues ``+- i f'``. A penalty of weight gamma that is
  ``gamma psi^2 / 2`` (R1 or R2) puts ``-gamma`` in the lower right corner.
- linear-quadratic GAN with real samples and latents of moments 0, m2, 0, m4: one such block for the
  mean, ``[[0, f'], [-f', 2 f'' m2]]``, and one for the variance,
  ``[[0, 2 m2 f'], [-2 m2 f', 2 f'' m4]]``. R1 puts ``-gamma`` and ``-4 gamma m2`` in their corners.

References:
    Mescheder et al. 2018, arXiv 1801.04406, section 2 and appendix D (Dirac-GAN);
    Nagarajan and Kolter 2017, arXiv 1706.04156 (linear-quadratic GAN).
"""

import jax
import jax.numpy as jnp
import optax

from gan_jax import losses
from gan_jax.game.game import Game
from gan_jax.stability.players import (
    AffineGenerator,
    LinearDiscriminator,
    PointGenerator,
    QuadraticDiscriminator,
)


def dirac_gan(learning_rate: float, **changes) -> Game:
    """The Dirac-GAN in one dimension; its real samples are all 0: ``jnp.zeros((1, B, 1))``.

    Args:
        learning_rate: of both players' gradient descent.
        **changes: other fields of the :class:`Game`.
    """
    return _descending(PointGenerator(), LinearDiscriminator(), learning_rate, changes)


def linear_quadratic_gan(learning_rate: float, points: tuple[float, ...], **changes) -> Game:
    """The linear-quadratic GAN in one dimension.

    Args:
        learning_rate: of both players' gradient descent.
        points: the latents, repeated in this order; a batch of a multiple of their number, whose real
            samples are the same points, has its equilibrium where the game begins.
        **changes: other fields of the :class:`Game`.
    """

    def latent_fn(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return jnp.resize(jnp.array(points), shape[0])[:, None]

    players = AffineGenerator(), QuadraticDiscriminator()
    return _descending(*players, learning_rate, dict(latent_fn=latent_fn) | changes)


def _descending(generator, discriminator, learning_rate, changes) -> Game:
    options = dict(
        generator=generator,
        discriminator=discriminator,
        loss=losses.non_saturating(),
        generator_optimizer=optax.sgd(learning_rate),
        discriminator_optimizer=optax.sgd(learning_rate),
        latent_size=1,
    )
    return Game(**(options | changes))
