"""From the pixels of a source to ``real``: float32 NHWC in [-1, 1]."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.arrays import ArraySource


def pixels_to_real(example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """``image`` uint8 in 0..255 to ``real`` in [-1, 1], as ``image / 127.5 - 1``; on the device."""
    return {"real": example["image"].astype(jnp.float32) / 127.5 - 1.0}


def real_to_pixels(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] to uint8, rounded to the nearest: the inverse of :func:`pixels_to_real`."""
    scaled = (np.asarray(samples, np.float32) + 1.0) * 127.5
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def check_images(source: ArraySource) -> ArraySource:
    """The source itself, if its ``image`` is uint8 ``[N, H, W, C]`` with 1, 3 or 4 channels.

    Raises:
        ValueError: no ``image``, or its rank or its channels are off.
        TypeError: its dtype is not uint8.
    """
    if "image" not in source.arrays:
        raise ValueError(f"a source of images holds 'image', got {sorted(source.arrays)}")
    images = source.arrays["image"]
    if images.dtype != np.uint8:
        raise TypeError(
            f"images must be uint8 in 0..255, got {images.dtype}: for floats in [0, 1], "
            "np.rint(255 * images).astype(np.uint8)"
        )
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"images must be [N, height, width, channels] with 1, 3 or 4 channels, got "
            f"{images.shape}: grey images need a last axis of 1, images[..., None]"
        )
    return source
