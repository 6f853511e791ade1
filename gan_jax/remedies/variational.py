"""Variational autoencoders as games: the encoder's bound on the evidence is a term of the generator.

A game whose whole loss is in this term has no adversary::

    Game(
        MLPAutoencoder((28, 28, 1), code_size=50, statistics=2, output_fn=None),
        Absent(),
        loss=losses.none(),
        latent_fn=variational_latents(samples=1),
        show_fn=variational,
        generator_terms=evidence_bound(),
        ...
    )

The batch holds ``binary``, the example in 0s and 1s, beside ``real``.

References:
    Kingma and Welling 2014, arXiv 1312.6114; Burda et al. 2016, arXiv 1509.00519.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Shown, Term, Turn, Weight
from gan_jax.penalties import PerExample
from gan_jax.variational import (
    bernoulli_log_density,
    importance_bound,
    kl_to_standard_normal,
    log_weight,
    posterior_codes,
)


def variational_latents(samples: int = 1) -> Callable[[jax.Array, tuple[int, int]], dict]:
    """A ``latent_fn``: ``prior`` ``[B, Z]``, which samples are decoded from, and ``noise`` ``[B, k, Z]`` of the encoder.

    Args:
        samples: k, codes of an example in an update.

    Raises:
        ValueError: there is none.
    """
    if samples < 1:
        raise ValueError(f"samples must be at least 1 code of an example, got {samples}")

    def latent_fn(key: jax.Array, shape: tuple[int, int]) -> dict[str, jax.Array]:
        prior_key, noise_key = jax.random.split(key)
        noise = jax.random.normal(noise_key, (shape[0], samples, shape[1]))
        return {"prior": jax.random.normal(prior_key, shape), "noise": noise}

    return latent_fn


def variational(
    generator_fn: Callable, latents: Mapping[str, Any], batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """The ``show_fn``: samples of the prior against real ones; and how probable ``binary`` is.

    Its extras are ``log_weights`` ``[B, k]`` and ``kl`` ``[B]``.
    """
    binary = batch["binary"]
    posterior = generator_fn(2.0 * binary - 1.0, method="encode")
    rows, samples, size = latents["noise"].shape
    several = tuple(jnp.repeat(each, samples, axis=0) for each in posterior)
    codes = posterior_codes(latents["noise"].reshape(rows * samples, size), several)
    logits = generator_fn(codes, method="decode")
    truth = jnp.repeat(binary.reshape(rows, -1), samples, axis=0)
    likely = bernoulli_log_density(truth, logits.reshape(truth.shape))
    weights = log_weight(codes, several, likely).reshape(rows, samples)
    made = pixels_of(generator_fn(latents["prior"], method="decode"))
    extras = {"log_weights": weights, "kl": kl_to_standard_normal(*posterior)}
    return Shown(batch["real"], made, extras=extras)


def pixels_of(logits: jax.Array) -> jax.Array:
    """The mean pixels in [-1, 1] of Bernoulli logits: ``2 sigmoid(l) - 1 = tanh(l / 2)``."""
    return jnp.tanh(0.5 * logits)


def negative_bound(key: jax.Array, context: Context) -> tuple[PerExample, dict[str, jax.Array]]:
    """``-log (1/k sum_i w_i)`` of every row ``[B]``, in nats; of one sample the negative ELBO.

    It reports ``kl``, that of the encoder's distribution from the prior.
    """
    weights = context.extras["log_weights"]
    return -importance_bound(weights.T), {"kl": context.extras["kl"].mean()}


def evidence_bound(weight: Weight = 1.0) -> dict[str, Term]:
    """The term for ``Game(generator_terms=evidence_bound())``.

    Args:
        weight: not negative; a number or a schedule of the round.

    References:
        Burda et al. 2016, arXiv 1509.00519, equation 8.
    """
    return {"evidence_bound": Term(negative_bound, weight)}
