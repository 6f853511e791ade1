"""Gradient penalties: functions of ``logits_fn`` and points, one unweighted value per example.

``logits_fn: [B, ...] -> [B]`` is anything that can be differentiated: a discriminator with its
parameters and condition bound, or ``lambda x: x @ w`` in a test. Where a penalty is measured is
a separate function of a key (:func:`on_real`, :func:`between`, ...), and :class:`Penalty` puts
the two together with a weight.

Conventions. R1 and R2 hold the 1/2 of Mescheder et al. (``weight`` is their ``gamma``).
WGAN-GP and DRAGAN hold no 1/2 (``weight`` is their ``lambda``, 10 in both papers). Norms are over
all axes but the first. The gradient is that of ``sum(logits_fn(points))``: for a ``logits_fn`` that
judges each row by itself this is the per-example gradient; batch norm in the discriminator mixes
rows, and the penalty then sees the mixture.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gan_jax.scene import Scene

Points = Float[Array, "batch ..."]
PerExample = Float[Array, " batch"]
LogitsFn = Callable[[Points], PerExample]
PenaltyFn = Callable[[LogitsFn, Any], PerExample]
PointsFn = Callable[[jax.Array, Scene], Any]


class Penalty(NamedTuple):
    """A penalty of the discriminator: what, where, and how much.

    The discriminator minimises its loss plus ``weight * mean(penalty_fn(logits_fn, points))``
    with ``points = points_fn(key, scene)``.

    Attributes:
        penalty_fn: such as :func:`r1`.
        points_fn: such as :func:`on_real`; the key is fresh for each update. It returns whatever
            its ``penalty_fn`` takes: samples here, pairs of samples in
            :mod:`gan_jax.remedies.consistency`.
        weight: a number, or an optax schedule of the step.
    """

    penalty_fn: PenaltyFn
    points_fn: PointsFn
    weight: float | Callable[[jax.Array], jax.Array]


def r1(logits_fn: LogitsFn, real: Points) -> PerExample:
    """R1, the zero-centred gradient penalty on real samples: ``|grad D(x)|^2 / 2``.

    Args:
        logits_fn: ``[B, ...] -> [B]``.
        real: real samples ``[B, ...]``.

    Returns:
        ``[B]``, not negative; for ``D(x) = x @ w`` it is ``|w|^2 / 2`` everywhere.

    References:
        Mescheder et al. 2018, arXiv 1801.04406, equation 9.
    """
    return _gradient_square(logits_fn, real) / 2


def r2(logits_fn: LogitsFn, fake: Points) -> PerExample:
    """R2, the zero-centred gradient penalty on fake samples: ``|grad D(x)|^2 / 2``.

    Args:
        logits_fn: ``[B, ...] -> [B]``.
        fake: fake samples ``[B, ...]``.

    Returns:
        ``[B]``, not negative.

    References:
        Mescheder et al. 2018, arXiv 1801.04406, equation 10.
    """
    return _gradient_square(logits_fn, fake) / 2


def wgan_gp(logits_fn: LogitsFn, points: Points) -> PerExample:
    """WGAN-GP, two-sided: ``(|grad D(x)| - 1)^2`` at points :func:`between` real and fake.

    Args:
        logits_fn: ``[B, ...] -> [B]``.
        points: where the gradient is taken, ``[B, ...]``.

    Returns:
        ``[B]``, not negative; for ``D(x) = x @ w`` it is ``(|w| - 1)^2`` everywhere.

    References:
        Gulrajani et al. 2017, arXiv 1704.00028, equation 3.
    """
    return jnp.square(_gradient_norm(logits_fn, points) - 1.0)


def wgan_gp_one_sided(logits_fn: LogitsFn, points: Points) -> PerExample:
    """WGAN-GP, one-sided (also WGAN-LP): ``max(0, |grad D(x)| - 1)^2``.

    Args:
        logits_fn: ``[B, ...] -> [B]``.
        points: where the gradient is taken, ``[B, ...]``.

    Returns:
        ``[B]``, not negative; zero where the gradient is at most 1.

    References:
        Petzka et al. 2018, arXiv 1709.08894 (the WGAN-LP penalty).
    """
    return jnp.square(jax.nn.relu(_gradient_norm(logits_fn, points) - 1.0))


def dragan(logits_fn: LogitsFn, points: Points) -> PerExample:
    """DRAGAN: ``(|grad D(x)| - 1)^2`` at points :func:`around_real`.

    The function of WGAN-GP; only the points differ, and the loss is usually not Wasserstein's.

    Args:
        logits_fn: ``[B, ...] -> [B]``.
        points: real samples with noise, ``[B, ...]``.

    Returns:
        ``[B]``, not negative.

    References:
        Kodali et al. 2017, arXiv 1705.07215, section 2.3 (k = 1).
    """
    return wgan_gp(logits_fn, points)


def on_real(key: Key[Array, ""], scene: Scene) -> Points:
    """The real samples themselves (for R1)."""
    return scene.real


def on_fake(key: Key[Array, ""], scene: Scene) -> Points:
    """The fake samples themselves (for R2)."""
    return scene.fake


def between(key: Key[Array, ""], scene: Scene) -> Points:
    """Uniformly drawn points on the lines from fake to real (for WGAN-GP).

    ``e * real + (1 - e) * fake`` with one ``e ~ U[0, 1)`` per example.

    Args:
        key: a PRNG key.
        scene: with ``real`` and ``fake`` of one shape ``[B, ...]``.

    Raises:
        ValueError: the two shapes differ.

    References:
        Gulrajani et al. 2017, arXiv 1704.00028, algorithm 1, lines 4 to 6.
    """
    real, fake = scene.real, scene.fake
    if real.shape != fake.shape:
        raise ValueError(
            f"real {real.shape} and fake {fake.shape} must have the same shape: "
            "each real sample is joined to one fake"
        )
    epsilon = jax.random.uniform(key, (len(real),) + (1,) * (real.ndim - 1), real.dtype)
    return epsilon * real + (1.0 - epsilon) * fake


def around_real(*, scale: float) -> PointsFn:
    """Real samples with Gaussian noise (for DRAGAN): ``real + N(0, scale^2 I)``.

    Args:
        scale: the standard deviation, in the data's units, positive. The paper's
            ``c ~ 10`` is the variance for pixels in ``[0, 255]``: about 0.025 for ``[-1, 1]``.

    Raises:
        ValueError: the scale is not positive.

    References:
        Kodali et al. 2017, arXiv 1705.07215, section 2.3.
    """
    if not 0.0 < scale < float("inf"):
        raise ValueError(f"scale must be positive and finite, got {scale}")

    def points_fn(key: jax.Array, scene: Scene) -> Points:
        return scene.real + scale * jax.random.normal(key, scene.real.shape, scene.real.dtype)

    return points_fn


def _gradient_square(logits_fn: LogitsFn, points: Points) -> PerExample:
    def total(points: Points) -> Float[Array, ""]:
        logits = logits_fn(points)
        if logits.shape != points.shape[:1]:
            raise ValueError(
                f"logits_fn gave {logits.shape} for points {points.shape}: expected one logit "
                f"per example, {points.shape[:1]}; average the patches or squeeze the last axis"
            )
        return logits.sum()

    gradient = jax.grad(total)(points)
    return jnp.sum(jnp.square(gradient), axis=tuple(range(1, gradient.ndim)))


def _gradient_norm(logits_fn: LogitsFn, points: Points) -> PerExample:
    square = _gradient_square(logits_fn, points)
    # sqrt has an infinite slope at 0: without the inner where, a flat discriminator gives NaN.
    positive = square > 0.0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)
