"""What restoration undoes: a task is a pure function of a key that spoils one image.

    spoiled = salt_and_pepper(share=0.1)(key, image)

Images are ``[H, W, C]`` in [-1, 1]; noise is clipped to that range, as a file of 8 bits would. In training
the key follows from seed and step, so no spoiled image comes twice. Wherever data are looked at it follows from
the example's place alone, so every network restores the same ones.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.lab import lab_to_rgb, rgb_to_lab

DegradeFn = Callable[[jax.Array, jax.Array], jax.Array]  # (key, image) -> input


def gaussian_noise(*, sigma: float = 25.0) -> DegradeFn:
    """Normal noise in each channel.

    Args:
        sigma: its deviation, of 255 levels.
    """
    if sigma < 0.0:
        raise ValueError(f"sigma must not be negative, got {sigma}")

    def degrade_fn(key: jax.Array, image: jax.Array) -> jax.Array:
        noisy = image + sigma / 127.5 * jax.random.normal(key, image.shape)
        return jnp.clip(noisy, -1.0, 1.0)

    return degrade_fn


def salt_and_pepper(*, share: float = 0.1) -> DegradeFn:
    """Pixels that become white or black, all channels at once: impulses that can be told by their value.

    Args:
        share: of the pixels, in [0, 1].
    """
    return _impulses(share, lambda key, shape: 2.0 * jax.random.bernoulli(key, 0.5, shape) - 1.0, 1)


def random_impulses(*, share: float = 0.1) -> DegradeFn:
    """Pixels that become any color: impulses that no value gives away.

    Args:
        share: of the pixels, in [0, 1].
    """
    return _impulses(share, lambda key, shape: jax.random.uniform(key, shape, minval=-1.0), None)


def _impulses(share: float, value_fn: Callable, channels: int | None) -> DegradeFn:
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share of the pixels must be in [0, 1], got {share}")

    def degrade_fn(key: jax.Array, image: jax.Array) -> jax.Array:
        where, what = jax.random.split(key)
        hit = jax.random.bernoulli(where, share, (*image.shape[:2], 1))
        values = value_fn(what, (*image.shape[:2], channels or image.shape[2]))
        return jnp.where(hit, values, image)

    return degrade_fn


def blur(*, deviation: float = 1.5, sigma: float = 2.55) -> DegradeFn:
    """A Gaussian window, beyond the border the image mirrored, and then normal noise.

    Args:
        deviation: of the window, in pixels; it is cut at four of them.
        sigma: of the noise, of 255 levels.
    """
    window, noise = gaussian_window(deviation), gaussian_noise(sigma=sigma)

    def degrade_fn(key: jax.Array, image: jax.Array) -> jax.Array:
        return noise(key, blurred(image, window))

    return degrade_fn


def gaussian_window(deviation: float) -> np.ndarray:
    """Weights ``exp(-i^2 / (2 deviation^2))`` of sum 1, for i up to four deviations."""
    if deviation <= 0.0:
        raise ValueError(f"deviation must be above 0 pixels, got {deviation}")
    reach = int(4.0 * deviation + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    return weights / weights.sum()


def blurred(image: jax.Array, window: np.ndarray) -> jax.Array:
    """An image ``[H, W, C]`` seen through a window, along one axis and then the other."""
    reach = len(window) // 2
    for axis in (0, 1):
        length = image.shape[axis]
        pad = [(0, 0)] * image.ndim
        pad[axis] = (reach, reach)
        padded = jnp.pad(image, pad, mode="symmetric")
        image = sum(
            float(weight) * jax.lax.slice_in_dim(padded, place, place + length, axis=axis)
            for place, weight in enumerate(window)
        )
    return image


def box_reduced(*, scale: int = 2) -> DegradeFn:
    """Every ``scale x scale`` pixels become their mean: the down-filter of super-resolution is a box.

    Args:
        scale: a whole number that divides both sides.
    """
    if scale < 2:
        raise ValueError(f"scale must be at least 2, got {scale}")

    def degrade_fn(key: jax.Array, image: jax.Array) -> jax.Array:
        height, width, channels = image.shape
        if height % scale or width % scale:
            raise ValueError(f"an image of {height}x{width} cannot be reduced by {scale}")
        boxes = image.reshape(height // scale, scale, width // scale, scale, channels)
        return boxes.mean((1, 3))

    return degrade_fn


def hole(*, share: float = 0.25) -> DegradeFn:
    """The middle becomes grey.

    Args:
        share: of the pixels, in (0, 1).
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"share of the pixels must be in (0, 1), got {share}")

    def degrade_fn(key: jax.Array, image: jax.Array) -> jax.Array:
        return jnp.where(hole_mask(image.shape, share), 0.0, image)

    return degrade_fn


def hole_mask(shape: tuple[int, ...], share: float = 0.25) -> np.ndarray:
    """Where :func:`hole` takes the pixels away: bool ``[H, W, 1]``.

    Args:
        shape: ``(H, W, C)`` of the image.
        share: of the pixels.
    """
    inside = []
    for length in shape[:2]:
        half = round(length * share**0.5 / 2)
        inside.append(abs(np.arange(length) - (length - 1) / 2) < half)
    return (inside[0][:, None] & inside[1][None, :])[..., None]


def without_color(key: jax.Array, image: jax.Array) -> jax.Array:
    """The grey image of the same lightness: ``[H, W, 1]``, what a photograph without color shows."""
    if image.shape[-1] != 3:
        raise ValueError(
            f"colorization needs color images with 3 channels, got images of {image.shape}"
        )
    lab = rgb_to_lab(image)
    return lab_to_rgb(lab.at[..., 1:].set(0.0))[..., :1]


def color_cast(*, strength: float = 0.5) -> DegradeFn:
    """Each channel of light is multiplied by a number of its own, as under a wrong lamp.

    Args:
        strength: the numbers are drawn from ``[1 - strength, 1]``.
    """
    if not 0.0 <= strength < 1.0:
        raise ValueError(f"strength must be in [0, 1), got {strength}")

    def degrade_fn(key: jax.Array, image: jax.Array) -> jax.Array:
        gains = jax.random.uniform(key, (1, 1, image.shape[-1]), minval=1.0 - strength)
        return (image + 1.0) * gains - 1.0

    return degrade_fn
