"""EMA: the moving average of the generator, with its half-life in images.

References:
    Karras et al. 2018, arXiv 1710.10196, section 4 (the average);
    Karras et al. 2020, arXiv 2006.06676, appendix B (half-life in images and its ramp-up).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

EMADecayFn = Callable[[jax.Array, int], jax.Array]


def halflife(
    *, images: float | Callable[[jax.Array], jax.Array], rampup: float | None = 0.05
) -> EMADecayFn:
    """``decay = 0.5 ** (batch_size / h)`` with ``h = min(images, rampup * images seen so far)``.

    Args:
        images: after this many images a generator counts half; positive. Or a schedule of the
            round, whose values may be 0: then the average is the live generator.
        rampup: the half-life is at most this share of the images seen, so that a young run does
            not average in its first weights; None has no ramp-up.

    Returns:
        ``(step, batch_size) -> decay`` in ``[0, 1)``; 0 at step 0 when there is a ramp-up.

    Raises:
        ValueError: a number is not positive.
    """
    if not (callable(images) or images > 0) or (rampup is not None and not rampup > 0):
        raise ValueError(
            f"images and rampup must be positive (rampup may be None), got {images} and {rampup}"
        )

    def decay_fn(step: jax.Array, batch_size: int) -> jax.Array:
        half = jnp.float32(images(step) if callable(images) else images)
        if rampup is not None:
            half = jnp.minimum(half, rampup * batch_size * step.astype(jnp.float32))
        return jnp.exp2(-batch_size / half)  # half = 0 gives exp2(-inf) = 0

    return decay_fn


def no_ema(step: jax.Array, batch_size: int) -> jax.Array:
    """A decay of 0: the average is the live generator."""
    return jnp.float32(0.0)


def move_ema(ema, live, decay: jax.Array):
    """``decay * ema + (1 - decay) * live`` leaf by leaf, of the same structure."""
    return jax.tree.map(lambda a, b: (decay * a + (1.0 - decay) * b).astype(b.dtype), ema, live)
