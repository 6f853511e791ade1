"""Feature matching: the generator meets the mean of what the discriminator reads of real samples."""

import jax
import jax.numpy as jnp

from gan_jax.losses import GeneratorTerm
from gan_jax.scene import Scene


def feature_distance(key: jax.Array, scene: Scene) -> jax.Array:
    """``|mean f(x) - mean f(G(z))|^2``, with f what the discriminator's last layer reads; a scalar.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 3.1.
    """
    real, fake = scene.features_fn(scene.real), scene.features_fn(scene.fake)
    return jnp.sum(jnp.square(real.mean(0) - fake.mean(0)))


def feature_matching(weight: float = 1.0) -> dict[str, GeneratorTerm]:
    """The term for ``Game(generator_terms={**feature_matching()})``.

    It is added to the adversarial loss; the paper trains the generator on it alone, which is
    ``loss._replace(generator=lambda real_logits, fake_logits: 0.0 * fake_logits)``.

    Args:
        weight: not negative; a number or a schedule of the round.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 3.1.
    """
    return {"feature_matching": GeneratorTerm(feature_distance, weight)}
