"""What a run shows of its samples: functions of a sampler that give named artefacts."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax.drawing.artefacts import Artefact, Picture
from gan_jax.drawing.compose import image_rows
from gan_jax.drawing.pictures import image_grid
from gan_jax.drawing.sampler import Drawn, Sampler

ArtefactsFn = Callable[[Sampler], Mapping[str, Artefact]]
_PAIRS = 8  # rows of a picture of inputs, outputs and truths
_WALKS, _FRAMES = 5, 9


def image_artefacts(sampler: Sampler) -> dict[str, Artefact]:
    """A grid of samples, and a picture of walks between them; the default of an experiment.

    Samples of a labelled condition are in its order. Where rows hold an ``input``, each output
    stands beside its input and its truth instead, and there is no walk.

    Args:
        sampler: of images ``[H, W, C]`` in [-1, 1].
    """
    drawn = sampler.draw()
    if "input" in drawn.rows:
        return {"samples": pairs(drawn)}
    shown = {"samples": Picture(image_grid(_in_order(drawn)))}
    if _is_walkable(drawn.latents):
        walk = sampler.walk([(i, i + 1) for i in range(_WALKS)], _FRAMES)
        shown["interpolation"] = Picture(image_grid(walk.samples, columns=_FRAMES))
    return shown


def pairs(drawn: Drawn) -> Picture:
    """Inputs, outputs and truths side by side, of a few rows."""
    columns = {"input": drawn.rows["input"], "output": drawn.samples}
    if np.ndim(drawn.rows.get("real")) == 4:
        columns["truth"] = drawn.rows["real"]
    return image_rows({name: images[:_PAIRS] for name, images in columns.items()})


def pictured(picture_fn: Callable[[Any, Any], Image.Image], *, num: int = 64) -> ArtefactsFn:
    """One picture of samples, by a function of your own.

    Args:
        picture_fn: ``(samples, logits_fn) -> PIL image``; ``logits_fn(samples, condition=None)`` is
            what the discriminator says of samples, in evaluation mode.
        num: how many samples it gets, where the sampler names no number.
    """

    def artefacts_fn(sampler: Sampler) -> dict[str, Artefact]:
        def logits_fn(samples: Any, condition: Any = None) -> Any:
            logits, _ = sampler.players.judge_fn(samples, condition)
            return jax.tree.map(np.asarray, logits)

        return {"samples": Picture(picture_fn(sampler.draw(sampler.num or num).samples, logits_fn))}

    return artefacts_fn


def _in_order(drawn: Drawn) -> np.ndarray:
    condition = np.asarray(drawn.rows.get("condition", 0))
    labels = condition.ndim == 1 and np.issubdtype(condition.dtype, np.integer)
    return drawn.samples[np.argsort(condition, kind="stable")] if labels else drawn.samples


def _is_walkable(latents: Any) -> bool:
    return any(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(latents))
