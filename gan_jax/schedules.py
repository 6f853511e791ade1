"""Schedules: functions of the round, for weights, noise and shares; those of optax, with checks.

Learning rates take optax's schedules as they are (of updates, not of rounds):
``optax.adam(optax.cosine_decay_schedule(2e-4, steps))``.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

Schedule = Callable[[jax.Array], jax.Array]


def linear(first: float, last: float, *, begin: int = 0, end: int) -> Schedule:
    """``first`` until round ``begin``, a straight line to ``last`` at round ``end``, ``last`` after.

    Args:
        first: finite, not negative.
        last: finite, not negative.
        begin: the round in which the change begins.
        end: the round in which it ends, after ``begin``.

    Raises:
        ValueError: a value is negative, or the schedule ends before it begins.
    """
    _check(first, last, begin, end)
    return optax.linear_schedule(first, last, transition_steps=end - begin, transition_begin=begin)


def cosine(first: float, last: float, *, begin: int = 0, end: int) -> Schedule:
    """As :func:`linear`, along half a cosine wave: ``last + (first - last) (1 + cos(pi t)) / 2``.

    Args:
        first: finite, not negative.
        last: finite, not negative.
        begin: the round in which the change begins.
        end: the round in which it ends, after ``begin``.

    Raises:
        ValueError: a value is negative, or the schedule ends before it begins.

    References:
        Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5 (one run of it).
    """
    _check(first, last, begin, end)

    def schedule(step: jax.Array) -> jax.Array:
        share = jnp.clip((step - begin) / (end - begin), 0.0, 1.0)
        return last + (first - last) * (1.0 + jnp.cos(jnp.pi * share)) / 2.0

    return schedule


def lazy(weight: float, *, every: int) -> Schedule:
    """``every * weight`` in rounds 0, every, 2 every, ...; 0 in the others (lazy regularisation).

    In the others the term is not computed, but for convolutions on a CPU
    (:func:`gan_jax.game.scan.cond`). It is part of the player's one update in its round, so the
    optimiser's rate and moments need no correction: StyleGAN2's ``k / (k + 1)`` belongs to a
    regularisation that has an update of its own.

    Args:
        weight: the mean over the rounds; finite, not negative.
        every: rounds, at least 1.

    Raises:
        ValueError: a number is out of range.

    References:
        Karras et al. 2020, arXiv 1912.04958, section 3.1 (lazy regularisation).
    """
    if not 0.0 <= weight < float("inf") or every < 1:
        raise ValueError(
            f"weight must be a finite number >= 0 and every at least 1 round, got {weight} and {every}"
        )
    return lambda step: jnp.where(step % every == 0, every * weight, 0.0)


def until(end: int, weight: float = 1.0) -> Schedule:
    """``weight`` in rounds before ``end``, 0 from then on: a phase that ends, such as pre-training.

    Args:
        end: the first round without it, at least 1.
        weight: finite, not negative.

    Raises:
        ValueError: a number is out of range.
    """
    _check(weight, 0.0, 0, end)
    return lambda step: jnp.where(step < end, weight, 0.0)


def since(begin: int, weight: float = 1.0) -> Schedule:
    """0 in rounds before ``begin``, ``weight`` from then on: the phase after :func:`until`.

    Args:
        begin: the first round with it, at least 1.
        weight: finite, not negative.

    Raises:
        ValueError: a number is out of range.
    """
    _check(weight, 0.0, 0, begin)
    return lambda step: jnp.where(step >= begin, weight, 0.0)


def _check(first: float, last: float, begin: int, end: int) -> None:
    for name, value in (("first", first), ("last", last)):
        if not 0.0 <= value < float("inf"):
            raise ValueError(f"{name} must be a finite number >= 0, got {value}")
    if not 0 <= begin < end:
        raise ValueError(
            f"a schedule must begin at round 0 or later and end after it begins, got begin={begin} "
            f"and end={end}"
        )
