"""Moving averages: of the generator, with its half-life in images, and of the logits.

References:
    Karras et al. 2018, arXiv 1710.10196, section 4 (the average);
    Karras et al. 2020, arXiv 2006.06676, appendix B (half-life in images and its ramp-up).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.scene import LogitsAverage

AverageDecayFn = Callable[[jax.Array, int], jax.Array]


def halflife(*, images: float, rampup: float | None = 0.05) -> AverageDecayFn:
    """``decay = 0.5 ** (batch_size / h)`` with ``h = min(images, rampup * images seen so far)``.

    Args:
        images: after this many images a generator counts half; positive.
        rampup: the half-life is at most this share of the images seen, so that a young run does
            not average in its first weights; None has no ramp-up.

    Returns:
        ``(step, batch_size) -> decay`` in ``[0, 1)``; 0 at step 0 when there is a ramp-up.

    Raises:
        ValueError: a number is not positive.
    """
    if not images > 0 or (rampup is not None and not rampup > 0):
        raise ValueError(
            f"images and rampup must be positive (rampup may be None), got {images} and {rampup}"
        )

    def decay_fn(step: jax.Array, batch_size: int) -> jax.Array:
        half = jnp.float32(images)
        if rampup is not None:
            half = jnp.minimum(half, rampup * batch_size * step.astype(jnp.float32))
        return jnp.exp2(-batch_size / half)  # half = 0 gives exp2(-inf) = 0

    return decay_fn


def no_average(step: jax.Array, batch_size: int) -> jax.Array:
    """A decay of 0: the average is the live generator."""
    return jnp.float32(0.0)


def move_average(average, live, decay: jax.Array):
    """``decay * average + (1 - decay) * live`` leaf by leaf, of the same structure."""
    return jax.tree.map(lambda a, b: (decay * a + (1.0 - decay) * b).astype(b.dtype), average, live)


def move_logits_average(
    average: LogitsAverage, step: jax.Array, real: jax.Array, fake: jax.Array
) -> LogitsAverage:
    """The arithmetic mean over the rounds so far, from the 100th on with a decay of 0.99.

    Args:
        average: of the rounds before.
        step: their number.
        real: the mean of this round's ``real_logits``.
        fake: the mean of its ``fake_logits``.

    References:
        Tseng et al. 2021, arXiv 2104.03310 (the decay of 0.99; the beginning is ours).
    """
    decay = jnp.minimum(0.99, step / (step + 1.0))
    return LogitsAverage(*move_average(tuple(average), (real, fake), decay))
