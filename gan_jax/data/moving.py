"""Moving digits: a clip is a pure function of a key and of one image that stands still.

A digit moves along a straight line and bounces off the borders of the frame. Where it begins, where it goes
and how fast follows from the key, so in training no clip is seen twice, and outside of training each
example is always the same one.

References:
    Srivastava et al. 2015, arXiv 1502.04681, section 4.1 (moving MNIST, there two digits of 28x28 in 64x64).
"""

import jax
import jax.numpy as jnp

from gan_jax.data.prepare import Example, ExampleFn

DIRECTIONS = 8  # sectors of 45 degrees, the first around "to the right", counted towards "down"


def moving_digit(
    *, frames: int = 8, size: int = 32, speed: tuple[float, float] = (1.0, 2.5)
) -> ExampleFn:
    """A ``prepare_fn``: a grey image at half its size, on its way through ``frames`` frames.

    The fields are ``real`` ``[frames, size, size, 1]`` in [-1, 1], the label as the ``condition``, and
    ``direction``, the sector in which the digit sets out.

    Args:
        frames: of a clip, at least 2.
        size: of a square frame, in pixels.
        speed: pixels a frame, between these two.

    Raises:
        ValueError: there is no motion, or (when an example is prepared) the digit does not fit.
    """
    if frames < 2 or not 0 < speed[0] <= speed[1]:
        raise ValueError(
            f"a clip needs 2 frames and 0 < speed[0] <= speed[1], got {frames} frames and {speed}"
        )

    def prepare_fn(key: jax.Array, example: Example) -> dict[str, jax.Array]:
        digit = halved(example["image"][..., 0].astype(jnp.float32) / 255.0)
        room = size - jnp.array(digit.shape)
        if size <= max(digit.shape):
            raise ValueError(f"a digit of {digit.shape} cannot move in a frame of {size} pixels")
        start_key, angle_key, speed_key = jax.random.split(key, 3)
        start = room * jax.random.uniform(start_key, (2,))
        angle = 2.0 * jnp.pi * jax.random.uniform(angle_key)
        pace = jax.random.uniform(speed_key, minval=speed[0], maxval=speed[1])
        velocity = pace * jnp.array([jnp.sin(angle), jnp.cos(angle)])
        path = bounced(start, velocity, room.astype(jnp.float32), frames)
        sector = jnp.floor(angle * DIRECTIONS / (2.0 * jnp.pi) + 0.5).astype(jnp.int32)
        clip = 2.0 * jax.vmap(placed, (None, 0, None))(digit, path, size) - 1.0
        label = example["label"].astype(jnp.int32)
        return {
            "real": clip[..., None],
            "condition": label,
            "label": label,
            "direction": sector % DIRECTIONS,
        }

    return prepare_fn


def halved(image: jax.Array) -> jax.Array:
    """Means of 2x2 pixels: ``[H, W] -> [H / 2, W / 2]``."""
    height, width = image.shape
    return image.reshape(height // 2, 2, width // 2, 2).mean((1, 3))


def bounced(start: jax.Array, velocity: jax.Array, room: jax.Array, frames: int) -> jax.Array:
    """Places on a straight line that is folded back at 0 and at ``room``: ``[frames, d]``.

    ``room - |(start + t velocity) mod (2 room) - room|`` at ``t = 0, 1, ...``, for each coordinate.

    Args:
        start: ``[d]``, in 0 .. room.
        velocity: ``[d]``, per frame.
        room: ``[d]``, positive.
        frames: how many places.
    """
    times = jnp.arange(frames, dtype=jnp.float32)[:, None]
    straight = start[None] + times * velocity[None]
    return room[None] - jnp.abs(jnp.mod(straight, 2.0 * room[None]) - room[None])


def placed(image: jax.Array, corner: jax.Array, size: int) -> jax.Array:
    """An image at any place of an empty square, pixels shared out linearly: ``[h, w] -> [size, size]``.

    Its sum is kept, and its centroid moves by exactly ``corner``.

    Args:
        image: ``[h, w]``.
        corner: row and column of its first pixel, in 0 .. size - h (or w).
        size: of the square.
    """
    rows, columns = (
        jax.nn.relu(
            1.0
            - jnp.abs(
                jnp.arange(size)[:, None] - corner[axis] - jnp.arange(image.shape[axis])[None]
            )
        )
        for axis in (0, 1)
    )
    return rows @ image @ columns.T
