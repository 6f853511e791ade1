"""DiffAugment: the published policy of differentiable augmentation, for little data.

``Game(augment_fn=diff_augment(color=False))`` is the one of CIFAR-10, beside images that are mirrored
in the data (``data_augment_fn``).
"""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax import augment
from gan_jax.augment import AugmentFn, Images


def diff_augment(
    *, color: bool = True, translation: float = 0.125, cutout: float = 0.5, fill: float = 0.0
) -> AugmentFn:
    """Colour, then translation, then cutout; a draw for each image.

    Brightness is shifted by up to 0.5, saturation multiplied by 0 to 2 and contrast by 0.5 to 1.5.

    Args:
        color: whether it is changed.
        translation: by up to this share of the sides, in whole pixels; in ``[0, 1)``, 0 is none.
        cutout: the side of the square, of the image's; in ``[0, 1]``, 0 is none.
        fill: the value that comes in at the border and inside the square (0: grey).

    Raises:
        ValueError: a share is out of range.

    References:
        Zhao et al. 2020, arXiv 2006.10738, section 3 and its published program.
    """
    if not 0.0 <= translation < 1.0 or not 0.0 <= cutout <= 1.0:
        raise ValueError(
            f"translation must be in [0, 1) and cutout in [0, 1], got {translation} and {cutout}"
        )
    palette = augment.color(brightness=0.5, saturation=1.0, contrast=0.5)
    steps = [palette] if color else []
    steps += [_translated(translation, fill)] if translation else []
    steps += [_covered(cutout, fill)] if cutout else []
    return augment.compose(*steps)


def _translated(share: float, fill: float) -> AugmentFn:
    def augment_fn(key: jax.Array, images: Images, turn: Any = None) -> Images:
        most = [int(share * side + 0.5) for side in images.shape[1:3]]
        border = [(0, 0), *((shift, shift) for shift in most), (0, 0)]
        padded = jnp.pad(images, border, constant_values=fill)
        draws = (
            jax.random.randint(k, (len(images),), 0, 2 * shift + 1)
            for k, shift in zip(jax.random.split(key), most, strict=True)
        )

        def cut(image: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
            return jax.lax.dynamic_slice(image, (row, column, 0), images.shape[1:])

        return jax.vmap(cut)(padded, *draws)

    return augment_fn


def _covered(share: float, fill: float) -> AugmentFn:
    def augment_fn(key: jax.Array, images: Images, turn: Any = None) -> Images:
        inside = [
            _run(k, side, int(share * side + 0.5), len(images))
            for k, side in zip(jax.random.split(key), images.shape[1:3], strict=True)
        ]
        square = inside[0][:, :, None, None] & inside[1][:, None, :, None]
        return jnp.where(square, fill, images)

    return augment_fn


def _run(key: jax.Array, side: int, length: int, num: int) -> jax.Array:
    """``[num, side]``: a run of places whose middle is anywhere, the ends among it; less at the border."""
    middle = jax.random.randint(key, (num, 1), 0, side + 1 - length % 2)
    distance = jnp.arange(side)[None] - (middle - length // 2)
    return (distance >= 0) & (distance < length)
