"""Bounds on the evidence of models with latents: ELBO and IWAE, and the densities that they are made of.

For ``p(x, z) = N(z; 0, 1) p(x | z)`` and an encoder ``q(z | x) = N(z; mean, exp(log variance))``, in nats::

    log w_i = log p(x | z_i) + log N(z_i; 0, 1) - log q(z_i | x),   z_i from q(. | x)
    bound_k = E log (1/k sum_i w_i) <= log p(x)

k = 1 is the ELBO. The bound rises with k to the evidence itself.

References:
    Kingma and Welling 2014, arXiv 1312.6114; Burda et al. 2016, arXiv 1509.00519.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Codes = Float[Array, "*rows code"]
PerRow = Float[Array, "*rows"]
Weights = Float[Array, "samples *rows"]
Posterior = tuple[Codes, Codes]  # mean, log variance


def normal_log_density(values: Codes, mean: Codes, log_variance: Codes) -> PerRow:
    """``log N(values; mean, exp(log_variance))``, summed over the last axis."""
    squared = jnp.square(values - mean) * jnp.exp(-log_variance)
    return -0.5 * jnp.sum(squared + log_variance + jnp.log(2.0 * jnp.pi), axis=-1)


def bernoulli_log_density(binary: Codes, logits: Codes) -> PerRow:
    """``log p(x)`` of 0s and 1s ``[..., D]`` under independent logits, summed over the last axis.

    ``x l - softplus(l)``.
    """
    return jnp.sum(binary * logits - jax.nn.softplus(logits), axis=-1)


def kl_to_standard_normal(mean: Codes, log_variance: Codes) -> PerRow:
    """``KL(N(mean, exp(log_variance)) | N(0, 1))``, summed over the last axis.

    References:
        Kingma and Welling 2014, arXiv 1312.6114, appendix B.
    """
    return 0.5 * jnp.sum(jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance, axis=-1)


def posterior_codes(noise: Codes, posterior: Posterior) -> Codes:
    """``mean + deviation * noise``: codes of standard normal noise of their shape."""
    mean, log_variance = posterior
    return mean + jnp.exp(0.5 * log_variance) * noise


def log_weight(codes: Codes, posterior: Posterior, log_likelihood: PerRow) -> PerRow:
    """``log w = log p(x | z) + log N(z; 0, 1) - log q(z | x)`` of codes drawn from q.

    Args:
        codes: ``[..., Z]``.
        posterior: mean and log variance of q, of that shape.
        log_likelihood: ``log p(x | z)``, ``[...]``.
    """
    zeros = jnp.zeros_like(codes)
    prior = normal_log_density(codes, zeros, zeros)
    return log_likelihood + prior - normal_log_density(codes, *posterior)


def importance_bound(log_weights: Weights) -> PerRow:
    """``log (1/k sum_i w_i)`` over the first axis: one draw of the bound of k samples.

    References:
        Burda et al. 2016, arXiv 1509.00519, equation 8.
    """
    return jax.nn.logsumexp(log_weights, axis=0) - jnp.log(len(log_weights))


def drawn_bound(
    key: jax.Array,
    posterior: Posterior,
    log_likelihood_fn: Callable[[Codes], PerRow],
    num: int,
    *,
    at_once: int = 25,
) -> tuple[PerRow, PerRow]:
    """A draw of the bounds of 1 and of ``num`` samples.

    The bound of 1 is the mean of the log weights, whose noise is less than that of a single one.

    Args:
        key: of the samples.
        posterior: mean and log variance, ``[B, Z]`` each.
        log_likelihood_fn: codes ``[s, B, Z]`` -> ``log p(x | z)``, ``[s, B]``, of s samples of each row.
        num: k, at least 1.
        at_once: samples in memory; it divides k, or k is less.

    Returns:
        ``(elbo [B], bound [B])``.

    Raises:
        ValueError: there is no sample, or k is no multiple.
    """
    at_once = min(at_once, num)
    if num < 1 or num % at_once:
        raise ValueError(f"num must be a multiple of {at_once}, at least 1 sample, got {num}")
    mean, log_variance = (jnp.stack([each] * at_once) for each in posterior)
    elbos, bounds = [], []
    for own_key in jax.random.split(key, num // at_once):
        noise = jax.random.normal(own_key, mean.shape)
        codes = posterior_codes(noise, (mean, log_variance))
        weights = log_weight(codes, (mean, log_variance), log_likelihood_fn(codes))
        elbos.append(weights.mean(0))
        bounds.append(importance_bound(weights))
    return jnp.stack(elbos).mean(0), importance_bound(jnp.stack(bounds))
