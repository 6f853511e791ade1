"""One array file to pixels: images of any number of channels, such as those of a satellite."""

from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax.data.image_file import Size, fitted

SUFFIX = ".npy"


def read_array(path: Path, *, channels: int, size: Size | None) -> np.ndarray:
    """The array in 8 bits a channel: uint8 ``[H, W, channels]``; 16 bits are divided by 257.

    Args:
        path: of a file that ``np.save`` wrote: uint8 or uint16, ``[H, W, C]``, or ``[H, W]`` if grey.
        channels: that it must have.
        size: height and width, as of :func:`gan_jax.data.image_file.fitted`, channel by channel;
            None takes the array as it is.

    Raises:
        ValueError: the file is damaged, or its array has another shape or type.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(
            f"{path} cannot be read as an array ({error}): mend or remove it"
        ) from error
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[-1] != channels or array.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"{path} must be [height, width, {channels}] of uint8 or uint16, got {array.shape} of "
            f"{array.dtype}: set channels to that number, or scale the values"
        )
    pixels = array if array.dtype == np.uint8 else np.rint(array / 257.0).astype(np.uint8)
    planes = [Image.fromarray(pixels[..., channel]) for channel in range(channels)]
    return np.stack([np.asarray(fitted(plane, size)) for plane in planes], axis=-1)
