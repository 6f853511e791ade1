"""What a game draws, shows and augments, checked while it is traced."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.context import Named, Shown, Turn
from gan_jax.game.game import Game
from gan_jax.game.passes import NetworkFn


def draw_latents(game: Game, key: jax.Array, num: int) -> Any:
    """``num`` rows from the game's latent distribution: ``[num, game.latent_size]``, or a tree of rows.

    Raises:
        ValueError: ``latent_fn`` gave a leaf of another number of rows.
    """
    latents = game.latent_fn(key, (num, game.latent_size))
    for path, leaf in jax.tree_util.tree_leaves_with_path(latents):
        if jnp.shape(leaf)[:1] != (num,):
            raise ValueError(
                f"latent_fn(key, ({num}, {game.latent_size})) must give leaves of {num} rows, got "
                f"{jnp.shape(leaf)} at "
                f"latents{jax.tree_util.keystr(path)}: what is drawn twice for an example is two leaves"
            )
    return latents


def turn_of(step: jax.Array, player: str, memory: Mapping[str, Any]) -> Turn:
    """A turn, whose memory says what it holds when it is asked for something else."""
    message = "the game has no memory {name}, it has {names}: Game(memory={{name: Memory(...)}})"
    return Turn(step, player, Named(memory, message))


def show(
    game: Game, generator_fn: NetworkFn, latents: Any, batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """What the game puts before its discriminator, checked.

    Raises:
        TypeError: ``show_fn`` returned something else.
        ValueError: it asked for what the batch does not hold, or the two sides do not fit each
            other.
    """
    asked = Named(
        batch,
        "show_fn asks the batch for {name}, which holds {names}: give the data's fields the names that the game uses, by "
        "pixels_to_real(batch) or an experiment's prepare_fn",
    )
    shown = game.show_fn(generator_fn, latents, asked, turn)
    if not isinstance(shown, Shown):
        raise TypeError(f"show_fn must return Shown(real, fake, ...), got {type(shown).__name__}")
    if not isinstance(shown.extras, Mapping):
        raise TypeError(f"extras of Shown must be a dict, got {type(shown.extras).__name__}")
    _check_sides(shown)
    _check_rows("condition", shown.condition, shown.real)
    _check_rows("fake_condition", shown.fake_condition, shown.fake)
    if game.memory:  # which is shown them, for the global batch
        _check_rows("extras", shown.extras, None)
    return shown._replace(
        extras=Named(shown.extras, "show_fn gives no extras {name}, it gives {names}")
    )


def augmented(game: Game, key: jax.Array, raw: Any, condition: Any, turn: Turn) -> Any:
    """Samples as the discriminator sees them.

    Raises:
        ValueError: there is a condition, and the augmentation changed the number of rows.
    """
    samples = game.augment_fn(key, raw, turn)
    before, after = (len(jax.tree.leaves(tree)[0]) for tree in (raw, samples))
    if after != before and condition is not None:
        raise ValueError(
            f"augment_fn makes {after} rows of {before} that have a condition: packing joins samples of "
            "different conditions, and is for players without a condition"
        )
    return samples


def _check_rows(what: str, tree: Any, samples: Any) -> None:
    """Refuses what is no tree of rows, or of other rows than the samples."""
    sizes = [len(leaf) for leaf in jax.tree.leaves(samples)[:1]]
    for path, leaf in _leaves(tree):
        shape = jnp.shape(leaf)
        if not shape or (sizes and shape[0] != sizes[0]):
            rows = f"{sizes[0]} rows" if sizes else "rows"
            raise ValueError(
                f"{what}{path} of Shown must have {rows}, got shape {shape}: one value for all rows is "
                "jnp.full(num, value)"
            )


def _check_sides(shown: Shown) -> None:
    """Refuses two sides that would be broadcast into nonsense, or that the loss cannot compare."""
    if jax.tree.structure(shown.real) != jax.tree.structure(shown.fake):
        raise ValueError(
            "show_fn must show real and fake of one structure, got real: "
            f"{_layout(shown.real)}; fake: {_layout(shown.fake)}"
        )
    sides = zip(_leaves(shown.real), _leaves(shown.fake), strict=True)
    for (path, real), (_, fake) in sides:
        if not (jnp.ndim(real) and jnp.ndim(fake)):
            raise ValueError(
                f"real{path} and fake{path} of Shown must be arrays of rows, got {real!r} and {fake!r}"
            )
        if real.dtype != fake.dtype:
            raise TypeError(
                f"real{path} is {real.dtype} and fake{path} is {fake.dtype}: both must be floating point, or of "
                "one dtype; scale pixels to [-1, 1] as pixels / 127.5 - 1"
            )
        if real.shape[1:] != fake.shape[1:]:
            raise ValueError(
                f"fake{path} is {fake.shape[1:]} and real{path} is {real.shape[1:]}, rows apart: both sides must have "
                "one shape; a generator of images is given that of the data, (height, width, channels)"
            )


def _leaves(tree: Any) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in leaves]


def _layout(tree: Any) -> str:
    return ", ".join(
        f"{path or 'an array'} {leaf.dtype}{list(leaf.shape)}" for path, leaf in _leaves(tree)
    )
