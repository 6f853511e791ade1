"""A game that is watched while it plays three rounds."""

import dataclasses
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gan_jax.game import Game, GANState, init, make_train_step
from gan_jax.game.check_batch import Batch
from gan_jax.game.update import Play

PLAYERS = ("generator", "discriminator")
ROUNDS = 3


class Watched(NamedTuple):
    """The state of an optimizer that is watched.

    Attributes:
        inner: of the optimizer itself.
        share: what its updates are multiplied by: 1, or 0 to freeze the player.
        seen: of each parameter the largest absolute gradient so far.
    """

    inner: Any
    share: jax.Array
    seen: Any


class Trial:
    """A game with watched optimizers, and three rounds of it; compiled when a first law asks."""

    def __init__(self, game: Game, batch: Batch, play: Play):
        watched = {f"{name}_optimizer": _watched(game.optimizer(name)) for name in PLAYERS}
        self.game = dataclasses.replace(game, **watched)
        self.batch, self.play, self.traces = batch, play, 0

    @cached_property
    def key(self) -> jax.Array:
        """Of initialisation and of every step."""
        return jax.random.key(0)

    @cached_property
    def init(self) -> Callable[[jax.Array, Batch], GANState]:
        """Of the key and the batch, compiled."""
        return jax.jit(partial(init, self.game))

    @cached_property
    def first(self) -> GANState:
        """The state before the first round."""
        return self.init(self.key, self.batch)

    @cached_property
    def step(self) -> Callable[[GANState], tuple[GANState, dict[str, jax.Array]]]:
        """A round, compiled; counts its traces."""
        train_step = make_train_step(self.game, self.play)

        def counted(state, batch, key):
            self.traces += 1
            return train_step(state, batch, key)

        jitted = jax.jit(counted)
        return lambda state: jitted(state, self.batch, self.key)

    @cached_property
    def rounds(self) -> list[tuple[GANState, dict[str, jax.Array]]]:
        """State and metrics after each round."""
        states = []
        for _ in range(ROUNDS):
            states.append(self.step(states[-1][0] if states else self.first))
        return states


def _watched(optimizer: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    inner = optax.with_extra_args_support(optimizer)

    def init_fn(params):
        return Watched(
            inner.init(params), jnp.ones(()), jax.tree.map(lambda _: jnp.zeros(()), params)
        )

    def update_fn(gradients, state, params=None, **extra):
        updates, after = inner.update(gradients, state.inner, params, **extra)
        updates = jax.tree.map(lambda u: u * state.share.astype(u.dtype), updates)
        seen = jax.tree.map(
            lambda old, g: jnp.maximum(old, jnp.abs(g).max().astype(old.dtype)),
            state.seen,
            gradients,
        )
        return updates, Watched(after, state.share, seen)

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)
