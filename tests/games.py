"""Small games that several test files share."""

import flax.linen as nn
import optax

from gan_jax import losses, penalties
from gan_jax.game import Game, Term
from gan_jax.models.blocks import BatchNorm, spectral
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator


def vector_game(**changes) -> Game:
    """Two small fully connected players on points of the plane; compiles in a second."""
    options = dict(
        generator=MLPGenerator((2,), (8,), output_fn=None),
        discriminator=MLPDiscriminator((8,)),
        loss=losses.non_saturating(),
        generator_optimizer=optax.adam(1e-2),
        discriminator_optimizer=optax.adam(1e-2),
        latent_size=3,
    )
    return Game(**(options | changes))


def image_game(**changes) -> Game:
    """A convolutional game with everything that couples examples or keeps state; SGD hides nothing."""
    # Activations of variance 1: batch norm of small ones multiplies rounding errors by hundreds.
    kernel_init = nn.initializers.lecun_normal()
    options = dict(
        generator=DCGANGenerator((8, 8, 1), (8, 4), kernel_size=4, kernel_init=kernel_init),
        discriminator=DCGANDiscriminator(
            (4, 8),
            kernel_size=4,
            norm_fn=BatchNorm,
            constrain_fn=spectral,
            kernel_init=kernel_init,
        ),
        loss=losses.relativistic_average(),
        generator_optimizer=optax.sgd(0.02),
        discriminator_optimizer=optax.sgd(0.02),
        latent_size=5,
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 0.1),
            "r2": Term(penalties.gradient_penalty(penalties.r2, penalties.on_fake), 0.1),
        },
        discriminator_steps=2,
    )
    return Game(**(options | changes))
