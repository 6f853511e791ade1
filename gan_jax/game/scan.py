"""``lax.scan`` and ``lax.cond``, except where XLA's CPU compiler is slow in them."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp

_platform: ContextVar[str | None] = ContextVar("platform", default=None)


@contextlib.contextmanager
def traced_for(platform: str) -> Iterator[None]:
    """What is traced within is for another platform than this machine's, such as ``tpu``."""
    token = _platform.set(platform)
    try:
        yield
    finally:
        _platform.reset(token)


def scan(body_fn: Callable, carry: Any, inputs: Any = None, *, length: int | None = None):
    """As ``jax.lax.scan(body_fn, carry, inputs, length)``.

    One turn is not looped, and on a CPU a body with convolutions is repeated instead: in a loop they
    are 40 to 90 times slower there.

    Args:
        body_fn: ``(carry, one of inputs) -> (carry, output)``.
        carry: what goes from turn to turn.
        inputs: a tree with a leading axis, or None.
        length: the number of turns, where there are no inputs.
    """
    leaves = jax.tree.leaves(inputs)
    length = len(leaves[0]) if leaves else length

    def turn(index: int) -> Any:
        return jax.tree.map(lambda leaf: leaf[index], inputs)

    if length > 1 and not _slow_in_a_loop(body_fn, carry, turn(0)):
        return jax.lax.scan(body_fn, carry, inputs, length)
    outputs = []
    for index in range(length):
        carry, output = body_fn(carry, turn(index))
        outputs.append(output)
    return carry, jax.tree.map(lambda *values: jnp.stack(values), *outputs) if outputs else None


def cond(predicate: jax.Array, true_fn: Callable, false_fn: Callable, *operands: Any):
    """As ``jax.lax.cond(predicate, true_fn, false_fn, *operands)``.

    On a CPU, functions with convolutions are both computed and one result is selected: in a branch
    their gradients are up to 40 times slower there, so that a term skipped in 15 of 16 rounds would
    cost more than one that never is. With seeds side by side the predicate is one for each seed, and
    JAX itself computes both.

    Args:
        predicate: a boolean scalar.
        true_fn: of the operands.
        false_fn: likewise, with a result of the same structure, shapes and dtypes.
        *operands: of both.
    """
    if not (_slow_in_a_loop(true_fn, *operands) or _slow_in_a_loop(false_fn, *operands)):
        return jax.lax.cond(predicate, true_fn, false_fn, *operands)
    chosen = _gated(predicate, true_fn, operands), _gated(~predicate, false_fn, operands)
    return jax.tree.map(lambda a, b: jnp.where(predicate, a, b), *chosen)


def _gated(predicate: jax.Array, function: Callable, operands: Any) -> Any:
    """The function's value; no gradient flows back, not even NaN, unless the predicate holds."""
    function, closed_over = jax.closure_convert(function, *operands)
    gated = jax.tree.map(
        lambda leaf: jnp.where(predicate, leaf, jax.lax.stop_gradient(leaf)),
        (*operands, *closed_over),
    )
    return function(*gated)


def _slow_in_a_loop(body_fn: Callable, *inputs: Any) -> bool:
    on_cpu = (_platform.get() or jax.default_backend()) == "cpu"
    return on_cpu and "conv_general_dilated" in str(jax.make_jaxpr(body_fn)(*inputs))
