"""Artefacts of samples: images beside one another, clips as one animation, lines of text."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_jax.drawing.artefacts import Animation, Picture, Text
from gan_jax.drawing.pictures import image_grid

_GAP = 6  # pixels between two columns
_CAPTION = 16  # pixels of the line above a column


def image_rows(columns: Mapping[str, np.ndarray]) -> Picture:
    """A row for each example, such as its input, what was made of it, and the truth.

    Smaller images (the input of a super-resolution) are enlarged by a whole factor, without
    smoothing, to about the size of the largest.

    Args:
        columns: caption -> images ``[N, H, W, C]`` in [-1, 1], with one N and with 1, 3 or 4
            channels.

    Raises:
        ValueError: there is no column, or their numbers of images differ.
    """
    arrays = {caption: np.asarray(images) for caption, images in columns.items()}
    lengths = {caption: len(images) for caption, images in arrays.items()}
    if len(set(lengths.values())) != 1 or not all(lengths.values()):
        raise ValueError(
            f"image_rows needs columns with one number of images, at least 1, got {lengths}"
        )
    tallest = max(images.shape[1] for images in arrays.values())
    grids = {
        caption: image_grid(_enlarged(images, tallest), columns=1)
        for caption, images in arrays.items()
    }
    return beside(**grids)


def _enlarged(images: np.ndarray, height: int) -> np.ndarray:
    factor = max(1, height // images.shape[1])
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


def beside(**pictures: Picture | Image.Image | np.ndarray) -> Picture:
    """Pictures side by side, each below its name: ``beside(input=a, output=b, truth=c)``.

    Args:
        pictures: pictures, or images ``[N, H, W, C]`` in [-1, 1], which become a grid.

    Raises:
        ValueError: there is none, or an array holds no images.
    """
    if not pictures:
        raise ValueError("beside needs at least one picture, got none")
    panels = {name: _image(picture).convert("RGB") for name, picture in pictures.items()}
    font = ImageFont.load_default(size=12)
    widths = [max(panel.width, int(font.getlength(name)) + 1) for name, panel in panels.items()]
    width = sum(widths) + _GAP * (len(panels) - 1)
    height = _CAPTION + max(panel.height for panel in panels.values())
    whole = Image.new("RGB", (width, height), "white")
    left, pen = 0, ImageDraw.Draw(whole)
    for (name, panel), wide in zip(panels.items(), widths, strict=True):
        pen.text((left, 0), name, fill="black", font=font)
        whole.paste(panel, (left, _CAPTION))
        left += wide + _GAP
    return Picture(whole)


def _image(picture: Picture | Image.Image | np.ndarray) -> Image.Image:
    if isinstance(picture, Picture):
        return picture.image
    return picture if isinstance(picture, Image.Image) else image_grid(picture)


def clip_grid(clips: np.ndarray, *, columns: int | None = None, seconds: float = 2.0) -> Animation:
    """Clips that play side by side.

    Args:
        clips: ``[N, T, H, W, C]`` in [-1, 1], with 1 or 3 channels.
        columns: of the grid; the nearest to a square by default.
        seconds: of a clip.

    Raises:
        ValueError: the clips are none.
    """
    clips = np.asarray(clips)
    if clips.ndim != 5 or clips.shape[-1] not in (1, 3) or not clips.size:
        raise ValueError(f"clips must be [N, T, H, W, C] with 1 or 3 channels, got {clips.shape}")
    grids = [
        np.asarray(image_grid(clips[:, time], columns=columns)) for time in range(clips.shape[1])
    ]
    frames = np.stack(grids)
    return Animation(frames[..., None] if frames.ndim == 3 else frames, seconds)


def texts(strings: Sequence[str], real: Sequence[str] | None = None) -> Text:
    """Numbered texts, and below them real ones to compare them with.

    Args:
        strings: what was generated; of several lines, the later ones are indented.
        real: texts of the data.
    """
    if real is None:
        return Text(_numbered(strings))
    return Text(f"generated\n\n{_numbered(strings)}\n\nreal\n\n{_numbered(real)}")


def _numbered(strings: Sequence[str]) -> str:
    wide = len(str(len(strings)))
    rest = "\n" + " " * (wide + 2)
    return "\n".join(
        f"{number:>{wide}}  {rest.join(string.splitlines())}"
        for number, string in enumerate(strings, 1)
    )
