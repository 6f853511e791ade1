"""Top-k: the generator learns only from the samples that the discriminator finds most real."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.losses import MeanFn


def top_k(share: float | Callable[[jax.Array], jax.Array]) -> MeanFn:
    """The mean of the losses of the ``ceil(share B)`` fakes with the largest logits.

    For ``Game.generator_mean_fn``. The others have no gradient.

    Args:
        share: in ``(0, 1]``, or a schedule of the round; the paper goes from 1 to 1/2:
            ``schedules.linear(1.0, 0.5, end=...)`` (there by powers of 0.99, epoch by epoch).

    Raises:
        ValueError: the share is not in ``(0, 1]``.

    References:
        Sinha et al. 2020, arXiv 2002.06224 (top-k training and its annealing).
    """
    if not callable(share) and not 0.0 < share <= 1.0:
        raise ValueError(f"share must be in (0, 1] or a schedule, got {share}")

    def mean_fn(losses: jax.Array, fake_logits: jax.Array, step: jax.Array) -> jax.Array:
        if losses.ndim != 1:
            raise ValueError(f"top_k needs one loss per sample [B], got {losses.shape}")
        now = share(step) if callable(share) else share
        kept = jnp.ceil(now * len(losses))
        rank = jnp.argsort(jnp.argsort(-fake_logits))  # 0 is the most real
        return jnp.sum(jnp.where(rank < kept, losses, 0.0)) / kept

    return mean_fn
