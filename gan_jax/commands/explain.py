"""What a run's discriminator looks at: ``python -m gan_jax explain RUN``; the report shows it too.

Four pictures: which pixels speak for real and which for fake, the verdict on each patch, the samples that look most
and least real to it, and walks along the directions in which a sample changes most. Of samples that are several
images, the first is explained.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from gan_jax.commands.command import Checkpoint, as_command
from gan_jax.context import Shown
from gan_jax.drawing.artefacts import Picture, write_artefact
from gan_jax.drawing.compose import beside, image_rows
from gan_jax.drawing.explained import heat, integrated_gradients, leading_directions
from gan_jax.drawing.pictures import image_grid
from gan_jax.drawing.players import Players, players_of
from gan_jax.game import draw_latents
from gan_jax.game.show import show
from gan_jax.training.given import load_given
from gan_jax.training.restore import step_of

_LAST = Checkpoint()
_ROWS, _EXTREMES, _DIRECTIONS, _FRAMES, _REACH = 8, 16, 5, 9, 3.0


@as_command
def explain(
    run: Annotated[Path, tyro.conf.Positional],
    *,
    checkpoint: Annotated[Checkpoint, tyro.conf.OmitArgPrefixes] = _LAST,
    num: int = 256,
    nodes: int = 32,
    seed: int = 0,
) -> None:
    """Explains what the discriminator of a run looks at, in pictures among the run's artefacts.

    Args:
        run: the run folder.
        checkpoint: which saved state.
        num: samples among which the most and the least real are sought.
        nodes: gradients along the way from the mean real image to each image.
        seed: of the latents.
    """
    if num < 2 * _EXTREMES:
        raise ValueError(f"--num must be at least {2 * _EXTREMES}, got {num}")
    folder, experiment, state = checkpoint.open(run)
    key = jax.random.key(seed)
    players = players_of(experiment.game, state, key=key)
    given = load_given(folder.given_file)
    count = len(jax.tree.leaves(given)[0])
    rows = jax.tree.map(lambda leaf: jnp.asarray(leaf[np.arange(num) % count]), given)
    latents = draw_latents(experiment.game, key, num)
    shown = show(experiment.game, players.generator_fn, latents, rows, players.turn)
    pictures = attributions(players, shown, nodes)
    pictures["explained_extremes"] = extremes(players, shown)
    if walk := directions(players, latents, rows):
        pictures["explained_directions"] = walk
    for name, picture in pictures.items():
        print(write_artefact(folder.path / "artefacts", name, step_of(state), picture))


def attributions(players: Players, shown: Shown, nodes: int) -> dict[str, Picture]:
    """Pixels that speak for real (red) and for fake (blue), and the verdict on each patch."""
    sides = {"real": (shown.real, shown.condition), "fake": (shown.fake, _told(shown))}
    pixels, patches = {}, {}
    for name, (samples, condition) in sides.items():
        samples, condition = jax.tree.map(lambda leaf: leaf[:_ROWS], (samples, condition))
        images, within = image_leaf(samples)
        baseline = image_leaf(shown.real)[0].mean(0)
        logit_fn = logits_of(players, within, condition)
        found = integrated_gradients(logit_fn, images, baseline, nodes=nodes)
        off = abs(
            found.sum((1, 2, 3))
            - np.asarray(logit_fn(images) - logit_fn(jnp.broadcast_to(baseline, images.shape)))
        )
        print(f"{name}: the pixels sum to the logit's difference but for {off.max():.2g}")
        pixels |= {name: images, f"red: for real ({name})": heat(found.sum(-1))}
        logits = players.judge_fn(samples, *(() if condition is None else (condition,)))[0]
        maps = [leaf for leaf in jax.tree.leaves(logits) if jnp.ndim(leaf) == 3]
        if maps:
            patches |= {name: images, f"red: real ({name})": _large(maps[0], images)}
    pictures = {"explained_pixels": _columns(pixels)}
    return pictures | ({"explained_patches": _columns(patches)} if patches else {})


def extremes(players: Players, shown: Shown) -> Picture:
    """The samples that the discriminator finds most and least real."""
    images, within = image_leaf(shown.fake)
    order = np.argsort(-np.asarray(logits_of(players, within, _told(shown))(images)))
    images = np.clip(np.asarray(images), -1.0, 1.0)
    best, worst = images[order[:_EXTREMES]], images[order[-_EXTREMES:]]
    return beside(**{"most real": image_grid(best), "least real": image_grid(worst)})


def directions(players: Players, latents: Any, rows: Any) -> Picture | None:
    """Walks along the directions in which the first sample changes most; None where latents are no noise."""
    if not isinstance(latents, jax.Array) or latents.ndim != 2 or "input" in rows:
        return None
    condition = rows.get("condition")
    told = () if condition is None else (jax.tree.map(lambda leaf: leaf[:1], condition),)

    def sample_fn(z: jax.Array) -> jax.Array:
        return players.generator_fn(z[None], *told)[0]

    if jax.eval_shape(sample_fn, latents[0]).ndim != 3:
        return None
    found, _ = leading_directions(sample_fn, latents[0], _DIRECTIONS)
    steps = np.linspace(-_REACH, _REACH, _FRAMES)
    places = np.asarray(latents[0]) + steps[None, :, None] * found[:, None]
    places = jnp.asarray(places.reshape(-1, latents.shape[1]), latents.dtype)
    walked = jax.jit(jax.vmap(sample_fn))(places)
    return Picture(image_grid(np.clip(np.asarray(walked), -1.0, 1.0), columns=_FRAMES))


def image_leaf(samples: Any) -> tuple[jax.Array, Callable[[jax.Array], Any]]:
    """The first images of a tree of samples, and how they are put back into it.

    Raises:
        ValueError: there are none.
    """
    leaves, structure = jax.tree.flatten(samples)
    places = [
        i for i, leaf in enumerate(leaves) if jnp.ndim(leaf) == 4 and leaf.shape[-1] in (1, 3)
    ]
    if not places:
        raise ValueError(
            "explain shows images [H, W, C] with 1 or 3 channels, and this run has none"
        )

    def within(images: jax.Array) -> Any:
        return jax.tree.unflatten(
            structure, [*leaves[: places[0]], images, *leaves[places[0] + 1 :]]
        )

    return leaves[places[0]], within


def logits_of(
    players: Players, within: Callable[[jax.Array], Any], condition: Any
) -> Callable[[jax.Array], jax.Array]:
    """A logit for each image: the mean over patches, the sum over judges."""

    def logit_fn(images: jax.Array) -> jax.Array:
        told = () if condition is None else (condition,)
        logits = players.judge_fn(within(images), *told)[0]
        return sum(leaf.reshape(len(leaf), -1).mean(1) for leaf in jax.tree.leaves(logits))

    return logit_fn


def _told(shown: Shown) -> Any:
    return shown.condition if shown.fake_condition is None else shown.fake_condition


def _large(logits: jax.Array, images: jax.Array) -> np.ndarray:
    factor = max(1, images.shape[1] // logits.shape[1])
    return heat(np.asarray(logits)).repeat(factor, 1).repeat(factor, 2)


def _columns(images: dict[str, Any]) -> Picture:
    """Twice as large as samples are shown: single pixels are looked at."""
    large = {k: np.asarray(v).repeat(2, 1).repeat(2, 2) for k, v in images.items()}
    return image_rows({k: np.clip(v, -1.0, 1.0) for k, v in large.items()})
