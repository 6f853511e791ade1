"""The laws of a gradient penalty."""

from collections.abc import Callable
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.penalties import PenaltyFn
from gan_jax.testing.law import Fell, Law, claimed, expect, expect_close, for_all, vectors

ROWS, SIZE, WIDTH = 6, 3, 5


def penalty_laws(
    penalty_fn: PenaltyFn,
    *,
    on_linear: Callable[[np.ndarray], float] | None = None,
    constant: float | None = 0.0,
    nonnegative: bool = True,
    patches_summed: bool = True,
    refuses_logits: bool = True,
) -> list[Law]:
    """The laws of a penalty ``(logits_fn, points) -> [B]`` of the discriminator's slope.

    Always: one value per example, each by its own row; jit changes nothing; images count as the
    vectors of their pixels; a constant added to the logits changes nothing; every parameter of the
    discriminator has a gradient, which is finite where the discriminator is flat.

    Args:
        penalty_fn: such as :func:`gan_jax.penalties.r1`.
        on_linear: ``w -> value`` of the penalty for ``logits_fn = lambda x: x @ w``, which is its
            value wherever the gradient is ``w``. It is what sees a lost factor of two.
        constant: the value for a discriminator that says the same everywhere; None claims nothing.
        nonnegative: whether no value is negative.
        patches_summed: whether patches ``[B, h, w]`` count as their sum.
        refuses_logits: whether logits ``[B, 1]`` raise a ValueError that names that shape.
    """
    measure_fn = cache(partial(_measure_fn, penalty_fn))

    def when(claim: bool, check_fn: Callable, *args) -> Callable | None:
        return (lambda: check_fn(measure_fn(), *args)) if claim else None

    linear = None if on_linear is None else partial(_linear, penalty_fn, on_linear)
    refused = partial(_refused, penalty_fn) if refuses_logits else None
    return claimed(
        [
            ("one value per example", partial(_shapes, penalty_fn)),
            ("rows are judged apart", when(True, _rows, penalty_fn)),
            ("jit changes nothing", when(True, _jit, penalty_fn)),
            ("not negative", when(nonnegative, _nonnegative)),
            ("images count as vectors", when(True, _images, penalty_fn)),
            ("patches count as their sum", when(patches_summed, _patches, penalty_fn)),
            ("a constant added to the logits changes nothing", when(True, _shift)),
            ("every parameter has a gradient", when(True, _reaches)),
            ("finite where the discriminator is flat", when(True, _flat)),
            ("the value of a constant discriminator", when(constant is not None, _value, constant)),
            ("the closed form on a linear discriminator", linear),
            (
                "the closed form on a curved discriminator",
                when(on_linear is not None, _curved, on_linear),
            ),
            ("logits that are not one per example are refused", refused),
        ]
    )


def _network(params, points):
    hidden = jnp.tanh(points.reshape(len(points), -1) @ params["kernel"])
    return hidden @ params["last"] + params["shift"]


def _params(scale: float = 1.0, seed: int = 0) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed).normal
    shapes = {"kernel": (SIZE, WIDTH), "last": (WIDTH,)}
    drawn = {name: np.float32(scale * draw(size=shape)) for name, shape in shapes.items()}
    return {**drawn, "shift": np.float32(0.0)}


def _points(seed: int = 1) -> np.ndarray:
    return np.float32(np.random.default_rng(seed).normal(size=(ROWS, SIZE)))


def _of_network(penalty_fn: PenaltyFn, params, points):
    return penalty_fn(lambda x: _network(params, x), points)


def _measure_fn(penalty_fn: PenaltyFn) -> Callable:
    """``(params, points) -> (values, gradient of their sum)``, compiled once for all laws."""

    @jax.jit
    def measure(params, points):
        def total(params):
            values = _of_network(penalty_fn, params, points)
            return values.sum(), values

        (_, values), gradients = jax.value_and_grad(total, has_aux=True)(params)
        return values, gradients

    return measure


def _shapes(penalty_fn: PenaltyFn) -> None:
    values = jax.eval_shape(partial(_of_network, penalty_fn), _params(), jnp.array(_points()))
    expect(
        values.shape == (ROWS,) and jnp.issubdtype(values.dtype, jnp.floating),
        f"{ROWS} points must have floating values [{ROWS}], got "
        f"{values.dtype}{list(values.shape)}: sum over all axes but the first; "
        "the caller weights the values and takes their mean",
    )


