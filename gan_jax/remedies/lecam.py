"""LeCam: the discriminator is held near the average of what it said of the other side."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.penalties import LogitsFn, Penalty, PerExample
from gan_jax.scene import LogitsAverage, Scene


class Anchored(NamedTuple):
    """Real and fake samples ``[B, ...]``, and the moving averages of their logits."""

    real: jax.Array
    fake: jax.Array
    average: LogitsAverage


def lecam_distance(logits_fn: LogitsFn, points: Anchored) -> PerExample:
    """``(D(x) - a_F)^2 + (D(G(z)) - a_R)^2`` with a_R, a_F the averages of real and fake logits.

    No gradient flows into the averages.

    References:
        Tseng et al. 2021, arXiv 2104.03310, equation 3.
    """
    to_fake = logits_fn(points.real) - points.average.fake
    to_real = logits_fn(points.fake) - points.average.real
    return jnp.square(to_fake) + jnp.square(to_real)


def lecam(weight: float = 0.3) -> dict[str, Penalty]:
    """The LeCam penalty, for ``Game(penalties={**lecam(0.3)})``.

    The averages are those of :class:`gan_jax.game.GANState`: an arithmetic mean over the first 100
    rounds, then with a decay of 0.99, the paper's.

    Args:
        weight: the paper's lambda, not negative; a number or a schedule of the round.

    References:
        Tseng et al. 2021, arXiv 2104.03310, equations 3 and 4.
    """

    def points_fn(key: jax.Array, scene: Scene) -> Anchored:
        return Anchored(scene.real, scene.fake, scene.logits_average)

    return {"lecam": Penalty(lecam_distance, points_fn, weight)}
