"""One image file to pixels, as a person sees it: turned upright, on a background, over its whole range."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

MODES = {1: "L", 3: "RGB"}
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")


def read_image(path: Path, *, channels: int, background: str) -> Image.Image:
    """The image in 8 bits a channel: grey or RGB.

    It is turned as its EXIF orientation says. Transparent pixels are laid on the background: what lies hidden
    beneath them is not seen. Grey images of 16 bits are divided by 257. Of several frames the first is taken.

    Args:
        path: of the file.
        channels: 1 (grey) or 3 (RGB).
        background: a colour's name, such as ``white``, or ``#rrggbb``.

    Raises:
        ValueError: the file is empty, cut or no image, or its numbers have no range (float and 32-bit images).
    """
    try:
        with Image.open(path) as image:
            image.load()
            return _eight_bits(path, ImageOps.exif_transpose(image), background).convert(
                MODES[channels]
            )
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        size = path.stat().st_size
        raise ValueError(
            f"{path} ({size} bytes) cannot be read as an image ({error}): mend or remove it"
        ) from error


def check_colour(name: str) -> str:
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
    """What is special about a file, from its header: ``transparent``, ``16 bits``, ``turned``; mostly nothing."""
    with Image.open(path) as image:
        kinds = [
            ("transparent", image.has_transparency_data),
            (
                "16 bits",
                image.mode in _SIXTEEN_BIT or (image.mode == "I" and image.format == "PNG"),
            ),
            ("turned by EXIF", image.getexif().get(0x0112, 1) != 1),
            ("animated", getattr(image, "n_frames", 1) > 1),
        ]
    return ", ".join(name for name, there in kinds if there)


def _eight_bits(path: Path, image: Image.Image, background: str) -> Image.Image:
    if image.mode in _SIXTEEN_BIT or (image.mode == "I" and image.format == "PNG"):
        levels = np.asarray(image).astype(np.float64) / 257.0
        return Image.fromarray(np.rint(levels).clip(0, 255).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(
            f"{path} holds {'floats' if image.mode == 'F' else '32-bit integers'}, whose black and white nobody knows: "
            "scale it to 8 or 16 bits first"
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, background), image)
    return image
