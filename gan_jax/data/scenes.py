"""Things laid on photographs, so that the mask of each thing is known to the pixel.

things = inked(digits)                                 # RGBA: opacity says where the ink is
scenes = laid_on(photographs, things, labels)          # image, and mask: 0 the photograph, 1 + label the thing
"""

import numpy as np

from gan_jax.data.arrays import ArraySource

_OPAQUE = 127  # above it a pixel belongs to the thing


def inked(digits: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Grey digits as cut-outs: a color of ink for each, and its grey level as the opacity.

    Args:
        digits: uint8 ``[N, H, W, 1]``, white on black.
        seed: of the colors, which are uniform.

    Returns:
        uint8 ``[N, H, W, 4]``.
    """
    colors = np.random.default_rng(seed).integers(0, 256, (len(digits), 1, 1, 3), np.uint8)
    ink = np.broadcast_to(colors, (*digits.shape[:3], 3))
    return np.concatenate([ink, digits], axis=-1)


def laid_on(
    photographs: np.ndarray, things: np.ndarray, labels: np.ndarray, *, seed: int = 0
) -> ArraySource:
    """Each thing somewhere on a photograph of its own.

    Args:
        photographs: uint8 ``[N, H, W, 3]``; each is used as often as there are more things than
            photographs.
        things: uint8 ``[M, h, w, 4]``, no larger.
        labels: integers ``[M]`` from 0.
        seed: of which photograph, and where on it.

    Returns:
        ``image`` uint8 ``[M, H, W, 3]`` and ``mask`` int32 ``[M, H, W]``.

    Raises:
        ValueError: things have no opacity, or are larger than the photographs.
    """
    height, width = photographs.shape[1:3]
    tall, wide = things.shape[1:3]
    if things.shape[-1] != 4 or tall > height or wide > width:
        raise ValueError(
            f"things must have 4 channels and be no larger than photographs of {height}x{width}, got "
            f"{things.shape[1:]}"
        )
    random = np.random.default_rng(seed)
    which = random.permutation(np.arange(len(things)) % len(photographs))
    tops = random.integers(height - tall + 1, size=len(things))
    lefts = random.integers(width - wide + 1, size=len(things))
    images, masks = photographs[which].copy(), np.zeros((len(things), height, width), np.int32)
    for image, mask, thing, label, top, left in zip(
        images, masks, things, labels, tops, lefts, strict=True
    ):
        place = (slice(top, top + tall), slice(left, left + wide))
        opacity = thing[..., 3:] / 255.0
        mixed = opacity * thing[..., :3] + (1.0 - opacity) * image[place]
        image[place] = mixed.round().astype(np.uint8)
        mask[place] = np.where(thing[..., 3] > _OPAQUE, 1 + label, 0)
    return ArraySource({"image": images, "mask": masks})
