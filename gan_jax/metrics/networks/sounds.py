"""A classifier of log-mel spectrograms, trained on the spot: the feature network of labelled sounds."""

from typing import Any

import numpy as np

from gan_jax.data import ArraySource, Data
from gan_jax.data.images import real_to_pixels
from gan_jax.metrics.networks.cache import cached_classifier
from gan_jax.metrics.networks.classifier import training_and_held_out
from gan_jax.metrics.networks.network import FeatureNetwork, network_of
from gan_jax.spectrogram import LogMel


def of_log_mel(
    data: Data, *, spectrogram: LogMel, steps: int = 1000, max_shift: int = 4, **options: Any
) -> FeatureNetwork:
    """What a classifier of the training sounds' ``label`` sees in sounds ``[B, T]``.

    It is trained once on spectrograms as images, then found on disk.

    Args:
        data: whose examples have a ``label`` and a ``real`` ``[T]`` in [-1, 1].
        spectrogram: makes images of sounds.
        steps: of the training.
        max_shift: frames and bands by which the images are moved at random in training.
        **options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.

    Raises:
        ValueError: the examples have no label.
    """
    source = data.training
    if "label" not in getattr(source, "arrays", {}):
        raise ValueError("a classifier of sounds needs 'label' beside each recording, in memory")
    images = [real_to_pixels(spectrogram(rows["real"])) for rows in data.in_order()]
    pictured = ArraySource({"image": np.concatenate(images), "label": source.arrays["label"]})
    parts = training_and_held_out(pictured, seed=options.get("seed", 0))
    classifier = cached_classifier(*parts, steps=steps, max_shift=max_shift, **options)
    words = (
        f"a classifier of {spectrogram.bands} mel bands in frames of {spectrogram.window} samples, "
        "trained here"
    )
    network = network_of(classifier, words)

    def apply_fn(variables: Any, sounds: Any) -> Any:
        return network.apply_fn(variables, spectrogram(sounds))

    return network._replace(apply_fn=apply_fn)
