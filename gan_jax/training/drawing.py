"""Samples for pictures and figures."""

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.drawing import Players, players_of
from gan_jax.drawing.pictures import LogitsFn
from gan_jax.drawing.walk import interpolate
from gan_jax.game import Game, GANState, Shown, draw_latents
from gan_jax.game.keys import named, run_keys
from gan_jax.game.passes import one_pass
from gan_jax.game.show import show, turn_of
from gan_jax.training.experiment import Experiment

_DIVISIBLE = 840  # by every pack size up to 8
_STANDING = 64  # latents in a pass for standing statistics
Tree = Any  # of rows


class Drawer:
    """Draws samples for pictures and figures: always from the same latents.

    Args:
        experiment: for its game, its key and its ``draw_fn``.
        given: rows that samples are made from (conditions, inputs), taken again from the first on
            where more are drawn; those of :func:`gan_jax.training.given.load_given`. None where
            samples need latents only.
        seed: for other latents than those of the run's own pictures.
        purpose: the name of a stream of latents, other than that of the run's own pictures and
            measurements.
    """

    def __init__(
        self,
        experiment: Experiment,
        given: Any = None,
        *,
        seed: int | None = None,
        purpose: str | None = None,
    ):
        self._experiment, self._given, self._purpose = experiment, given or {}, purpose
        self._set_key(experiment.members[0].root_key if seed is None else jax.random.key(seed))
        self._draw = jax.jit(partial(_draw, experiment), static_argnames="ema")
        self._judge = jax.jit(partial(_judged, experiment.game))
        self._show = jax.jit(partial(_shown, experiment.game))
        self._settle_once = jax.jit(partial(_moved_statistics, experiment))

    def _set_key(self, root_key: jax.Array) -> None:
        key = run_keys(root_key).drawing
        self._key = key if self._purpose is None else named(key, self._purpose)

    def members(self) -> list["Drawer"]:
        """A drawer for each seed of the experiment; they share what is compiled."""
        drawers = []
        for member in self._experiment.members:
            drawer = copy.copy(self)
            drawer._set_key(member.root_key)
            drawers.append(drawer)
        return drawers

    def rows(self, num: int) -> Any:
        """The rows that the samples of :meth:`draw` are made from: those that are given, in turn."""
        return jax.tree.map(lambda leaf: leaf[np.arange(num) % len(leaf)], self._given)

    def check(self, state: GANState) -> None:
        """Draws without computing anything: what ``draw_fn`` cannot do is said before a run begins.

        Args:
            state: arrays, or their shapes, of one seed.
        """

        def drawn(state: GANState) -> Tree:
            latents = draw_latents(self._experiment.game, self._key, 2)
            return _draw(self._experiment, state, latents, self.rows(2), self._key, ema=True)

        jax.eval_shape(drawn, state)

    def draw(self, state: GANState, num: int, *, ema: bool = True, batch_size: int = 250) -> Tree:
        """``num`` samples of the EMA or of the live weights, drawn in batches; NumPy arrays."""
        parts = list(self.batches(state, num, ema=ema, batch_size=batch_size))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

    def batches(
        self, state: GANState, num: int, *, ema: bool = True, batch_size: int = 250
    ) -> Iterator[Tree]:
        """The samples of :meth:`draw`, at most ``batch_size`` at a time."""
        state = self.settled(state, ema=ema)
        latents_key = jax.random.split(self._key)[0]
        latents, given = draw_latents(self._experiment.game, latents_key, num), self.rows(num)
        size = min(num, batch_size)
        for start in range(0, num, size):
            # the last batch is filled up with rows of the one before: one shape, one compilation
            first = min(start, num - size)
            latents_part, given_part = (
                jax.tree.map(lambda leaf, f=first: leaf[f : f + size], tree)
                for tree in (latents, given)
            )
            part = self._draw(state, latents_part, given_part, self._key, ema=ema)
            yield jax.tree.map(lambda leaf, s=start - first: np.asarray(leaf)[s:], part)

    def interpolation(self, state: GANState, *, rows: int = 5, columns: int = 9) -> Tree | None:
        """``rows * columns`` samples of latents on the way from one to another, row by row.

        None of a game whose latents are no vectors ``[B, Z]``.
        """
        ends = draw_latents(self._experiment.game, named(self._key, "walk"), 2 * rows)
        if not isinstance(ends, jax.Array) or ends.ndim != 2:
            return None
        state = self.settled(state, ema=True)
        latents = interpolate(ends[:rows], ends[rows:], columns).reshape(rows * columns, -1)
        given = jax.tree.map(lambda leaf: np.repeat(leaf, columns, 0), self.rows(rows))
        return jax.tree.map(np.asarray, self._draw(state, latents, given, self._key, ema=True))

    def shown(self, state: GANState, rows: Any) -> Shown:
        """What the game shows of some rows with the live weights, in evaluation mode."""
        num = len(jax.tree.leaves(rows)[0])
        latents = draw_latents(self._experiment.game, jax.random.split(self._key)[0], num)
        shown = self._show(state, latents, rows, self._key)
        return jax.tree.map(np.asarray, shown._replace(extras={}))

    def settled(self, state: GANState, *, ema: bool) -> GANState:
        """With running statistics of its own, in as many passes as the experiment asks for."""
        for index in range(self._experiment.standing_passes):
            key = jax.random.fold_in(named(self._key, "standing statistics"), index)
            variables = state.ema if ema else state.generator.all_variables
            variables = self._settle_once(state, variables, self.rows(_STANDING), key)
            state = _with_variables(state, variables, ema=ema)
        return state

    def logits_fn(self, state: GANState) -> LogitsFn:
        """What a discriminator says of samples (and their conditions), in evaluation mode.

        With packing, which is for players without conditions, of packs of copies.
        """
        return lambda samples, condition=None: jax.tree.map(
            np.asarray, self._judge(state, samples, condition)
        )


