"""One image file to pixels, as a person sees it: turned upright, on a background, over its whole range."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
Size = tuple[int, int]  # height, width


def read_image(path: Path, *, channels: int, background: str, size: Size | None) -> np.ndarray:
    """The image in 8 bits a channel: uint8 ``[H, W, channels]``.

    It is turned as its EXIF orientation says. Transparent pixels are laid on the background: what lies hidden
    beneath them is not seen. With four channels the transparency is kept instead, and what it hides is black.
    Grey images of 16 bits are divided by 257. Of several frames the first is taken.

    Args:
        path: of the file.
        channels: 1 (grey), 3 (RGB) or 4 (RGB and opacity).
        background: a colour's name, such as ``white``, or ``#rrggbb``; not used with four channels.
        size: height and width, as of :func:`fitted`; None takes the image as it is.

    Raises:
        ValueError: the file is empty, cut or no image, or its numbers have no range (float and 32-bit images).
    """
    with _opened(path) as image:
        image.load()
        image = _eight_bits(path, ImageOps.exif_transpose(image))
    if channels == 4:
        image = image.convert("RGBA").convert("RGBa").convert("RGBA")  # hidden colours become black
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
    pixels = np.asarray(fitted(image.convert(MODES[channels]), size), np.uint8)
    return pixels.reshape(*pixels.shape[:2], channels)


def fitted(image: Image.Image, size: Size | None) -> Image.Image:
    """The image cropped at the centre to the shape of ``size``, and resized to it (Lanczos)."""
    if size is None:
        return image
    return ImageOps.fit(image, (size[1], size[0]), Image.Resampling.LANCZOS)


def check_color(name: str) -> str:
    """The colour's name, if it is one.

    Raises:
        ValueError: it is none.
    """
    try:
        ImageColor.getrgb(name)
    except ValueError as error:
        raise ValueError(
            f"background must be the name of a colour, such as white, or #rrggbb, got {name!r}"
        ) from error
    return name


def kind_of(path: Path) -> str:
    """What is special about a file, from its header: ``transparent``, ``16 bits``, ``turned``; mostly nothing.

    Raises:
        ValueError: the file is empty or no image.
    """
    with _opened(path) as image:
        kinds = [
            ("transparent", image.has_transparency_data),
            ("16 bits", _is_sixteen_bit(image)),
            ("turned by EXIF", image.getexif().get(0x0112, 1) != 1),
            ("animated", getattr(image, "n_frames", 1) > 1),
        ]
    return ", ".join(name for name, there in kinds if there)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        size = path.stat().st_size
        bands = " (more than four bands are read from .npy arrays)" if "tif" in path.suffix else ""
        raise ValueError(
            f"{path} ({size} bytes) cannot be read as an image ({error}): mend or remove it{bands}"
        ) from error


def _is_sixteen_bit(image: Image.Image) -> bool:
    return image.mode in _SIXTEEN_BIT or (image.mode == "I" and image.format == "PNG")


def _eight_bits(path: Path, image: Image.Image) -> Image.Image:
    if _is_sixteen_bit(image):
        levels = np.asarray(image).astype(np.float64) / 257.0
        return Image.fromarray(np.rint(levels).clip(0, 255).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(
            f"{path} holds {'floats' if image.mode == 'F' else '32-bit integers'}, whose black and white nobody knows: "
            "scale it to 8 or 16 bits first"
        )
    return image
