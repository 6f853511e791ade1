"""Image files of a user, each at its own size, through a network: what restoration is for."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from gan_jax.data.image_file import read_image
from gan_jax.data.images import real_to_pixels
from gan_jax.drawing.encodings import png
from gan_jax.drawing.tiled import tiled
from gan_jax.drawing.whole_files import replace_file

ImageFn = Callable[[np.ndarray], Any]


def write_each(
    files: Sequence[Path], root: Path, out: Path, image_fn: ImageFn, channels: int
) -> list[Path]:
    """Writes of each image what a network makes of it, as a PNG of the same name.

    Images are turned as their EXIF orientation says. Transparent ones are laid on white, and get their
    opacity back afterwards.

    Args:
        files: images of any size.
        root: the folder that they were found in; their places below it are kept.
        out: a folder, made if it is not there.
        image_fn: ``[n, T, T, C] -> [n, s T, s T, C']`` in [-1, 1].
        channels: of the inputs: 1 (grey) or 3 (color).

    Returns:
        The files that were written.

    Raises:
        ValueError: two files would get one name, one would be written over itself, or is no image.
    """
    places = [(out / file.relative_to(root)).with_suffix(".png") for file in files]
    if twice := {place for place in places if places.count(place) > 1}:
        raise ValueError(f"two images would become {min(twice)}: give one of them another name")
    if own := {place.resolve() for place in places} & {file.resolve() for file in files}:
        raise ValueError(f"{min(own)} would be written over itself: choose another folder")

    for file, place in zip(
        tqdm(files, unit="image", leave=False, disable=None), places, strict=True
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(place, png(made_of(image_fn, file, channels)))
    return places


def made_of(image_fn: Callable[[np.ndarray], Any], file: Path, channels: int) -> Image.Image:
    """What a network makes of one image file, at the size of the file.

    Args:
        image_fn: ``[n, T, T, C] -> [n, s T, s T, C']`` in [-1, 1].
        file: an image.
        channels: of the input.
    """
    opacity = read_image(file, channels=4, background="white", size=None)[..., 3]
    pixels = read_image(file, channels=channels, background="white", size=None)
    found = real_to_pixels(tiled(image_fn, pixels.astype(np.float32) / 127.5 - 1.0))
    picture = Image.fromarray(found[..., 0] if found.shape[-1] == 1 else found)
    if (opacity == 255).all():
        return picture
    alpha = Image.fromarray(opacity).resize(picture.size, Image.Resampling.LANCZOS)
    picture = picture.convert("RGB")
    picture.putalpha(alpha)
    return picture
