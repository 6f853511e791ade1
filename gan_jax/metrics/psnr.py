"""The peak signal-to-noise ratio of images and what they should be."""

import numpy as np
from jaxtyping import Float

CEILING = 100.0  # decibels: of images that are equal, whose mean with others would be infinite
_PEAK = 2.0  # of images in [-1, 1]


def psnr(
    images: Float[np.ndarray, "n height width channels"],
    truth: Float[np.ndarray, "n height width channels"],
) -> Float[np.ndarray, " n"]:
    """``20 log10(2 / sqrt(mean (x - y)^2))`` of each image in [-1, 1], in decibels, at most 100.

    Args:
        images: x.
        truth: y.

    Raises:
        ValueError: the shapes differ.
    """
    if images.shape != truth.shape:
        raise ValueError(f"images must have the shape of the truth {truth.shape}: {images.shape}")
    difference = np.asarray(images, np.float64) - truth
    squares = (difference**2).reshape(len(images), -1).mean(1)
    least = (_PEAK / 10 ** (CEILING / 20)) ** 2
    return 10 * np.log10(_PEAK**2 / np.maximum(squares, least))
