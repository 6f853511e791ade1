"""Feature matching: the generator meets the mean of what the discriminator reads of real samples."""

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Exhibit, Term, Weight


def feature_distance(key: jax.Array, context: Context) -> jax.Array:
    """``|mean f(x) - mean f(G(z))|^2``, with f what the discriminator's last layer reads; a scalar.

    f is all that the discriminator sows as ``features``, as :class:`gan_jax.models.heads.Head`
    does. The means are over the global batch.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 3.1.
    """

    def means(side: Exhibit) -> list[jax.Array]:
        return [context.gather_fn(rows).mean(0) for rows in side.sown["features"]]

    pairs = zip(means(context.real), means(context.fake), strict=True)
    return sum(jnp.sum(jnp.square(real - fake)) for real, fake in pairs)


def feature_matching(weight: Weight = 1.0) -> dict[str, Term]:
    """The term for ``Game(generator_terms=feature_matching())``.

    It is added to the adversarial loss; the paper trains the generator on it alone, which is
    ``loss._replace(generator=losses.none().generator)``.

    Args:
        weight: not negative; a number or a schedule of the round.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 3.1.
    """
    return {"feature_matching": Term(feature_distance, weight)}
