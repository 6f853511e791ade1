"""A network that tells how far an image is turned: features of images that have no labels."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data import ArraySource, Data
from gan_jax.data.labeled import checked_pixels
from gan_jax.metrics.networks.cache import cached_classifier
from gan_jax.metrics.networks.network import FeatureNetwork, network_of

_MAX_IMAGES = 20_000
_MAX_BYTES = 2**29  # of all turned squares in memory
_HELD_OUT = 6  # one image of so many measures the accuracy; the least number of images, too


def rotations_network(
    data: Data, *, steps: int = 500, seed: int = 0, **training_options: Any
) -> FeatureNetwork:
    """A classifier of training images turned by 0, 90, 180 and 270 degrees: its penultimate layer.

    What tells an image from its turned copies is what it shows: outlines, where the light comes
    from, what stands on what. An image that is not square is looked at in squares, as many as cover
    its longer side, evenly spaced: all of them are turned and learned from, and the features of an
    image are the mean of theirs. (Of turns that fit a rectangle and mirrorings, several do not
    change an image that is symmetric, as faces and letters are.)

    It is trained once, then found on disk (:func:`cached_classifier`).

    Args:
        data: whose ``real`` are images ``[H, W, C]`` in [-1, 1]. At most 20,000 of the rows
            ``training`` are taken: five sixths to train on, and the rest for its accuracy.
        steps: of its training.
        seed: of its training.
        **training_options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.

    Raises:
        ValueError: ``real`` is no image, or there are fewer than 6 of them.

    References:
        Gidaris et al. 2018, arXiv 1803.07728, section 3.1.
    """
    held_out, training = (turned(pixels) for pixels in _training_and_held_out(data))
    options = {"steps": steps, "seed": seed} | training_options
    classifier = cached_classifier(training, held_out, **options)
    network = network_of(classifier, "a network trained here to tell turned images apart")

    def apply_fn(variables: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        parts = squares(images)
        num, count = parts.shape[:2]
        found = network.apply_fn(variables, parts.reshape(num * count, *parts.shape[2:]))
        return tuple(rows.reshape(num, count, -1).mean(1) for rows in found)

    return network._replace(apply_fn=apply_fn)


def turned(pixels: np.ndarray) -> ArraySource:
    """The squares of images, turned by 0, 90, 180 and 270 degrees: a labelled set.

    Args:
        pixels: uint8 ``[N, H, W, C]``.

    Returns:
        ``image`` and the number of quarter turns as ``label``.
    """
    parts = np.asarray(squares(pixels))
    parts = parts.reshape(-1, *parts.shape[2:])
    images = np.concatenate([np.rot90(parts, turns, axes=(1, 2)) for turns in range(4)])
    return ArraySource({"image": images, "label": np.repeat(np.arange(4), len(parts))})


def squares(images: Any) -> jax.Array:
    """The squares that cover images along their longer side: ``[N, H, W, C] -> [N, k, S, S, C]``.

    S is the shorter side; the k squares overlap where the longer is no multiple of it.
    """
    height, width = images.shape[1:3]
    side = min(height, width)
    starts = _starts(height, width)
    if height > width:
        return jnp.stack([images[:, start : start + side] for start in starts], axis=1)
    return jnp.stack([images[:, :, start : start + side] for start in starts], axis=1)


def _starts(height: int, width: int) -> list[int]:
    side, longer = min(height, width), max(height, width)
    count = math.ceil(longer / side)
    return np.linspace(0, longer - side, count).round().astype(int).tolist()


def _training_and_held_out(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of those that measure the accuracy, and of those that are trained on."""
    height, width, channels = checked_pixels(data.first(1)["real"]).shape[1:]
    turned_bytes = 4 * len(_starts(height, width)) * min(height, width) ** 2 * channels
    num = min(_MAX_IMAGES, max(6, _MAX_BYTES // turned_bytes), data.size("training"))
    if num < _HELD_OUT:
        raise ValueError(
            f"a network that tells turned images apart needs at least {_HELD_OUT} to train on, got {num}"
        )
    blocks = data.rows("training", num)
    pixels = np.concatenate([checked_pixels(rows["real"]) for rows in blocks])
    return pixels[: num // _HELD_OUT], pixels[num // _HELD_OUT :]
