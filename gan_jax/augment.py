"""Augmentation: differentiable functions ``(key, images) -> images``; each image gets its own draw.

There are two places for one, and they teach different things:

- ``Game(augment_fn=...)`` changes everything that is judged, real and fake, in both players'
  updates, so the generator is not taught to draw the changes (Zhao et al. 2020).
- ``Experiment(data_augment_fn=...)`` changes the real images only: more data, whose changes the
  generator learns to draw.

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


def crop(*, min_share: float) -> AugmentFn:
    """Cut a random window out of each image and enlarge it to the whole (bilinear).

    Args:
        min_share: the window's side is uniform on ``[min_share, 1]`` of the image's, its place
            uniform inside the image; in ``(0, 1]``.

    Raises:
        ValueError: ``min_share`` is not in ``(0, 1]``.

    References:
        Szegedy et al. 2015, arXiv 1409.4842, section 6 (there with a change of aspect).
    """
    if not 0.0 < min_share <= 1.0:
        raise ValueError(f"min_share must be in (0, 1], got {min_share}")

    def cut(key: jax.Array, image: jax.Array) -> jax.Array:
        side_key, place_key = jax.random.split(key)
        side = jax.random.uniform(side_key, minval=min_share, maxval=1.0)
        sizes = jnp.array(image.shape[:2], jnp.float32) - 1.0
        corner = jax.random.uniform(place_key, (2,)) * (1.0 - side) * sizes
        rows, columns = _grid(image)
        # inside the image, so what lies beyond it never counts
        return _resample(image, corner[0] + side * rows, corner[1] + side * columns, fill=0.0)

    return _on_each(cut)


def rotate(*, max_degrees: float, fill: float = -1.0) -> AugmentFn:
    """Turn each image about its centre (bilinear).

    Args:
        max_degrees: the angle is uniform on ``[-max_degrees, max_degrees]``; in ``[0, 180]``.
        fill: the value that comes in at the corners (-1: black).

    Raises:
        ValueError: ``max_degrees`` is not in ``[0, 180]``.
    """
    if not 0.0 <= max_degrees <= 180.0:
        raise ValueError(f"max_degrees must be in [0, 180], got {max_degrees}")

    def turn(key: jax.Array, image: jax.Array) -> jax.Array:
        degrees = jax.random.uniform(key, minval=-max_degrees, maxval=max_degrees)
        cos, sin = jnp.cos(jnp.deg2rad(degrees)), jnp.sin(jnp.deg2rad(degrees))
        rows, columns = _grid(image)
        middle_row, middle_column = (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
        down, right = rows - middle_row, columns - middle_column
        return _resample(
            image,
            middle_row + cos * down + sin * right,
            middle_column - sin * down + cos * right,
            fill=fill,
        )

    return _on_each(turn)


def _on_each(augment_one: Callable[[jax.Array, jax.Array], jax.Array]) -> AugmentFn:
    """A change of one image, made to each of a batch with its own key."""

    def augment_fn(key: Key[Array, ""], images: Images) -> Images:
        return jax.vmap(augment_one)(jax.random.split(key, len(images)), images)

    return augment_fn


def _grid(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Row and column of every pixel, each ``[H, W]`` float32."""
    height, width = image.shape[:2]
    rows = jnp.broadcast_to(jnp.arange(height, dtype=jnp.float32)[:, None], (height, width))
    columns = jnp.broadcast_to(jnp.arange(width, dtype=jnp.float32)[None], (height, width))
    return rows, columns


def _resample(image: jax.Array, rows: jax.Array, columns: jax.Array, *, fill: float) -> jax.Array:
    """``output[i, j] = image[rows[i, j], columns[i, j]]``, bilinear, ``fill`` beyond the border."""

    def channel(plane: jax.Array) -> jax.Array:
        return jax.scipy.ndimage.map_coordinates(
            plane, (rows, columns), order=1, mode="constant", cval=fill
        )

    return jax.vmap(channel, in_axes=-1, out_axes=-1)(image)
