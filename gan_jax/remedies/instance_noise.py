"""Instance noise: real and fake samples are blurred alike, so that their supports overlap."""

from collections.abc import Callable

import jax

from gan_jax.augment import AugmentFn
from gan_jax.context import Turn


def instance_noise(scale: float | Callable[[jax.Array], jax.Array]) -> AugmentFn:
    """``x + N(0, scale^2 I)``, for everything that is judged.

    Args:
        scale: the standard deviation in the samples' units, not negative; or a schedule of the
            round, such as ``schedules.linear(0.5, 0.0, end=20_000)``.

    Raises:
        ValueError: the scale is negative or not finite.

    References:
        Soenderby et al. 2017, arXiv 1610.04490 (instance noise, annealed);
        Mescheder et al. 2018, arXiv 1801.04406, section 3 (it makes the Dirac-GAN converge).
    """
    if not callable(scale) and not 0.0 <= scale < float("inf"):
        raise ValueError(f"scale must be a finite number >= 0 or a schedule, got {scale}")

    def augment_fn(key: jax.Array, samples: jax.Array, turn: Turn | None = None) -> jax.Array:
        if callable(scale) and turn is None:
            raise ValueError("a schedule of noise needs the round: use it as Game(augment_fn=...)")
        now = scale(turn.step) if callable(scale) else scale
        return samples + now * jax.random.normal(key, samples.shape, samples.dtype)

    return augment_fn
