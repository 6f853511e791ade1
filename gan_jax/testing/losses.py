"""The laws of an adversarial loss."""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.losses import AdversarialLoss
from gan_jax.testing.law import Fell, Law, claimed, expect, expect_close, for_all, vectors

SIZE = 4  # rows of an example
FAR = 1e4  # logits at which log(sigmoid(x)) is no longer finite in float32


class Judged(NamedTuple):
    """What both players' losses say of one batch of logits; gradients are those of the sums."""

    discriminator: jax.Array
    generator: jax.Array
    to_real: jax.Array
    to_fake: jax.Array
    generator_to_real: jax.Array
    generator_to_fake: jax.Array


JudgeFn = Callable[[np.ndarray, np.ndarray], Judged]


def loss_laws(
    loss: AdversarialLoss,
    *,
    rows_apart: bool = True,
    refuses_shapes: bool = True,
    monotone: tuple[float, float] = (-8.0, 8.0),
    optimum: float | None = None,
    indifferent: float | None = None,
    generator_indifferent: float | None = None,
    bounded: tuple[float, float] | None = None,
    shift_invariant: bool = False,
    mirrored: bool = False,
) -> list[Law]:
    """The laws of an adversarial loss; what does not hold for every loss is a claim.

    Always: one value per example and per patch; jit changes nothing; values and gradients are
    finite at logits of 1e4; each player has a gradient, and of the right sign.

    Args:
        loss: the pair of functions.
        rows_apart: whether each row is judged by itself (not so for relativistic averages).
        refuses_shapes: whether ``[B]`` against ``[B, 1]``, and ``[B, 1]`` alone, raise a ValueError
            that names the shape.
        monotone: the logits between which raising a real logit, or lowering a fake one, never
            costs the discriminator anything: between its targets, for least squares.
        optimum: the level x at which ``discriminator(x, x)`` is least: the best logit where real
            and fake samples have one distribution.
        indifferent: the discriminator's loss at that level (at 0 where none is given).
        generator_indifferent: likewise the generator's.
        bounded: between which all losses of the discriminator lie; ends may be infinite.
        shift_invariant: whether a constant added to all logits leaves the discriminator's loss.
        mirrored: whether ``generator(real, fake)`` is ``discriminator(fake, real)``.
    """
    judge_fn = cache(partial(_judge_fn, loss))  # compiled once for all laws, by the first that runs
    level = optimum or 0.0

    def given(claim: bool, check_fn: Callable, *args) -> Callable | None:
        return None if not claim else lambda: check_fn(judge_fn(), *args)

    def at_level(player: str, value: float | None) -> Callable | None:
        return None if value is None else lambda: _level(judge_fn(), player, level, value)

    refused = partial(_refused, loss) if refuses_shapes else None
    return claimed(
        [
            ("one value per example and per patch", partial(_shapes, loss)),
            ("rows are judged apart", given(rows_apart, _rows, loss)),
            ("jit changes nothing", given(True, _jit, loss)),
            ("finite at logits of ten thousand", given(True, _finite)),
            ("shapes that broadcast are refused", refused),
            ("each player's gradient has its sign", given(True, _signs, monotone)),
            ("each player has a gradient", given(True, _moves, monotone)),
            (
                "the optimum at equal distributions",
                given(optimum is not None, _optimum, level, monotone),
            ),
            ("the discriminator's loss at indifference", at_level("discriminator", indifferent)),
            ("the generator's loss at indifference", at_level("generator", generator_indifferent)),
            ("bounded", given(bounded is not None, _bounds, bounded)),
            ("a common shift changes nothing", given(shift_invariant, _shift)),
            ("the players mirror each other", given(mirrored, _mirror)),
        ]
    )


def _judge_fn(loss: AdversarialLoss) -> JudgeFn:
    def with_gradients(fn, real, fake):
        def total(real, fake):
            losses = fn(real, fake)
            return losses.sum(), losses

        return jax.value_and_grad(total, (0, 1), has_aux=True)(real, fake)

    @jax.jit
    def judge(real, fake):
        (_, discriminator), own = with_gradients(loss.discriminator, real, fake)
        (_, generator), others = with_gradients(loss.generator, real, fake)
        return Judged(discriminator, generator, *own, *others)

    return judge


def _examples(check_fn: Callable, low: float = -8.0, high: float = 8.0, **more) -> None:
    for_all(check_fn, real=vectors(low, high, SIZE), fake=vectors(low, high, SIZE), **more)


def _shapes(loss: AdversarialLoss) -> None:
    for shape in ((SIZE,), (2, 3, 5)):
        logits = jax.ShapeDtypeStruct(shape, jnp.float32)
        for player, fn in loss._asdict().items():
            got = jax.eval_shape(fn, logits, logits)
            expect(
                got.shape == shape and jnp.issubdtype(got.dtype, jnp.floating),
                f"{player}(real, fake) of logits {shape} must be floating values of that shape, "
                f"got {got.dtype}{list(got.shape)}: the mean is the caller's; [:, None] broadcasts",
            )