def _rows(measure: Callable, penalty_fn: PenaltyFn) -> None:
    one_by_one = jax.vmap(lambda x: _of_network(penalty_fn, _params(), x[None])[0])
    expect_close(
        jax.jit(one_by_one)(_points()),
        measure(_params(), _points())[0],
        f"the values of single rows against those of a batch of {ROWS}: differentiate the sum of "
        "the logits, not their mean",
    )


def _jit(measure: Callable, penalty_fn: PenaltyFn) -> None:
    eager = _of_network(penalty_fn, _params(), jnp.array(_points()))
    expect_close(measure(_params(), _points())[0], eager, "the values under jit")


def _nonnegative(measure: Callable) -> None:
    for scale in (0.03, 0.3, 3.0):
        values = measure(_params(scale), _points())[0]
        expect(values >= 0, f"{values} for parameters of scale {scale}: a lost square or sign")


def _images(measure: Callable, penalty_fn: PenaltyFn) -> None:
    images = _points().reshape(ROWS, 1, SIZE, 1)
    expect_close(
        jax.jit(partial(_of_network, penalty_fn))(_params(), images),
        measure(_params(), _points())[0],
        f"the values at images {images.shape} against those at vectors {(ROWS, SIZE)}: sum over "
        "all axes but the first",
    )


def _patches(measure: Callable, penalty_fn: PenaltyFn) -> None:
    shares = np.float32([[0.5, 0.25], [1.0, -0.75]])  # their sum is 1

    def in_patches(params, points):
        return penalty_fn(lambda x: _network(params, x)[:, None, None] * shares[None], points)

    look = "the values of logits [B, 2, 2] against those of their sum [B]"
    got = jax.jit(in_patches)(_params(), _points())
    expect_close(got, measure(_params(), _points())[0], look)


def _shift(measure: Callable) -> None:
    before = measure(_params(), _points())[0]
    for shift in (-3.0, 5.0):
        after = measure(_params() | {"shift": np.float32(shift)}, _points())[0]
        look = f"the values after adding {shift} to the logits: of their slope, not of themselves"
        expect_close(after, before, look)


def _reaches(measure: Callable) -> None:
    gradients = measure(_params(3.0), _points())[1]
    for name in ("kernel", "last"):
        expect(
            np.isfinite(gradients[name]).all() and np.abs(gradients[name]).max() > 0,
            f"the gradient with respect to {name} is {gradients[name]}: a stop_gradient, or the "
            "slope was taken outside of JAX",
        )


def _flat(measure: Callable) -> None:
    values, gradients = measure(_params(0.0), _points())
    for name, value in {"values": values, **gradients}.items():
        expect(
            np.isfinite(value),
            f"{name} {value} where all parameters are 0: the slope of sqrt at 0 is infinite; take "
            "it of jnp.where(square > 0, square, 1) and put 0 where the square is 0",
        )


def _value(measure: Callable, constant: float) -> None:
    look = "the values of a discriminator that says 2 everywhere"
    expect_close(measure(_params(0.0) | {"shift": np.float32(2)}, _points())[0], constant, look)


def _linear(penalty_fn: PenaltyFn, on_linear: Callable[[np.ndarray], float]) -> None:
    values_fn = jax.jit(lambda w, x: penalty_fn(lambda x: x @ w, x))

    def check(w, x):
        expected = float(on_linear(np.float64(w)))
        points = x.reshape(2, SIZE)
        look = f"the values of D(x) = x @ w with w = {w}, at {points.tolist()}: a lost factor"
        expect_close(values_fn(w, points), expected, look, rtol=1e-4)

    for_all(check, w=vectors(-3, 3, SIZE), x=vectors(-4, 4, 2 * SIZE))


def _curved(measure: Callable, on_linear: Callable[[np.ndarray], float]) -> None:
    for scale in (0.3, 1.0):
        params, points = _params(scale), np.float64(_points())
        bends = 1 - np.square(np.tanh(points @ params["kernel"]))
        slopes = (bends * params["last"]) @ params["kernel"].T
        expected = [float(on_linear(slope)) for slope in slopes]
        look = f"the values of D(x) = tanh(x @ V) @ w, with slopes {slopes.round(3).tolist()}"
        expect_close(measure(params, _points())[0], expected, look, rtol=1e-3, atol=1e-5)


def _refused(penalty_fn: PenaltyFn) -> None:
    try:
        jax.eval_shape(partial(penalty_fn, lambda x: x[:, :1]), jnp.array(_points()))
    except ValueError as error:
        expect(f"({ROWS}, 1)" in str(error), f"the error names no shape: {error}")
    else:
        raise Fell(
            f"logits [{ROWS}, 1] were taken: raise a ValueError that asks for one logit per example"
        )
