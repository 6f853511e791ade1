"""Judges of images, by a classifier that is trained in the project.

The real set is cut in two random halves. Generated samples, one half of the real ones, and uniform
noise are each compared with the other half, so that all distances have the same number of samples
and the same bias. Real against real is the floor, noise the ceiling.
"""

import numpy as np

from gan_jax.data import ArraySource, pixels_to_real
from gan_jax.metrics.classes import class_shares, classes_covered, confident_share
from gan_jax.metrics.classifier import Classifier, training_and_held_out
from gan_jax.metrics.classifier_cache import cached_classifier
from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.judgement import Figures, Judge
from gan_jax.metrics.modes import kl_to_uniform, modes_covered


def labelled_images(
    source: ArraySource, *, num_samples: int = 5000, classifier_steps: int = 1000, seed: int = 0
) -> Judge:
    """Class coverage and Frechet distance in the eyes of a classifier of the same images.

    Args:
        source: with ``image`` uint8 and ``label``.
        num_samples: per row; at most half the real set.
        classifier_steps: updates of the classifier, which is trained on five sixths of the source.
        seed: of the halves, the noise and the classifier.
    """
    num = min(num_samples, len(source) // 2)
    classifier = cached_classifier(
        *training_and_held_out(source, seed=seed), seed=seed, steps=classifier_steps
    )
    rows, reference = _rows(source, num, seed)
    _, reference_features = classifier.judge(reference)

    def figures_fn(images: np.ndarray) -> Figures:
        probabilities, features = classifier.judge(images)
        return {
            f"classes of {probabilities.shape[1]}": classes_covered(probabilities),
            "rarest class %": round(100 * float(class_shares(probabilities).min()), 2),
            "confident %": round(100 * confident_share(probabilities), 1),
            "Frechet": round(frechet_distance(features, reference_features), 3),
        }

    references = {name: figures_fn(images) for name, images in rows.items()}
    return Judge(
        protocol=_protocol(num, classifier)
        + "; a class counts with 1 % of the samples at probability 0.9",
        num_samples=num,
        figures_fn=figures_fn,
        references=references,
        metric="Frechet",
        more_is_better=frozenset(references["real"]) - {"Frechet"},
    )


def stacked_digits(
    source: ArraySource, classifier: Classifier, *, num_samples: int = 26_000, seed: int = 0
) -> Judge:
    """Modes of 1,000 that three-digit images cover, in the eyes of a classifier of single digits.

    The classifier reads each channel; the three digits are the number of the mode. The Frechet
    distance is taken in the features of the three channels side by side.

    Args:
        source: the stacked images ``[N, H, W, 3]`` uint8.
        classifier: of single digits ``[H, W, 1]``.
        num_samples: per row; at most half the stacked set.
        seed: of the halves and the noise.

    References:
        Metz et al. 2017, arXiv 1611.02163, section 3.3.1; Lin et al. 2018, arXiv 1712.04086, section
        4.2 (26,000 samples).
    """
    num = min(num_samples, len(source) // 2)
    rows, reference = _rows(source, num, seed)
    _, reference_features = _read_stacked(classifier, reference)

    def figures_fn(images: np.ndarray) -> Figures:
        modes, features = _read_stacked(classifier, images)
        return {
            "modes of 1000": modes_covered(modes, 1000),
            "KL to uniform": round(kl_to_uniform(modes, 1000), 4),
            "Frechet": round(frechet_distance(features, reference_features), 3),
        }

    return Judge(
        protocol=_protocol(num, classifier) + " of single digits, for each channel",
        num_samples=num,
        figures_fn=figures_fn,
        references={name: figures_fn(images) for name, images in rows.items()},
        metric="Frechet",
        more_is_better=frozenset({"modes of 1000"}),
    )


def _rows(source: ArraySource, num: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Real images and noise, and other real images to compare them with; ``num`` of each."""
    if num < 2:
        raise ValueError(f"num_samples and half the real set must be at least 2, got {num}")
    generator = np.random.default_rng(seed + 1)
    order = generator.permutation(len(source))
    real, reference = (
        np.asarray(pixels_to_real(source[rows])["real"]) for rows in (order[:num], order[-num:])
    )
    noise = generator.uniform(-1.0, 1.0, real.shape).astype(np.float32)
    return {"real": real, "noise": noise}, reference


def _read_stacked(classifier: Classifier, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images ``[N, H, W, 3]`` to (the number that the digits spell ``[N]``, features ``[N, 3 F]``)."""
    modes, features = 0, []
    for channel in range(3):
        probabilities, read = classifier.judge(images[..., channel : channel + 1])
        modes = 10 * modes + probabilities.argmax(1)
        features.append(read)
    return modes, np.concatenate(features, axis=1)


def _protocol(num: int, classifier: Classifier) -> str:
    return (
        f"{num} samples a row against the other {num} real ones; features: the "
        f"{classifier.network.num_features} of a classifier trained here\n(held-out accuracy "
        f"{100 * classifier.accuracy:.1f} % of {classifier.num_held_out})"
    )