def _rows(judge: JudgeFn, loss: AdversarialLoss) -> None:
    real, fake = jnp.array([2.0, -1.0, 0.0, 0.5]), jnp.array([0.5, 1.0, -3.0, 0.25])
    for player, fn in loss._asdict().items():
        expect_close(
            jax.vmap(fn)(real, fake),
            getattr(judge(real, fake), player),
            f"{player}: vmap over rows is not the batch at real {real}, fake {fake}: a row's loss "
            "looks at other rows (a mean inside); claim rows_apart=False where it must",
        )


def _jit(judge: JudgeFn, loss: AdversarialLoss) -> None:
    def check(real, fake):
        for player, fn in loss._asdict().items():
            eager, jitted = fn(jnp.array(real), jnp.array(fake)), judge(real, fake)
            expect_close(getattr(jitted, player), eager, f"{player} under jit", rtol=1e-4)

    # each eager operation is a program of its own: two examples say as much as a hundred
    check(np.float32([2.0, -1.0, 0.0, 0.5]), np.float32([0.5, 1.0, -3.0, 0.25]))
    check(np.full(SIZE, FAR, np.float32), np.full(SIZE, -FAR, np.float32))


def _finite(judge: JudgeFn) -> None:
    for a in (-FAR, FAR):
        for b in (-FAR, FAR):
            real, fake = np.zeros((2, SIZE), np.float32)
            real[0], fake[0] = a, b
            for name, value in judge(real, fake)._asdict().items():
                expect(
                    np.isfinite(value),
                    f"{name} is {value} at real {real}, fake {fake}: write -log(sigmoid(x)) as "
                    "softplus(-x), and take logits, no probabilities",
                )


def _refused(loss: AdversarialLoss) -> None:
    for shapes in (((SIZE,), (SIZE, 1)), ((SIZE, 1), (SIZE, 1))):
        for player, fn in loss._asdict().items():
            try:
                jax.eval_shape(fn, *(jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes))
            except ValueError as error:
                expect(str(shapes[1]) in str(error), f"{player}: the error names no shape: {error}")
            else:
                raise Fell(
                    f"{player} takes real {shapes[0]} and fake {shapes[1]}: [B] against [B, 1] "
                    "broadcasts to [B, B] and trains on nonsense; raise a ValueError that says so"
                )


def _signs(judge: JudgeFn, monotone: tuple[float, float]) -> None:
    def check(real, fake):
        judged = judge(real, fake)
        at = f"at real {real}, fake {fake}"
        expect(
            judged.to_real <= 1e-6,
            f"the discriminator gains by lowering real logits {at}: d/d real {judged.to_real}",
        )
        expect(
            judged.to_fake >= -1e-6,
            f"the discriminator gains by raising fake logits {at}: d/d fake {judged.to_fake}",
        )
        expect(
            judged.generator_to_fake <= 1e-6,
            f"the generator gains by lowering fake logits {at}: "
            f"d/d fake {judged.generator_to_fake}",
        )

    _examples(check, *monotone)


def _moves(judge: JudgeFn, monotone: tuple[float, float]) -> None:
    real = np.linspace(*monotone, SIZE + 2, dtype=np.float32)[1:-1]
    judged = judge(real, real[::-1].copy())
    for name in ("to_real", "to_fake", "generator_to_fake"):
        expect(
            np.any(np.abs(getattr(judged, name)) > 1e-6),
            f"the gradient {name} is 0 at real {real}, fake {real[::-1]}: a constant, "
            "a stop_gradient, or logits that are not used",
        )


def _optimum(judge: JudgeFn, level: float, monotone: tuple[float, float]) -> None:
    best = np.full(SIZE, level, np.float32)
    least = float(jnp.mean(judge(best, best).discriminator))

    def check(levels):
        other = np.full(SIZE, levels[0])
        value = float(jnp.mean(judge(other, other).discriminator))
        expect(
            value >= least - 1e-5 * (1 + abs(least)),
            f"discriminator(x, x) is {value} at x = {levels[0]}, less than {least} at the claimed "
            f"optimum {level}: a wrong weight or sign of one of the two sides",
        )

    for_all(check, levels=vectors(*monotone, 1))


def _level(judge: JudgeFn, player: str, level: float, value: float) -> None:
    logits = np.full(SIZE, level, np.float32)
    got = getattr(judge(logits, logits), player)
    look = f"the {player}'s loss where all logits are {level}: a lost factor or term"
    expect_close(got, value, look)


def _bounds(judge: JudgeFn, bounded: tuple[float, float]) -> None:
    def check(real, fake):
        losses = judge(real, fake).discriminator
        expect(
            (losses >= bounded[0] - 1e-6) & (losses <= bounded[1] + 1e-6),
            f"the discriminator's losses {losses} leave {bounded} at real {real}, fake {fake}",
        )

    _examples(check)


def _shift(judge: JudgeFn) -> None:
    def check(real, fake, shift):
        shifted = judge(real + shift[0], fake + shift[0]).discriminator
        before = judge(real, fake).discriminator
        look = f"the discriminator's losses after adding {shift[0]} to real {real} and fake {fake}"
        expect_close(shifted, before, look, atol=2e-5)

    _examples(check, shift=vectors(-5, 5, 1))


def _mirror(judge: JudgeFn) -> None:
    def check(real, fake):
        look = (
            f"generator(real, fake) against discriminator(fake, real) at real {real}, fake {fake}"
        )
        expect_close(judge(real, fake).generator, judge(fake, real).discriminator, look)

    _examples(check)
