"""Classifiers of clips, trained on the spot: of single frames, and of what moves and where to."""

from typing import Any

import jax
import numpy as np

from gan_jax.data import ArraySource, Data
from gan_jax.data.images import real_to_pixels
from gan_jax.data.moving import DIRECTIONS
from gan_jax.metrics.networks.cache import cached_classifier
from gan_jax.metrics.networks.classifier import training_and_held_out
from gan_jax.metrics.networks.network import FeatureNetwork, network_of


def of_frames(
    data: Data, *, steps: int = 1500, num_clips: int = 20_000, **options: Any
) -> FeatureNetwork:
    """What a classifier of the ``label`` sees in single frames ``[B, H, W, C]``.

    Trained on one frame of each training clip, the next one of the next.

    Args:
        data: clips ``[T, H, W, C]`` in [-1, 1] with a ``label``.
        steps: of the training.
        num_clips: of the training clips, at most.
        **options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.
    """

    def pictured(rows: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        at = np.arange(len(rows["real"])) % rows["real"].shape[1]
        return rows["real"][np.arange(len(at)), at], rows["label"]

    words = "a classifier of single frames, trained here"
    return _trained(data, pictured, num_clips, words, steps=steps, **options)


def of_clips(
    data: Data, *, steps: int = 1500, num_clips: int = 20_000, **options: Any
) -> FeatureNetwork:
    """What a classifier of label and direction sees in clips ``[B, T, H, W, 1]``.

    The frames are the channels of one image; a class is a label and one of eight directions.

    Args:
        data: grey clips with a ``label`` and a ``direction``.
        steps: of the training.
        num_clips: of the training clips, at most.
        **options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.
    """

    def pictured(rows: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        return side_by_side(rows["real"]), rows["label"] * DIRECTIONS + rows["direction"]

    words = "a classifier of what moves and in which of eight directions, trained here"
    network = _trained(data, pictured, num_clips, words, steps=steps, **options)

    def apply_fn(variables: Any, clips: jax.Array) -> Any:
        return network.apply_fn(variables, side_by_side(clips))

    return network._replace(apply_fn=apply_fn)


def side_by_side(clips: Any) -> Any:
    """Grey clips ``[B, T, H, W, 1]`` as images whose channels are the frames: ``[B, H, W, T]``."""
    return clips[..., 0].transpose(0, 2, 3, 1)


def _trained(
    data: Data, pictured_fn: Any, num_clips: int, words: str, **options: Any
) -> FeatureNetwork:
    images, labels, found = [], [], 0
    for rows in data.in_order():
        image, label = pictured_fn(rows)
        images.append(real_to_pixels(image))
        labels.append(label)
        found += len(label)
        if found >= num_clips:
            break
    source = ArraySource({"image": np.concatenate(images), "label": np.concatenate(labels)})
    parts = training_and_held_out(source, seed=options.get("seed", 0))
    return network_of(cached_classifier(*parts, **options), words)
