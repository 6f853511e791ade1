"""Both networks in evaluation mode, for whatever draws, measures or looks at a trained game."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.context import Turn
from gan_jax.game import Game, GANState
from gan_jax.game.keys import UpdateKeys, augmentation_key, update_keys
from gan_jax.game.passes import by_name, one_pass
from gan_jax.game.show import turn_of

Tree = Any  # of rows
Rows = Mapping[
    str, Any
]  # fields of examples on one leading axis: what samples are made from, and their truth


class Players(NamedTuple):
    """Both networks in evaluation mode (running statistics, no dropout): pure functions.

    Attributes:
        generator_fn: ``(*args, method=None)``: a call of the generator, of its EMA or its live
            weights.
        discriminator_fn: likewise of the discriminator.
        judge_fn: ``(samples, condition=None) -> (logits, sown)``: what the discriminator says of
            samples, augmented and packed as the game does it.
        turn: step and memory, for players that change with them.
        state: the whole state, for what has no other door.
    """

    generator_fn: Callable
    discriminator_fn: Callable
    judge_fn: Callable
    turn: Turn
    state: GANState | None = None


# (players, latents, rows) -> samples, a tree. Whatever is drawn is a leaf of the latents, whatever is
# given (a label, an input image) a field of the rows. There is no key.
DrawFn = Callable[[Players, Tree, Rows], Tree]


def generated(players: Players, latents: Tree, rows: Rows) -> Tree:
    """What the generator makes of latents, and of conditions if the rows hold any: the default."""
    condition = rows.get("condition")
    return players.generator_fn(*((latents,) if condition is None else (latents, condition)))


def clipped(players: Players, latents: Tree, rows: Rows) -> Tree:
    """:func:`generated` images, clipped to ``[-1, 1]``: for generators that end in no tanh."""
    return jax.tree.map(lambda image: jnp.clip(image, -1.0, 1.0), generated(players, latents, rows))


def players_of(game: Game, state: GANState, *, ema: bool = True, key: jax.Array) -> Players:
    """The players of a state.

    Args:
        game: the game.
        state: where it stands.
        ema: the generator's moving average; else its live weights.
        key: of what the networks draw by themselves, and of augmentation.
    """
    keys: UpdateKeys = update_keys(key)
    generator = state.ema if ema else state.generator.all_variables
    turn = turn_of(state.step, "generator", state.memory)

    def generator_fn(*args: Any, **options: Any) -> Any:
        return _evaluated(
            game.generator, generator, keys.generator, lambda call: call(*args, **options)
        )[0]

    def judged(calls_fn: Callable) -> tuple[Any, Mapping[str, tuple]]:
        variables = state.discriminator.all_variables
        return _evaluated(game.discriminator, variables, keys.real, calls_fn)

    def judge_fn(samples: Tree, condition: Any = None) -> tuple[Any, Mapping[str, tuple]]:
        shown = game.augment_fn(augmentation_key(keys.real), samples, turn)
        args = (shown,) if condition is None else (shown, condition)
        return judged(lambda call: call(*args))

    def discriminator_fn(*args: Any, **options: Any) -> Any:
        return judged(lambda call: call(*args, **options))[0]

    return Players(generator_fn, discriminator_fn, judge_fn, turn, state)


def _evaluated(module, variables, key, calls_fn) -> tuple[Any, Mapping[str, tuple]]:
    outputs, _, sown = one_pass(module, variables, key, calls_fn, train=False)
    return outputs, by_name(sown, "judged")
