"""Consistency: what should not matter to the judgement is penalised where it does.

Each is a :class:`gan_jax.penalties.Penalty` (or a :class:`gan_jax.losses.GeneratorTerm`) for a
:class:`gan_jax.game.Game`. The squares hold no 1/2.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.augment import AugmentFn
from gan_jax.losses import GeneratorTerm
from gan_jax.penalties import LogitsFn, Penalty, PerExample, PointsFn, on_fake, on_real
from gan_jax.scene import Scene


class Pair(NamedTuple):
    """Samples and the same samples changed, both ``[B, ...]``."""

    samples: jax.Array
    changed: jax.Array


def disagreement(logits_fn: LogitsFn, pair: Pair) -> PerExample:
    """``(D(x) - D(T(x)))^2`` for each example."""
    return jnp.square(logits_fn(pair.samples) - logits_fn(pair.changed))


def balanced_consistency(
    augment_fn: AugmentFn, *, real_weight: float = 10.0, fake_weight: float = 10.0
) -> dict[str, Penalty]:
    """bCR: ``real_weight (D(x) - D(T(x)))^2 + fake_weight (D(G(z)) - D(T(G(z))))^2``.

    Args:
        augment_fn: T, such as a composition of :mod:`gan_jax.augment`.
        real_weight: the paper's lambda_real, not negative.
        fake_weight: the paper's lambda_fake, not negative; 0 is consistency regularisation (CR).

    Returns:
        Two penalties, for ``Game(penalties={**balanced_consistency(...)})``.

    References:
        Zhao et al. 2020, arXiv 2002.04724, section 2.1 and algorithm 1 (bCR);
        Zhang et al. 2020, arXiv 1910.12027, equation 2 (CR).
    """

    def changed(points_fn: PointsFn) -> PointsFn:
        def pair_fn(key: jax.Array, scene: Scene) -> Pair:
            samples = points_fn(key, scene)
            return Pair(samples, augment_fn(key, samples))

        return pair_fn

    return {
        "real_consistency": Penalty(disagreement, changed(on_real), real_weight),
        "fake_consistency": Penalty(disagreement, changed(on_fake), fake_weight),
    }


def latent_consistency(*, scale: float = 0.05, weight: float = 5.0) -> dict[str, Penalty]:
    """zCR of the discriminator: ``weight (D(G(z)) - D(G(z + scale e)))^2`` with normal e.

    Args:
        scale: of the change of the latents, positive.
        weight: the paper's lambda_dis, not negative.

    References:
        Zhao et al. 2020, arXiv 2002.04724, section 2.2 and algorithm 2 (zCR).
    """
    _check_scale(scale)

    def pair_fn(key: jax.Array, scene: Scene) -> Pair:
        return Pair(scene.fake, scene.generate_fn(_moved(key, scene.latents, scale)))

    return {"latent_consistency": Penalty(disagreement, pair_fn, weight)}


def latent_diversity(*, scale: float = 0.05, weight: float = 0.5) -> dict[str, GeneratorTerm]:
    """zCR of the generator: ``-weight |G(z) - G(z + scale e)|^2``: other latents, other samples.

    The square is summed over all axes of a sample but the first.

    Args:
        scale: of the change of the latents, positive.
        weight: the paper's lambda_gen, not negative.

    References:
        Zhao et al. 2020, arXiv 2002.04724, section 2.2 and algorithm 2 (zCR).
    """
    _check_scale(scale)

    def term_fn(key: jax.Array, scene: Scene) -> PerExample:
        difference = scene.fake - scene.generate_fn(_moved(key, scene.latents, scale))
        return -jnp.sum(jnp.square(difference), axis=tuple(range(1, difference.ndim)))

    return {"latent_diversity": GeneratorTerm(term_fn, weight)}


def _moved(key: jax.Array, latents: jax.Array, scale: float) -> jax.Array:
    return latents + scale * jax.random.normal(key, latents.shape, latents.dtype)


def _check_scale(scale: float) -> None:
    if not 0.0 < scale < float("inf"):
        raise ValueError(f"scale must be positive and finite, got {scale}")
