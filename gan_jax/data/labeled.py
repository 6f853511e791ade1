"""Labelled images as an experiment's game sees them: what classifiers are trained on."""

import numpy as np

from gan_jax.data.arrays import ArraySource, read_many
from gan_jax.data.dataset import Data
from gan_jax.data.images import real_to_pixels


def labeled_images(data: Data) -> ArraySource:
    """The training images after ``prepare_fn``, as pixels, with the ``label`` of each example.

    Args:
        data: whose ``real`` are images in [-1, 1].

    Returns:
        ``image`` uint8 ``[N, H, W, C]`` and ``label``.

    Raises:
        ValueError: the examples have no label, or ``real`` is no image in [-1, 1].
    """
    source = data.training
    example = {} if isinstance(source, dict) else source[0]
    if "label" not in example:
        raise ValueError(
            f"a classifier needs 'label' beside the images, an example holds {sorted(example)}: for "
            "a folder, FolderSource(labels='subfolders'), or features that need no labels"
        )
    images = np.concatenate([checked_pixels(rows["real"]) for rows in data.in_order()])
    if (arrays := getattr(source, "arrays", None)) is not None:
        labels = np.asarray(arrays["label"])
    else:
        labels = np.array([each["label"] for each in read_many(source, range(len(source)))])
    return ArraySource({"image": images, "label": labels}, names=getattr(source, "names", {}))


def checked_pixels(images: np.ndarray) -> np.ndarray:
    """Images ``[N, H, W, C]`` in [-1, 1] as uint8.

    Raises:
        ValueError: they are none.
    """
    if images.ndim != 4 or np.abs(images).max() > 1.01:
        raise ValueError(
            f"prepare_fn must make images [H, W, C] in [-1, 1] of each example, got "
            f"{images.shape[1:]} in {images.min():g} .. {images.max():g}"
        )
    return real_to_pixels(images)
