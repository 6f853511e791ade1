"""Adaptive augmentation (ADA): as much augmentation as the discriminator's overfitting asks for.

Game(
    augment_fn=augmentation_pipe(adaptive_probability),
    memory=augmentation_memory(),
    discriminator_terms={"r1": Term(gradient_penalty(r1, before_augmentation(on_real)), 0.01)},
    ...
)
"""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.context import Memory, Seen, Turn


def adaptive_probability(turn: Turn) -> jax.Array:
    """The probability that :func:`augmentation_memory` keeps."""
    return turn.memory["augmentation"]["probability"]


def augmentation_memory(
    *,
    target: float = 0.6,
    every: int = 4,
    images: float = 500_000,
    first: float = 0.0,
) -> dict[str, Memory]:
    """The controller: the probability rises while real samples are called real too surely, else it falls.

    ``r = E sign(D(x))`` is the mean over ``every`` rounds; then
    ``p = max(0, p + sign(r - target) * seen / images)`` with the images seen in those rounds.

    Args:
        target: of r, in ``(-1, 1)``.
        every: rounds from one change to the next.
        images: in which the probability could go from 0 to 1.
        first: the probability of the first rounds, not negative.

    Raises:
        ValueError: a number is out of range.

    References:
        Karras et al. 2020, arXiv 2006.06676, equation 1 and section 3.1 (its r_t).
    """
    if not -1.0 < target < 1.0 or every < 1 or not images > 0 or not first >= 0.0:
        raise ValueError(
            "target must be in (-1, 1), every at least 1, images positive and first not negative, "
            f"got {target}, {every}, {images} and {first}"
        )

    def init_fn(batch: Any) -> dict[str, jax.Array]:
        return {"probability": jnp.float32(first), "signs": jnp.zeros(())}

    def update_fn(key: jax.Array, value: dict[str, jax.Array], seen: Seen) -> dict[str, jax.Array]:
        # the share on the right side of 0, as a mean of signs
        signs = value["signs"] + 2.0 * seen.metrics["discriminator/real_accuracy"] - 1.0
        rows = len(jax.tree.leaves(seen.discriminator.shown.real)[0])
        step = jnp.sign(signs / every - target) * (every * rows / images)
        moved = jnp.maximum(value["probability"] + step, 0.0)
        due = seen.step % every == every - 1
        return {
            "probability": jnp.where(due, moved, value["probability"]),
            "signs": jnp.where(due, 0.0, signs),
        }

    return {"augmentation": Memory(init_fn, update_fn)}
