"""Samplers of one game: what draws from its states, compiled once for all of them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.dataset import Data
from gan_jax.drawing.players import DrawFn, Players, Rows, Tree, generated, players_of
from gan_jax.drawing.sampler import LatentsFn, Sampler
from gan_jax.game import Game, GANState, Shown, draw_latents
from gan_jax.game.keys import named, run_keys
from gan_jax.game.passes import one_pass
from gan_jax.game.show import show, turn_of

_DIVISIBLE = 840  # by every pack size up to 8
_STANDING = 64  # latents in a pass for standing statistics


class Samplers:
    """Makes samplers of a game's states; all of them share what is compiled.

    Args:
        game: the game.
        draw_fn: ``(players, latents, rows) -> samples``.
        data: whose rows samples are made from, where none are given.
        given: rows that samples are made from where a sampler is asked for without data.
        options: fields of one number for all rows, with their defaults.
        standing_statistics_batches: before a generator draws, its running statistics are taken anew
            in so many passes of 64 latents.
    """

    def __init__(
        self,
        game: Game,
        draw_fn: DrawFn = generated,
        *,
        data: Data | None = None,
        given: Rows | None = None,
        options: Mapping[str, float] | None = None,
        standing_statistics_batches: int = 0,
    ):
        self._game, self._draw_fn, self._data = game, draw_fn, data
        self._given, self._options = given or {}, dict(options or {})
        self._standing = standing_statistics_batches
        self._draw = jax.jit(partial(_draw, game, draw_fn), static_argnames="ema")
        self._call = jax.jit(partial(_called, game), static_argnames=("player", "method", "ema"))
        self._judge = jax.jit(partial(_judged, game))
        self._show = jax.jit(partial(_shown, game))
        self._settle_once = jax.jit(partial(_moved_statistics, game))
        self._latents = jax.jit(partial(draw_latents, game), static_argnums=1)

    def sampler(
        self,
        state: GANState,
        root_key: jax.Array,
        purpose: str,
        *,
        ema: bool = True,
        use_data: bool = False,
        draw_fn: DrawFn | None = None,
        latents_fn: LatentsFn | None = None,
        num: int | None = None,
        options: Mapping[str, float] | None = None,
    ) -> Sampler:
        """A sampler of one state, of one seed.

        Args:
            state: arrays.
            root_key: of the run or of a user's seed.
            purpose: names the stream of latents; no two purposes share one.
            ema: the generator's moving average; else its live weights.
            use_data: whether samples are made from rows of the data; else from those given.
            draw_fn: instead of the game's; it is not jitted.
            latents_fn: instead of the game's.
            num: how many samples, where a call names no number.
            options: beside the game's own, or instead of their defaults.
        """
        key = named(run_keys(root_key).drawing, purpose)
        state = self.settled(state, key, ema=ema)

        def block_fn(own_key: jax.Array, latents: Tree, rows: Rows) -> Tree:
            if draw_fn is None:
                return self._draw(state, latents, rows, own_key, ema=ema)
            return draw_fn(self._players(state, own_key, ema), latents, rows)

        return Sampler(
            block_fn,
            latents_fn or self._latents,
            key,
            players=self._players(state, key, ema),
            data=self._data,
            given=None if use_data else self._given,
            num=num,
            options=self._options | dict(options or {}),
        )

    def check(self, state: GANState) -> None:
        """Draws without computing anything: what ``draw_fn`` cannot do is said before a run begins.

        Args:
            state: arrays, or their shapes, of one seed.
        """

        def drawn(state: GANState) -> Tree:
            key = jax.random.key(0)
            latents = draw_latents(self._game, key, 2)
            rows = jax.tree.map(lambda leaf: leaf[np.arange(2) % len(leaf)], self._given)
            rows |= {name: jnp.full(2, value) for name, value in self._options.items()}
            return _draw(self._game, self._draw_fn, state, latents, rows, key, ema=True)

        jax.eval_shape(drawn, state)

    def shown(self, state: GANState, root_key: jax.Array, rows: Rows) -> Shown:
        """What the game shows of some rows with the live weights, in evaluation mode."""
        key = named(run_keys(root_key).drawing, "health")
        latents = draw_latents(self._game, key, len(jax.tree.leaves(rows)[0]))
        return self._show(state, latents, rows, key)._replace(extras={})

    def logits(self, state: GANState, samples: Tree, condition: Any = None) -> Tree:
        """What a discriminator says of samples, in evaluation mode.

        With packing, which is for players without conditions, of packs of copies.
        """
        return self._judge(state, samples, condition)[0]

    def settled(self, state: GANState, key: jax.Array, *, ema: bool) -> GANState:
        """With running statistics of its own, in as many passes as the experiment asks for."""
        for index in range(self._standing):
            pass_key = jax.random.fold_in(named(key, "standing statistics"), index)
            variables = state.ema if ema else state.generator.all_variables
            rows = jax.tree.map(lambda leaf: leaf[np.arange(_STANDING) % len(leaf)], self._given)
            variables = self._settle_once(state, variables, rows, pass_key)
            state = _with_variables(state, variables, ema=ema)
        return state

    def _players(self, state: GANState, key: jax.Array, ema: bool) -> Players:
        """The players of a state, each call jitted."""
        plain = players_of(self._game, state, ema=ema, key=key)

        def called(player: str):
            return lambda *args, method=None, **options: self._call(
                state, key, args, options, player=player, method=method, ema=ema
            )

        return plain._replace(
            generator_fn=called("generator"),
            discriminator_fn=called("discriminator"),
            judge_fn=lambda samples, condition=None: self._judge(state, samples, condition),
        )


def _called(game: Game, state, key, args, options, *, player: str, method, ema: bool):
    players = players_of(game, state, ema=ema, key=key)
    options = options if method is None else options | {"method": method}
    return getattr(players, f"{player}_fn")(*args, **options)


def _draw(game: Game, draw_fn: DrawFn, state, latents, rows, key, *, ema: bool) -> Tree:
    return draw_fn(players_of(game, state, ema=ema, key=key), latents, rows)


def _judged(game: Game, state: GANState, samples: Tree, condition: Any) -> tuple[Tree, Mapping]:
    key = jax.random.key(0)
    players = players_of(game, state, key=key)
    many = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((_DIVISIBLE, *leaf.shape[1:]), leaf.dtype), samples
    )
    packs = jax.eval_shape(lambda rows: game.augment_fn(key, rows, players.turn), many)
    copies = _DIVISIBLE // len(jax.tree.leaves(packs)[0])
    repeated = jax.tree.map(lambda leaf: jnp.repeat(leaf, copies, 0), samples)
    return players.judge_fn(repeated, condition)


def _shown(game: Game, state: GANState, latents: Any, rows: Any, key: jax.Array) -> Shown:
    players = players_of(game, state, ema=False, key=key)
    return show(game, players.generator_fn, latents, rows, players.turn)


def _moved_statistics(game: Game, state: GANState, variables: Any, given: Any, key: jax.Array):
    """A generator's variables after one pass in training mode, which moves its running statistics only.

    Repeated, it recomputes batch-norm statistics for the averaged weights (standing statistics).
    Without it the EMA keeps a moving average of the live generator's statistics, which do not fit
    its weights: deep in a network with many normalisations the two are far apart.

    References:
        Brock et al. 2019, arXiv 1809.11096, appendix (standing statistics); Izmailov et al. 2018,
        arXiv 1803.05407 (batch norm after weights are averaged).
    """
    turn = turn_of(state.step, "generator", state.memory)
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
