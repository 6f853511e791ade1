"""The laws of a term: what a player minimises beside its adversarial loss."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.context import Context
from gan_jax.testing.law import Law, claimed, expect, expect_close, leaves_by_path


def term_laws(
    term_fn: Callable[[jax.Array, Context], Any],
    context: Context,
    *,
    reaches: tuple[str, ...] = (),
    value: Any = None,
    nonnegative: bool = False,
    draws: bool = False,
) -> list[Law]:
    """The laws of a term ``(key, context) -> values``, or ``(values, reports)``.

    Always: one finite value per row or a scalar; the same under jit; the same again with the same
    key.

    Args:
        term_fn: as of :class:`gan_jax.context.Term`.
        context: what the term needs of it, such as
            ``Context(Exhibit(real), Exhibit(fake), latents=latents)``, with two rows or more.
        reaches: what must have a gradient, by its path in the context: ``"fake/samples"``,
            ``"fake/logits"``, ``"extras/cycle"``.
        value: the values for this context, worked out by hand.
        nonnegative: whether no value is negative.
        draws: whether the term is random; otherwise another key must give the same values.
    """
    values_of = partial(_values, term_fn)
    first_fn = cache(partial(_jitted, values_of, context))

    def check(check_fn: Callable, *args) -> Callable:
        return partial(check_fn, values_of, context, *args)

    def of_values(check_fn: Callable, *args) -> Callable:
        return lambda: check_fn(first_fn(), *args)

    return claimed(
        [
            ("one value per row, or a scalar", check(_shapes)),
            ("finite", of_values(_finite)),
            ("jit changes nothing", of_values(_jit, values_of, context)),
            ("the same key draws the same", of_values(_same_key, values_of, context)),
            ("nothing is drawn", None if draws else of_values(_no_draw, values_of, context)),
            ("not negative", of_values(_nonnegative) if nonnegative else None),
            (
                "the value worked out by hand",
                None if value is None else of_values(_by_hand, value),
            ),
            *((f"a gradient reaches {path}", check(_reaches, path)) for path in reaches),
        ]
    )


def _values(term_fn: Callable, key: jax.Array, context: Context) -> jax.Array:
    values = term_fn(key, context)
    return values[0] if isinstance(values, tuple) else values


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray)


def _of_arrays(fn: Callable, context: Context) -> tuple[Callable, list[Any]]:
    """``fn`` as a function of a context's arrays, which alone may be traced; and those arrays."""
    leaves, structure = jax.tree.flatten(context)

    def of_arrays(arrays):
        left = iter(arrays)
        placed = [next(left) if _is_array(leaf) else leaf for leaf in leaves]
        return fn(jax.tree.unflatten(structure, placed))

    return of_arrays, [leaf for leaf in leaves if _is_array(leaf)]


def _jitted(values_of: Callable, context: Context, seed: int = 0) -> jax.Array:
    fn, arrays = _of_arrays(lambda context: values_of(jax.random.key(seed), context), context)
    return jax.jit(fn)(arrays)


def _shapes(values_of: Callable, context: Context) -> None:
    fn, arrays = _of_arrays(lambda context: values_of(jax.random.key(0), context), context)
    got = jax.eval_shape(fn, arrays)
    expect(
        len(got.shape) < 2 and jnp.issubdtype(got.dtype, jnp.floating),
        f"a term gives floating values, one per row [N] or a scalar, got {got.dtype}"
        f"{list(got.shape)}: rows compared with each other are [B, B]; take the mean of an axis",
    )


def _finite(values: jax.Array) -> None:
    expect(np.isfinite(values), f"the values are {values}: a division, logarithm or root of 0")


def _jit(values: jax.Array, values_of: Callable, context: Context) -> None:
    eager = values_of(jax.random.key(0), context)
    expect_close(values, eager, "the values under jit", rtol=1e-4)


def _same_key(values: jax.Array, values_of: Callable, context: Context) -> None:
    look = "the values of two traces with one key: draw from the key only, keep no Python state"
    expect_close(_jitted(values_of, context), values, look, rtol=0, atol=0)


def _no_draw(values: jax.Array, values_of: Callable, context: Context) -> None:
    look = "the values with another key; claim draws=True of a term that is random"
    expect_close(_jitted(values_of, context, 1), values, look)


def _nonnegative(values: jax.Array) -> None:
    expect(values >= 0, f"the values are {values}: a lost square or sign")


def _by_hand(values: jax.Array, value: Any) -> None:
    look = "the values for the given context: a lost factor, or another axis"
    expect_close(values, value, look, rtol=1e-4)


def _reaches(values_of: Callable, context: Context, path: str) -> None:
    found = {name: leaf for name, leaf in leaves_by_path(context).items() if _is_array(leaf)}
    chosen = [name for name in found if name == path or name.startswith(f"{path}/")]
    expect(chosen, f"the context has no {path!r}, it has {', '.join(found)}")
    fn, arrays = _of_arrays(
        lambda context: jnp.mean(values_of(jax.random.key(0), context)), context
    )
    places = [list(found).index(name) for name in chosen]

    def of_chosen(moved):
        placed = list(arrays)
        for place, leaf in zip(places, moved, strict=True):
            placed[place] = leaf
        return fn(placed)

    gradients = jax.jit(jax.grad(of_chosen))([jnp.asarray(arrays[place]) for place in places])
    for name, gradient in zip(chosen, gradients, strict=True):
        expect(np.isfinite(gradient), f"the gradient with respect to {name} is {gradient}")
        expect(
            np.any(gradient != 0),
            f"the gradient with respect to {name} is 0: a stop_gradient, or it is not used",
        )
