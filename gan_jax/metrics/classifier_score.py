"""The classifier accuracy score: what a classifier learns about real images from generated ones."""

import numpy as np

from gan_jax.data import ArraySource
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.networks.classifier import train_classifier


def classifier_accuracy_score(
    samples: ArraySource, real: ArraySource, **training_options
) -> Estimate:
    """The accuracy on real images of a classifier that was trained on labelled samples alone.

    For conditional generators: a sample's label is the condition that it was drawn for.

    Args:
        samples: generated ``image`` uint8 ``[N, H, W, C]`` and integer ``label``.
        real: likewise; not trained on by the generator, ideally.
        **training_options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.

    Returns:
        In [0, 1]; compare it with that of as many real training images. Unlike the other errors of
        this room (:mod:`gan_jax.metrics.errors`) its standard error is that of the real images
        drawn again, the classifier held: that of the samples would take a training for each draw.
        Several seeds show it.

    Raises:
        ValueError: there are no labels, or the real ones hold a class of which there is no sample.

    References:
        Ravuri and Vinyals 2019, arXiv 1905.10887, section 3.
    """
    absent = np.setdiff1d(*(source.arrays.get("label", []) for source in (real, samples)))
    if len(absent):
        raise ValueError(
            f"there are no samples of the classes {absent.tolist()}: draw some of each"
        )
    accuracy = train_classifier(samples, real, **training_options).accuracy
    return Estimate(accuracy, float(np.sqrt(accuracy * (1.0 - accuracy) / len(real))))
