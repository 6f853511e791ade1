"""What a run of clips shows: generated and real ones that play, and their frames side by side."""

import numpy as np

from gan_jax.drawing.artefacts import Artefact, Picture
from gan_jax.drawing.compose import beside, clip_grid
from gan_jax.drawing.pictures import image_grid
from gan_jax.drawing.sampler import Sampler
from gan_jax.drawing.shown import ArtefactsFn
from gan_jax.drawing.sounds import in_turn

_ROWS = 10  # of the still picture


def clip_artefacts(*, num: int = 40, seconds: float = 1.6) -> ArtefactsFn:
    """Clips that play side by side, a label each in turn, and real ones of the same labels.

    ``samples`` and ``real`` are animations, ``frames`` is a picture: a row for each of the first
    clips, generated and real, time to the right.

    Args:
        num: how many clips, where the sampler names no number.
        seconds: of a clip.
    """

    def artefacts_fn(sampler: Sampler) -> dict[str, Artefact]:
        drawn = sampler.draw()
        chosen = in_turn(drawn.rows.get("condition"), len(drawn.samples))
        chosen = chosen if sampler.num else chosen[:num]
        kinds = {"samples": drawn.samples[chosen]}
        if "real" in drawn.rows:
            kinds["real"] = drawn.rows["real"][chosen]
        playing = {
            name: clip_grid(clips, columns=10, seconds=seconds) for name, clips in kinds.items()
        }
        return playing | {"frames": beside(**{n: _unrolled(c[:_ROWS]) for n, c in kinds.items()})}

    return artefacts_fn


def _unrolled(clips: np.ndarray) -> Picture:
    return Picture(image_grid(clips.reshape(-1, *clips.shape[2:]), columns=clips.shape[1]))
