"""An augmentation: each image turned, slanted, stretched and moved by one random map of the plane.

``(key, images, turn) -> images``, as the functions of :mod:`gan_jax.augment`.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from jaxtyping import Array, Key

from gan_jax.augment import AugmentFn, Images


def affine(
    *,
    max_degrees: float = 0.0,
    max_slant: float = 0.0,
    max_stretch: float = 1.0,
    max_shift: float = 0.0,
    fill: float = -1.0,
) -> AugmentFn:
    """``output(p) = image(A (p - c) + c + s)``, bilinear, c the centre: one A and s for each image.

    A is a rotation, times a slant (a row is moved in proportion to its distance from the centre),
    times a stretch of height and width.

    Args:
        max_degrees: the angle is uniform on ``[-max_degrees, max_degrees]``; in ``[0, 180]``.
        max_slant: pixels that a row moves for each pixel from the centre, likewise; not negative.
        max_stretch: the logarithms of both factors are uniform, up to its own; at least 1.
        max_shift: pixels in each direction, uniform, not whole; not negative.
        fill: the value that comes in at the border (-1: black).

    Raises:
        ValueError: a number is out of range.
    """
    if not 0.0 <= max_degrees <= 180.0 or max_slant < 0.0 or max_stretch < 1.0 or max_shift < 0.0:
        raise ValueError(
            "max_degrees must be in [0, 180], max_slant and max_shift not negative and max_stretch "
            f"at least 1, got {max_degrees}, {max_slant}, {max_shift} and {max_stretch}"
        )

    def mapped(draws: jax.Array, image: jax.Array) -> jax.Array:
        angle, slant = jnp.deg2rad(max_degrees) * draws[0], max_slant * draws[1]
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        slanted = jnp.array([[1.0, 0.0], [slant, 1.0]])
        stretched = jnp.diag(max_stretch ** draws[2:4])
        matrix = jnp.array([[cos, sin], [-sin, cos]]) @ slanted @ stretched
        center = (jnp.array(image.shape[:2]).reshape(2, 1) - 1.0) / 2.0
        places = jnp.indices(image.shape[:2]).reshape(2, -1) - center
        read = matrix @ places + center + max_shift * draws[4:].reshape(2, 1)
        rows, columns = read.reshape(2, *image.shape[:2])

        def channel(plane: jax.Array) -> jax.Array:
            return map_coordinates(plane, (rows, columns), order=1, mode="constant", cval=fill)

        return jax.vmap(channel, in_axes=-1, out_axes=-1)(image)

    def augment_fn(key: Key[Array, ""], images: Images, turn: Any = None) -> Images:
        draws = jax.random.uniform(key, (len(images), 6), minval=-1.0, maxval=1.0)
        return jax.vmap(mapped)(draws, images)

    return augment_fn
