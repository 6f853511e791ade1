"""What a run of sounds shows: generated and real ones to listen to, and their spectrograms."""

from collections.abc import Callable

import numpy as np

from gan_jax.drawing.artefacts import Artefact, Audio, Picture
from gan_jax.drawing.compose import beside
from gan_jax.drawing.pictures import image_grid
from gan_jax.drawing.sampler import Sampler
from gan_jax.drawing.shown import ArtefactsFn

_NUM = 10  # sounds in a row
_COLUMNS = 5
_PAUSE = 0.2  # seconds between two of them


def sound_artefacts(
    *, rate: int, spectrogram_fn: Callable[[np.ndarray], np.ndarray], num: int = _NUM
) -> ArtefactsFn:
    """Sounds one after the other, a label each in turn, beside real ones of the same labels.

    ``samples`` and ``real`` are sounds, ``spectrograms`` is a picture of both: time runs to the
    right, low tones are below.

    Args:
        rate: samples of a second.
        spectrogram_fn: ``[N, T] -> [N, frames, bands, 1]``, about [-1, 1].
        num: how many, where the sampler names no number.
    """

    def artefacts_fn(sampler: Sampler) -> dict[str, Artefact]:
        drawn = sampler.draw()
        chosen = in_turn(drawn.rows.get("condition"), len(drawn.samples))
        chosen = chosen if sampler.num else chosen[:num]
        kinds = {"samples": drawn.samples[chosen]}
        if "real" in drawn.rows:
            kinds["real"] = drawn.rows["real"][chosen]
        pictures = {name: _pictured(spectrogram_fn(sounds)) for name, sounds in kinds.items()}
        shown: dict[str, Artefact] = {name: joined(each, rate) for name, each in kinds.items()}
        return shown | {"spectrograms": beside(**pictures)}

    return artefacts_fn


def in_turn(labels: np.ndarray | None, num: int) -> np.ndarray:
    """Places of rows such that each label comes once before any comes twice, in their order.

    Args:
        labels: ``[num]``; None leaves the rows as they are.
        num: of rows.
    """
    if labels is None:
        return np.arange(num)
    labels = np.asarray(labels)
    before = np.array([(labels[:place] == labels[place]).sum() for place in range(num)])
    return np.lexsort((labels, before))


def joined(sounds: np.ndarray, rate: int) -> Audio:
    """Sounds ``[N, T]`` in [-1, 1] as one, with a pause after each.

    Args:
        sounds: of one length.
        rate: samples of a second.
    """
    pauses = np.zeros((len(sounds), int(_PAUSE * rate)), np.float32)
    return Audio(np.concatenate([sounds, pauses], axis=1).ravel(), rate)


def _pictured(spectrograms: np.ndarray):
    upright = np.swapaxes(np.asarray(spectrograms), 1, 2)[:, ::-1]
    return Picture(image_grid(upright.clip(-1.0, 1.0), columns=_COLUMNS))
