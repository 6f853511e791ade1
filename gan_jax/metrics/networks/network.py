"""What sees the images when they are judged: a network, how it wants them resized, and its fingerprint."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data import ArraySource
from gan_jax.drawing.blocks import filled, in_blocks
from gan_jax.metrics.networks.cache import cached_classifier
from gan_jax.metrics.networks.classifier import Classifier, training_and_held_out
from gan_jax.metrics.networks.inception import NUM_FEATURES, SIZE, InceptionV3
from gan_jax.metrics.networks.inception_weights import inception_variables
from gan_jax.metrics.networks.resize import antialiased_bicubic, legacy_bilinear


class FeatureNetwork(NamedTuple):
    """A network with its weights.

    Attributes:
        name: short, for labels.
        description: in words, for the protocol.
        fingerprint: of the weights (SHA-256, the first 16 digits).
        resize: in words.
        variables: its weights.
        apply_fn: ``(variables, images [B, H, W, C] in [-1, 1]) -> (features [B, F], logits [B, K])``.
    """

    name: str
    description: str
    fingerprint: str
    resize: str
    variables: Any
    apply_fn: Callable[[Any, jax.Array], tuple[jax.Array, jax.Array]]


class Embedded(NamedTuple):
    """What a network sees in a set of images; the images themselves are gone but for a few.

    Attributes:
        features: ``[N, F]`` float32.
        logits: ``[N, K]`` float32.
        images: the first of them, ``[n, H, W, C]``.
    """

    features: np.ndarray
    logits: np.ndarray
    images: np.ndarray


def embed(
    network: FeatureNetwork,
    batches: Iterable[np.ndarray],
    *,
    keep_images: int = 1000,
    put_fn: Callable[[np.ndarray], jax.Array] = jnp.asarray,
) -> Embedded:
    """Features and logits of images that come in batches of any size; one batch is in memory at a time.

    Args:
        network: that looks.
        batches: images ``[n, H, W, C]`` in [-1, 1].
        keep_images: how many of the first are kept.
        put_fn: host array to device, such as one that lays rows over several devices.

    Raises:
        ValueError: there are no images, a value is not finite, or they are not in [-1, 1].
    """
    features, logits, kept = [], [], []
    for seen in embedded(network, batches, put_fn=put_fn):
        room = keep_images - sum(map(len, kept))
        kept.append(seen.images[: max(room, 0)])
        features.append(seen.features)
        logits.append(seen.logits)
    return Embedded(np.concatenate(features), np.concatenate(logits), np.concatenate(kept))


def embedded(
    network: FeatureNetwork,
    batches: Iterable[np.ndarray],
    *,
    put_fn: Callable[[np.ndarray], jax.Array] = jnp.asarray,
) -> Iterator[Embedded]:
    """:func:`embed` block by block, where not all features fit into memory; arguments as there."""
    apply = jax.jit(network.apply_fn)
    range_ = _Range()
    for images in in_blocks(batches):
        range_.look(images)
        found = apply(network.variables, put_fn(filled(images)))
        yield Embedded(*(np.asarray(part)[: len(images)] for part in found), images)
    range_.check()


class _Range:
    """The least and the largest value of images that pass by."""

    def __init__(self):
        self.least, self.largest = np.inf, -np.inf

    def look(self, images: np.ndarray) -> None:
        if not np.isfinite(images).all():
            raise ValueError("images hold NaN or infinity: look at the generator they come from")
        self.least = min(self.least, float(images.min()))
        self.largest = max(self.largest, float(images.max()))
        if self.least < -1.01 or self.largest > 1.01:
            raise ValueError(
                f"images must lie in [-1, 1], got values from {self.least:g} to {self.largest:g}: "
                "for pixels in 0..255, image / 127.5 - 1"
            )

    def check(self) -> None:
        if self.least > self.largest:
            raise ValueError("no images: expected at least one")
        if self.least >= 0.0:
            raise ValueError(
                f"images must lie in [-1, 1], and none of these has a value below 0 (they lie in "
                f"{self.least:g} .. {self.largest:g}): for images in [0, 1], 2 * image - 1"
            )


def classifier_network(source: ArraySource, **training_options: Any) -> FeatureNetwork:
    """A classifier of the source itself, trained on five sixths of it, or found on disk.

    Args:
        source: with ``image`` uint8 and ``label``.
        **training_options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.
    """
    seed = training_options.get("seed", 0)
    classifier = cached_classifier(*training_and_held_out(source, seed=seed), **training_options)
    return network_of(classifier, "a classifier trained here")


def network_of(classifier: Classifier, words: str) -> FeatureNetwork:
    """The penultimate layer of a classifier.

    Args:
        classifier: trained.
        words: what it is, for the protocol.
    """
    network = classifier.network

    def apply_fn(variables, images):
        logits, features = network.apply(variables, images, train=False)
        return features, logits

    description = (
        f"the {network.num_features} of {words} (held-out accuracy "
        f"{100 * classifier.accuracy:.1f} % of {classifier.num_held_out})"
    )
    name, weights = f"{network.num_features} features", classifier.variables
    return FeatureNetwork(name, description, digest(weights), "none", weights, apply_fn)


RESIZES = {
    "clean": (antialiased_bicubic, "antialiased bicubic to 299x299 (clean-fid)"),
    "legacy": (legacy_bilinear, "bilinear to 299x299 as in TensorFlow 1, not antialiased"),
}


def inception_network(
    file: Path, *, resize: Literal["clean", "legacy"] = "clean"
) -> FeatureNetwork:
    """The Inception network of the Frechet inception distance.

    Images are rounded to 256 levels, as files hold them, and resized; grey ones are repeated to three channels.

    Args:
        file: the published weights; see :func:`gan_jax.metrics.networks.inception_weights.inception_variables`.
        resize: the protocol's.
    """
    variables = inception_variables(file)
    resize_fn, words = RESIZES[resize]

    def apply_fn(variables, images):
        pixels = jnp.rint((images + 1.0) * 127.5).clip(0.0, 255.0)
        if pixels.shape[-1] == 1:
            pixels = jnp.repeat(pixels, 3, axis=-1)
        return InceptionV3().apply(variables, (resize_fn(pixels, SIZE) - 128.0) / 128.0)

    description = f"the {NUM_FEATURES} of Inception-v3 (weights of 2015-12-05, {file.name})"
    name = f"Inception, {resize}"
    return FeatureNetwork(name, description, digest(variables), words, variables, apply_fn)


def digest(variables: Any) -> str:
    """A fingerprint of weights: SHA-256, the first 16 digits."""
    digest = hashlib.sha256()
    for path, leaf in sorted(jax.tree_util.tree_leaves_with_path(variables), key=_name):
        digest.update(f"{jax.tree_util.keystr(path)} {leaf.shape} {leaf.dtype}".encode())
        digest.update(np.ascontiguousarray(leaf).data)
    return digest.hexdigest()[:16]


def _name(pair: tuple) -> str:
    return jax.tree_util.keystr(pair[0])
