"""D2D-CE, the loss of ReACGAN: samples near the proxy of their label, and away from those of other labels.

For a discriminator with a :class:`gan_jax.models.heads.ProxyHead`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gan_jax.context import Context, Exhibit, Term, Weight
from gan_jax.penalties import PerExample

Points = Float[Array, "batch size"]


def data_to_data(
    embedding: Points,
    proxy: Points,
    labels: Int[Array, " batch"],
    *,
    temperature: float = 0.5,
    proxy_margin: float = 0.98,
    sample_margin: float = 0.02,
) -> PerExample:
    """``-log(exp(a_i) / (exp(a_i) + sum_j exp(r_ij)))`` over the j of other labels than that of i.

    ``a_i = min(f_i . v_i - proxy_margin, 0) / temperature`` draws sample i to its label's proxy and
    lets go of it once it is near; ``r_ij = max(f_i . f_j - sample_margin, 0) / temperature`` keeps
    samples of other labels away and lets go of them once they are far.

    Args:
        embedding: f, of length 1, ``[B, F]``.
        proxy: v, of the labels, of length 1, ``[B, F]``.
        labels: ``[B]``.
        temperature: positive.
        proxy_margin: m_p, in ``[-1, 1]``.
        sample_margin: m_n, in ``[-1, 1]``.

    Returns:
        ``[B]``, not negative.

    Raises:
        ValueError: a number is out of range.

    References:
        Kang et al. 2021, arXiv 2111.01118, equation 9 (the published program takes
        ``m_n = 1 - m_p``).
    """
    _check(temperature, proxy_margin, sample_margin)
    nearness = jnp.minimum(jnp.sum(embedding * proxy, axis=-1) - proxy_margin, 0.0) / temperature
    likeness = jnp.maximum(embedding @ embedding.T - sample_margin, 0.0) / temperature
    others = jnp.where(labels[:, None] != labels[None], likeness, -jnp.inf)
    all_of_them = jnp.concatenate([nearness[:, None], others], axis=1)
    return jax.nn.logsumexp(all_of_them, axis=1) - nearness


def real_data_to_data(weight: Weight = 0.5, **options: float) -> dict[str, Term]:
    """:func:`data_to_data` of the real samples, for the discriminator; over the global batch.

    Args:
        weight: not negative; a number or a schedule of the round; 0.5 is the published CIFAR-10's.
        **options: of :func:`data_to_data`.

    References:
        Kang et al. 2021, arXiv 2111.01118, algorithm 1.
    """
    return {"real_data_to_data": Term(_of(lambda context: context.real, options), weight)}


def fake_data_to_data(weight: Weight = 0.5, **options: float) -> dict[str, Term]:
    """:func:`data_to_data` of the fakes, for the generator; over the global batch.

    Args:
        weight: not negative; a number or a schedule of the round; 0.5 is the published CIFAR-10's.
        **options: of :func:`data_to_data`.

    References:
        Kang et al. 2021, arXiv 2111.01118, algorithm 1.
    """
    return {"fake_data_to_data": Term(_of(lambda context: context.fake, options), weight)}


def _of(side_fn: Callable[[Context], Exhibit], options: dict[str, float]) -> Callable:
    _check(**{"temperature": 0.5, "proxy_margin": 0.98, "sample_margin": 0.02, **options})

    def term_fn(key: jax.Array, context: Context) -> PerExample:
        side = side_fn(context)
        rows = side.sown["embedding"][0], side.sown["proxy"][0], side.condition
        return data_to_data(*map(context.gather_fn, rows), **options)

    return term_fn


def _check(temperature: float, proxy_margin: float, sample_margin: float) -> None:
    if not temperature > 0 or abs(proxy_margin) > 1 or abs(sample_margin) > 1:
        raise ValueError(
            "temperature must be positive and both margins in [-1, 1], got temperature="
            f"{temperature}, proxy_margin={proxy_margin} and sample_margin={sample_margin}"
        )