def _judged(game: Game, state: GANState, samples: Tree, condition: Any) -> Tree:
    key = jax.random.key(0)
    players = players_of(game, state, key=key)
    many = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((_DIVISIBLE, *leaf.shape[1:]), leaf.dtype), samples
    )
    packs = jax.eval_shape(lambda rows: game.augment_fn(key, rows, players.turn), many)
    copies = _DIVISIBLE // len(jax.tree.leaves(packs)[0])
    repeated = jax.tree.map(lambda leaf: jnp.repeat(leaf, copies, 0), samples)
    return players.judge_fn(repeated, condition)[0]


def _draw(experiment, state, latents, given, key, *, ema):
    players: Players = players_of(experiment.game, state, ema=ema, key=key)
    return experiment.draw_fn(players, latents, given)


def _shown(game: Game, state: GANState, latents: Any, rows: Any, key: jax.Array) -> Shown:
    players = players_of(game, state, ema=False, key=key)
    return show(game, players.generator_fn, latents, rows, players.turn)


def _moved_statistics(experiment, state: GANState, variables: Any, given: Any, key: jax.Array):
    """A generator's variables after one pass in training mode, which moves its running statistics only.

    Repeated, it recomputes batch-norm statistics for the averaged weights (standing statistics).
    Without it the EMA keeps a moving average of the live generator's statistics, which do not fit
    its weights: deep in a network with many normalisations the two are far apart.

    References:
        Brock et al. 2019, arXiv 1809.11096, appendix (standing statistics); Izmailov et al. 2018,
        arXiv 1803.05407 (batch norm after weights are averaged).
    """
    game, turn = experiment.game, turn_of(state.step, "generator", state.memory)
    latents_key, own_key = jax.random.split(key)
    latents = draw_latents(game, latents_key, _STANDING)
    _, moved, _ = one_pass(
        game.generator, variables, own_key, lambda g: show(game, g, latents, given, turn)
    )
    return {**variables, **moved}


def _with_variables(state: GANState, variables: Any, *, ema: bool) -> GANState:
    if ema:
        return state.replace(ema=variables)
    running = {name: tree for name, tree in variables.items() if name != "params"}
    return state.with_player("generator", state.generator.replace(variables=running))
