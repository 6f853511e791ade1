"""Gradient penalties: functions of ``logits_fn`` and points, one unweighted value per example.

``logits_fn: [B, ...] -> [B]`` is anything that can be differentiated: a discriminator with its
parameters and condition bound, or ``lambda x: x @ w`` in a test. Where a penalty is measured is a
separate function of a key (:func:`on_real`, :func:`between`, ...), and :func:`gradient_penalty`
makes a term of the two::

    Game(discriminator_terms={"r1": Term(gradient_penalty(r1, on_real), weight=0.1)})

Points are what the discriminator sees: augmented, packed. To penalise it as a function of what was
not augmented yet: ``gradient_penalty(r1, before_augmentation(on_real))``.

Conventions. R1 and R2 hold the 1/2 of Mescheder et al. (``weight`` is their ``gamma``). WGAN-GP and
DRAGAN hold no 1/2 (``weight`` is their ``lambda``, 10 in both papers). Points may be a tree: norms
are over all axes but the first of all its floating leaves; other leaves (labels, tokens) are held.
The gradient is that of ``sum(logits_fn(points))``: for a ``logits_fn`` that judges each row by
itself this is the per-example gradient; batch norm in the discriminator mixes rows, and the penalty
then sees the mixture. Patches ``[B, h, w]`` are summed before the gradient. Of several judges (a
tree of logits) each has its own penalty, and these are summed.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gan_jax.context import Context, Exhibit

Points = Any  # [B, ...], or a tree of rows
PerExample = Float[Array, " batch"]
LogitsFn = Callable[[Points], Any]  # -> [B], patches, or a tree of either
PenaltyFn = Callable[[LogitsFn, Points], PerExample]
PointsFn = Callable[[jax.Array, Context], Exhibit]


def gradient_penalty(
    penalty_fn: PenaltyFn, points_fn: PointsFn
) -> Callable[[jax.Array, Context], PerExample]:
    """The ``term_fn`` of a gradient penalty, for :class:`gan_jax.context.Term`.

    Args:
        penalty_fn: such as :func:`r1`.
        points_fn: ``(key, context) -> exhibit``, such as :func:`on_real`: the points, and how they
            are judged.
    """

    def term_fn(key: jax.Array, context: Context) -> PerExample:
        points = points_fn(key, context)
        return penalty_fn(points.logits_fn, points.samples)

    return term_fn


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
    return sum(square / 2 for square in _gradient_squares(logits_fn, real))


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
    return sum(square / 2 for square in _gradient_squares(logits_fn, fake))


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
    return sum(jnp.square(_norm(square) - 1.0) for square in _gradient_squares(logits_fn, points))


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
    squares = _gradient_squares(logits_fn, points)
    return sum(jnp.square(jax.nn.relu(_norm(square) - 1.0)) for square in squares)


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


def on_real(key: Key[Array, ""], context: Context) -> Exhibit:
    """The real samples themselves (for R1)."""
    return context.real


def on_fake(key: Key[Array, ""], context: Context) -> Exhibit:
    """The fake samples themselves (for R2)."""
    return context.fake


def before_augmentation(points_fn: PointsFn) -> PointsFn:
    """The raw samples of the same side, judged through the augmentation that was drawn for it.

    For a flip the penalty is the same; a contrast of factor c multiplies it by ``c^2``; what a
    translation or a cutout covers has no gradient.

    Args:
        points_fn: :func:`on_real` or :func:`on_fake`.

    References:
        Karras et al. 2020, arXiv 2006.06676, figure 2 (R1 of the augmented game).
    """

    def raw_points_fn(key: Key[Array, ""], context: Context) -> Exhibit:
        side = points_fn(key, context)

        def judge_fn(samples: Points, *condition: Any) -> Any:
            return side.judge_fn(side.augment_fn(samples), *condition)

        return side._replace(samples=side.raw, judge_fn=judge_fn)

    return raw_points_fn


def between(key: Key[Array, ""], context: Context) -> Exhibit:
    """Uniformly drawn points on the lines from fake to real (for WGAN-GP), judged as the real side is.

    ``e * real + (1 - e) * fake`` with one ``e ~ U[0, 1)`` per example; of a tree all floating
    leaves move alike.

    Args:
        key: a PRNG key.
        context: with ``real`` and ``fake`` of one structure and one shape ``[B, ...]`` of each
            leaf.

    Raises:
        ValueError: shapes differ; or there are leaves, or conditions, that no line joins
            (integers).

    References:
        Gulrajani et al. 2017, arXiv 1704.00028, algorithm 1, lines 4 to 6.
    """
    real, fake = context.real, context.fake
    if fake.condition is not None and fake.condition is not real.condition:
        raise ValueError(
            "points between real and fake have no condition where fakes have another one (fake_condition): take R1 "
            "and R2, or show both sides with one condition"
        )
    leaves = jax.tree.leaves(real.samples)
    epsilon = jax.random.uniform(key, (len(leaves[0]),), _floating_dtype(leaves))

    def join(real: jax.Array, fake: jax.Array) -> jax.Array:
        if real.shape != fake.shape:
            raise ValueError(
                f"real {real.shape} and fake {fake.shape} must have the same shape: "
                "each real sample is joined to one fake"
            )
        if not jnp.issubdtype(real.dtype, jnp.floating):
            raise ValueError(
                f"no line joins leaves of {real.dtype}: show integers as a condition, or as one-hot rows"
            )
        share = epsilon.reshape(-1, *[1] * (real.ndim - 1))
        return share * real + (1.0 - share) * fake

    return real._replace(samples=jax.tree.map(join, real.samples, fake.samples))


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

    def points_fn(key: jax.Array, context: Context) -> Exhibit:
        real = context.real.samples
        return context.real._replace(
            samples=real + scale * jax.random.normal(key, real.shape, real.dtype)
        )

    return points_fn


def _gradient_squares(logits_fn: LogitsFn, points: Points) -> list[PerExample]:
    """``|grad D_k(x)|^2`` of each judge k: through its own backward pass only."""
    leaves, structure = jax.tree.flatten(points)
    moving = [index for index, leaf in enumerate(leaves) if _is_floating(leaf)]

    def logits_at(moved: list[jax.Array]) -> list[jax.Array]:
        placed = list(leaves)
        for index, leaf in zip(moving, moved, strict=True):
            placed[index] = leaf
        return jax.tree.leaves(logits_fn(jax.tree.unflatten(structure, placed)))

    def square_of(judge: int) -> PerExample:
        def total(moved: list[jax.Array]) -> jax.Array:
            logits = logits_at(moved)[judge]
            _check_logits(logits, len(leaves[0]))
            return logits.sum()

        gradients = jax.grad(total)([leaves[index] for index in moving])
        return sum(jnp.sum(jnp.square(g), axis=tuple(range(1, g.ndim))) for g in gradients)

    if not moving:
        raise ValueError("a gradient penalty needs points of floating point, got none")
    judges = jax.eval_shape(logits_at, [leaves[index] for index in moving])
    return [square_of(judge) for judge in range(len(judges))]


def _check_logits(logits: jax.Array, rows: int) -> None:
    if logits.shape[:1] != (rows,) or (logits.ndim == 2 and logits.shape[1] == 1):
        raise ValueError(
            f"logits_fn gave {logits.shape} for {rows} points: expected one logit "
            f"per example [{rows}], or patches [{rows}, h, w]; squeeze a last axis of size 1"
        )


def _is_floating(leaf: jax.Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)


def _floating_dtype(leaves: list[jax.Array]):
    return next((leaf.dtype for leaf in leaves if _is_floating(leaf)), jnp.float32)


def _norm(square: PerExample) -> PerExample:
    # sqrt has an infinite slope at 0: without the inner where, a flat discriminator gives NaN.
    positive = square > 0.0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)
