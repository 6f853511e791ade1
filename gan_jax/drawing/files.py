"""Samples as files in a folder, one each: block by block, so memory does not grow with their number."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from gan_jax.data.dataset import BLOCK
from gan_jax.data.images import real_to_pixels
from gan_jax.drawing.artefacts import Artefact, encode
from gan_jax.drawing.encodings import png
from gan_jax.drawing.sampler import Sampler
from gan_jax.drawing.whole_files import replace_file

_RECORD = "samples.json"


def write_samples(
    folder: Path,
    sampler: Sampler,
    num: int,
    made_of: Mapping[str, Any],
    *,
    file_fn: Callable[[Any], Artefact] | None = None,
    progress_fn: Callable[[int], Any] = lambda count: None,
) -> int:
    """Writes ``00000000.png, ...``: images as PNG, everything else as ``.npy``, or what ``file_fn`` makes.

    Without it, samples that are a tree get a folder for each leaf. What is there already is not drawn again: an
    interrupted call goes on where it was.

    Args:
        folder: made if it is not there.
        sampler: draws.
        num: how many samples.
        made_of: what the samples follow from (run, step, seed, options), in JSON: written down, and
            compared with that of files that are there.
        file_fn: one sample -> the artefact that is its file, such as a sound.
        progress_fn: hears of the samples of each block.

    Returns:
        How many were written now.

    Raises:
        ValueError: the folder holds other samples.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _check_record(folder, made_of)
    written = 0
    for start in range(0, num, BLOCK):
        count = min(BLOCK, num - start)
        names = [f"{number:08d}" for number in range(start, start + count)]
        if not _all_there(folder, names):
            drawn = sampler.block(start // BLOCK, count)
            if file_fn is None:
                _write_leaves(folder, names, drawn.samples)
            else:
                _write_artefacts(folder, names, drawn.samples, file_fn)
            written += count
        progress_fn(count)
    return written


def _write_leaves(folder: Path, names: list[str], samples: Any) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(samples):
        place = folder.joinpath(*(str(getattr(k, "key", getattr(k, "idx", k))) for k in path))
        for name, sample in zip(names, leaf, strict=True):
            suffix, content = _encoded(sample)
            replace_file(place / f"{name}{suffix}", content)


def _write_artefacts(
    folder: Path, names: list[str], samples: Any, file_fn: Callable[[Any], Artefact]
) -> None:
    for place, name in enumerate(names):
        sample = jax.tree.map(lambda leaf, place=place: leaf[place], samples)
        suffix, content = encode(name, file_fn(sample))
        replace_file(folder / f"{name}{suffix}", content)


def _check_record(folder: Path, made_of: Mapping[str, Any]) -> None:
    file = folder / _RECORD
    made_of = json.loads(json.dumps(made_of))
    if file.is_file():
        there = json.loads(file.read_text())
        differing = [k for k in made_of.keys() | there.keys() if made_of.get(k) != there.get(k)]
        if differing:
            told = ", ".join(
                f"{k}: {there.get(k)} there, {made_of.get(k)} now" for k in sorted(differing)
            )
            raise ValueError(f"{folder} holds other samples ({told}): choose another folder")
        return
    if any(folder.iterdir()):
        raise ValueError(f"{folder} holds other files: choose an empty or a new folder")
    replace_file(file, json.dumps(made_of, indent=2).encode() + b"\n")


def _all_there(folder: Path, names: list[str]) -> bool:
    """Whether each leaf's folder has a file of every name."""
    there = {path.stem for path in folder.rglob("*") if path.name[:1].isdigit()}
    return there.issuperset(names) and bool(names)


def _encoded(sample: np.ndarray) -> tuple[str, bytes]:
    if sample.ndim == 3 and sample.shape[-1] in (1, 3, 4):
        pixels = real_to_pixels(sample)
        return ".png", png(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
    stream = io.BytesIO()
    np.save(stream, sample, allow_pickle=False)
    return ".npy", stream.getvalue()
