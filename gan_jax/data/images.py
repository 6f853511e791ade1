"""From the pixels of a source to ``real``: float32 NHWC in [-1, 1]."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.arrays import ArraySource, Source


def pixels_to_real(example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """``image`` uint8 in 0..255 to ``real`` in [-1, 1], as ``image / 127.5 - 1``; on the device."""
    return {"real": example["image"].astype(jnp.float32) / 127.5 - 1.0}


def real_to_pixels(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] to uint8, rounded to the nearest: the inverse of :func:`pixels_to_real`."""
    scaled = (np.asarray(samples, np.float32) + 1.0) * 127.5
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def check_images(source: Source) -> Source:
    """The source itself, if its ``image`` is uint8 ``[N, H, W, C]`` with 1, 3 or 4 channels.

    Of a source that is read while training, the first example is looked at.

    Raises:
        ValueError: no ``image``, or its rank or its channels are off.
        TypeError: its dtype is not uint8.
    """
    arrays = getattr(source, "arrays", None) or {n: v[None] for n, v in source[0].items()}
    if "image" not in arrays:
        raise ValueError(f"a source of images holds 'image', got {sorted(arrays)}")
    images = arrays["image"]
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


def pad_images(source: ArraySource, border: int) -> ArraySource:
    """The images with ``border`` black pixels on each side: ``[N, H + 2 border, W + 2 border, C]``."""
    pads = ((0, 0), (border, border), (border, border), (0, 0))
    return ArraySource({**source.arrays, "image": np.pad(source.arrays["image"], pads)})


def stack_digits(digits: ArraySource, *, num: int, seed: int) -> ArraySource:
    """Stacked digits: three random grey images in the channels of one; 1,000 modes.

    Args:
        digits: ``image`` uint8 ``[M, H, W, 1]`` and ``label`` 0 to 9.
        num: how many images are stacked, once: a fixed set.
        seed: of the draw (with replacement).

    Returns:
        ``image`` uint8 ``[num, H, W, 3]`` and ``label`` int32: the number that the three digits
        spell, first channel first, 0 to 999.

    References:
        Metz et al. 2017, arXiv 1611.02163, section 3.3.1.
    """
    rows = np.random.default_rng(seed).integers(len(digits), size=(num, 3))
    images = digits.arrays["image"][..., 0]
    stacked = np.stack([images[rows[:, channel]] for channel in range(3)], axis=-1)
    labels = digits.arrays["label"][rows].astype(np.int32) @ np.array([100, 10, 1], np.int32)
    return ArraySource({"image": stacked, "label": labels})
