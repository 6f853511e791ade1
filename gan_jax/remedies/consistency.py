"""Consistency: what should not matter to the judgement is penalised where it does.

Each is a dict of terms for a :class:`gan_jax.game.Game`. The squares hold no 1/2. Of patches the
mean is taken, of several judges the sum.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.augment import AugmentFn
from gan_jax.context import Context, Exhibit, Term, Tree
from gan_jax.penalties import PerExample


def per_example(fn: Callable[..., jax.Array], *logits: Any) -> PerExample:
    """``fn`` of each judge's logits: the mean over its patches, the sum over the judges; ``[B]``."""
    values = map(fn, *(jax.tree.leaves(tree) for tree in logits))
    return sum(value.reshape(len(value), -1).mean(1) for value in values)


def disagreement(side: Exhibit, changed: Tree) -> PerExample:
    """``(D(x) - D(T(x)))^2`` for each example of a side."""
    return per_example(lambda a, b: jnp.square(a - b), side.logits, side.logits_fn(changed))


def balanced_consistency(
    augment_fn: AugmentFn, *, real_weight: float = 10.0, fake_weight: float = 10.0
) -> dict[str, Term]:
    """bCR: ``real_weight (D(x) - D(T(x)))^2 + fake_weight (D(G(z)) - D(T(G(z))))^2``.

    Args:
        augment_fn: T, such as a composition of :mod:`gan_jax.augment`.
        real_weight: the paper's lambda_real, not negative.
        fake_weight: the paper's lambda_fake, not negative; 0 is consistency regularisation (CR).

    Returns:
        Two terms, for ``Game(discriminator_terms=balanced_consistency(...))``.

    References:
        Zhao et al. 2020, arXiv 2002.04724, section 2.1 and algorithm 1 (bCR);
        Zhang et al. 2020, arXiv 1910.12027, equation 2 (CR).
    """

    def on_real(key: jax.Array, context: Context) -> PerExample:
        return disagreement(context.real, augment_fn(key, context.real.samples))

    def on_fake(key: jax.Array, context: Context) -> PerExample:
        return disagreement(context.fake, augment_fn(key, context.fake.samples))

    return {
        "real_consistency": Term(on_real, real_weight),
        "fake_consistency": Term(on_fake, fake_weight),
    }


def latent_consistency(*, scale: float = 0.05, weight: float = 5.0) -> dict[str, Term]:
    """zCR of the discriminator: ``weight (D(G(z)) - D(G(z + scale e)))^2`` with normal e.

    Args:
        scale: of the change of the latents, positive.
        weight: the paper's lambda_dis, not negative.

    References:
        Zhao et al. 2020, arXiv 2002.04724, section 2.2 and algorithm 2 (zCR).
    """
    _check_scale(scale)

    def term_fn(key: jax.Array, context: Context) -> PerExample:
        return disagreement(context.fake, _fakes_nearby(key, context, scale))

    return {"latent_consistency": Term(term_fn, weight)}


def latent_diversity(*, scale: float = 0.05, weight: float = 0.5) -> dict[str, Term]:
    """zCR of the generator: ``-weight |G(z) - G(z + scale e)|^2``: other latents, other samples.

    The square is summed over all axes of a sample but the first.

    Args:
        scale: of the change of the latents, positive.
        weight: the paper's lambda_gen, not negative.

    References:
        Zhao et al. 2020, arXiv 2002.04724, section 2.2 and algorithm 2 (zCR).
    """
    _check_scale(scale)

    def term_fn(key: jax.Array, context: Context) -> PerExample:
        difference = context.fake.samples - _fakes_nearby(key, context, scale)
        return -jnp.sum(jnp.square(difference), axis=tuple(range(1, difference.ndim)))

    return {"latent_diversity": Term(term_fn, weight)}


def _fakes_nearby(key: jax.Array, context: Context, scale: float) -> Tree:
    """Fakes of latents nearby, under the same augmentation."""
    latents = context.latents
    moved = latents + scale * jax.random.normal(key, latents.shape, latents.dtype)
    return context.fake.augment_fn(context.show_fn(moved).fake)


def _check_scale(scale: float) -> None:
    if not 0.0 < scale < float("inf"):
        raise ValueError(f"scale must be positive and finite, got {scale}")
