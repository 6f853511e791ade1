"""Differentiable augmentation: functions ``(key, images) -> images`` before the discriminator.

The same kind of change is made to everything that is judged, real and fake, in both players'
updates (``Game(augment_fn=...)``), so the generator is not taught to draw the changes. Each image
of a batch gets its own draw.

References:
    Zhao et al. 2020, arXiv 2006.10738 (DiffAugment).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Images = Float[Array, "batch height width channels"]
AugmentFn = Callable[[jax.Array, Images], Images]


def compose(*augment_fns: AugmentFn) -> AugmentFn:
    """One augmentation after the other, each with its own key."""

    def augment_fn(key: Key[Array, ""], images: Images) -> Images:
        for augment, subkey in zip(
            augment_fns, jax.random.split(key, len(augment_fns)), strict=True
        ):
            images = augment(subkey, images)
        return images

    return augment_fn


def flip(key: Key[Array, ""], images: Images) -> Images:
    """Mirror each image left to right with probability 1/2."""
    mirrored = jax.random.bernoulli(key, 0.5, (len(images), 1, 1, 1))
    return jnp.where(mirrored, images[:, :, ::-1], images)


def translate(*, max_shift: int, fill: float = -1.0) -> AugmentFn:
    """Shift each image by a whole number of pixels in each direction.

    Args:
        max_shift: the shifts are uniform on ``{-max_shift, ..., max_shift}``; pixels, >= 1.
        fill: the value that comes in at the border (-1: black).

    Raises:
        ValueError: ``max_shift`` is below 1.

    References:
        Zhao et al. 2020, arXiv 2006.10738 (translation, there by up to 1/8 of the size).
    """
    if max_shift < 1:
        raise ValueError(f"max_shift must be at least 1 pixel, got {max_shift}")
    border = ((max_shift, max_shift), (max_shift, max_shift), (0, 0))

    def shift(image: jax.Array, corner: jax.Array) -> jax.Array:
        padded = jnp.pad(image, border, constant_values=fill)
        return jax.lax.dynamic_slice(padded, (corner[0], corner[1], 0), image.shape)

    def augment_fn(key: Key[Array, ""], images: Images) -> Images:
        corners = jax.random.randint(key, (len(images), 2), 0, 2 * max_shift + 1)
        return jax.vmap(shift)(images, corners)

    return augment_fn
