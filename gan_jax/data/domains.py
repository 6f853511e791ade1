"""Two domains of images that share no example: what unpaired translation is trained and measured on.

Each function gives the sources ``{"a": ..., "b": ...}`` of :class:`gan_jax.data.Data`. Both hold ``image`` uint8
``[28, 28, 3]`` and ``label``, so that a classifier of b can say whether a translated image is still its digit.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from gan_jax.data.arrays import ArraySource

_TINT = np.array([1.0, 0.8, 0.4])  # of paper under a lamp
_SIZE = 28


def halves(
    digits: ArraySource, into_b_fn: Callable[[np.ndarray], np.ndarray]
) -> dict[str, ArraySource]:
    """The first half of grey digits as they are, the second half made into another domain.

    Args:
        digits: with ``image`` uint8 ``[N, 28, 28, 1]`` and ``label``.
        into_b_fn: ``[n, 28, 28, 3] -> [n, 28, 28, 3]``, both uint8.
    """
    images = digits.arrays["image"].repeat(3, axis=-1)
    labels, half = digits.arrays["label"], len(digits) // 2
    return {
        "a": ArraySource({"image": images[:half], "label": labels[:half]}),
        "b": ArraySource({"image": into_b_fn(images[half:]), "label": labels[half:]}),
    }


def inverted(images: np.ndarray) -> np.ndarray:
    """Dark ink on yellowish paper: ``(255 - image) * tint``."""
    return ((255 - images.astype(float)) * _TINT).round().astype(np.uint8)


def rotated(images: np.ndarray) -> np.ndarray:
    """Turned by a quarter: what no network of local patches can undo by looking at ink."""
    return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))


def on_patches(photographs: np.ndarray, *, seed: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """Digits that invert a patch of a photograph where their ink is, as in MNIST-M.

    Args:
        photographs: uint8 ``[N, H, W, 3]``, at least 28 pixels wide and high.
        seed: of which photograph, and which patch of it, a digit gets.

    References:
        Ganin and Lempitsky 2015, arXiv 1409.7495, section 4 (MNIST-M).
    """

    def into_b_fn(images: np.ndarray) -> np.ndarray:
        random = np.random.default_rng(seed)
        which = random.integers(len(photographs), size=len(images))
        height, width = photographs.shape[1:3]
        rows = random.integers(height - _SIZE + 1, size=len(images))
        columns = random.integers(width - _SIZE + 1, size=len(images))
        patches = np.stack(
            [
                photographs[i, r : r + _SIZE, c : c + _SIZE]
                for i, r, c in zip(which, rows, columns, strict=True)
            ]
        )
        return np.abs(patches.astype(np.int16) - images).astype(np.uint8)

    return into_b_fn


def enlarged_digits(images: np.ndarray) -> np.ndarray:
    """scikit-learn's digits, uint8 ``[N, H, W, 1]`` of at most 16 pixels, as 20 pixels within 28, as MNIST's lie."""
    side = 20
    border = (_SIZE - side) // 2
    pages = np.zeros((len(images), _SIZE, _SIZE, 3), np.uint8)
    for page, image in zip(pages, images, strict=True):
        large = Image.fromarray(image[..., 0]).resize((side, side), Image.Resampling.BICUBIC)
        page[border : border + side, border : border + side] = np.asarray(large)[..., None]
    return pages
