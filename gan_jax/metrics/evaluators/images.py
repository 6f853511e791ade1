"""Evaluators of images, by the features of a network: their quality, and what distances say of them."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
from scipy.special import softmax

from gan_jax.data import Data
from gan_jax.data.labeled import labeled_images
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import noise, real
from gan_jax.metrics.classes import (
    CONFIDENT,
    classes_covered,
    confident_share_estimate,
    rarest_share,
)
from gan_jax.metrics.data_copying import closer_share
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.frechet import frechet_estimate
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel_distance import kernel_distance
from gan_jax.metrics.ms_ssim import WINDOW, ms_ssim_diversity
from gan_jax.metrics.neighbor_errors import prdc_estimates
from gan_jax.metrics.networks.network import Embedded, FeatureNetwork, classifier_network, embed
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein

NetworkFn = Callable[[Data], FeatureNetwork]
NEIGHBORS = 5


def of_classifier(data: Data, *, steps: int = 1000, **options: Any) -> FeatureNetwork:
    """A classifier of the experiment's own labelled images; trained once, then found on disk.

    Args:
        data: whose examples have a ``label``.
        steps: of its training.
        **options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.
    """
    return classifier_network(labeled_images(data), steps=steps, **options)


def quality(
    data: Data, *, num_samples: int = 5000, classifier_steps: int = 1000, seed: int = 0
) -> Evaluator:
    """Frechet distance and class coverage in the eyes of a classifier of the same images.

    Args:
        data: labelled images.
        num_samples: of a row; at most what there are of real ones.
        classifier_steps: updates of the classifier.
        seed: of the choice of real images.
    """
    network = of_classifier(data, steps=classifier_steps)
    num, reference = _reference(data, network, num_samples, seed)
    classes = len(reference().logits[0])

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        seen = embed(network, _samples(sampler), keep_images=0)
        probabilities = softmax(np.asarray(seen.logits, np.float64), axis=1)
        return {
            "frechet": frechet_estimate(seen.features, reference().features),
            "classes": Estimate(classes_covered(probabilities)),
            "rarest_share": rarest_share(probabilities),
            "confident_share": confident_share_estimate(probabilities),
        }

    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "frechet": Figure(_frechet_label(network), "less"),
            "classes": Figure(f"classes of {classes}", "more", digits=0),
            "rarest_share": Figure("share of the rarest class", "more"),
            "confident_share": Figure("confidently classified", "more"),
        },
        protocol=_protocol(data, network, num, seed)
        | {"class": f"counts with 1 % of the samples at probability {CONFIDENT}"},
        num=num,
        references={"real": real, "noise": noise},
    )


def distances(
    data: Data, *, network_fn: NetworkFn = of_classifier, num_samples: int = 10_000, seed: int = 0
) -> Evaluator:
    """Every distance between samples and real images, in the features of a network.

    Frechet, kernel and sliced Wasserstein distances, precision, recall, density, coverage, the
    Inception score, MS-SSIM where images are large enough, and data copying where some images were
    never trained on.

    Args:
        data: images.
        network_fn: ``data -> FeatureNetwork``.
        num_samples: of a row; at most what there are of real ones.
        seed: of the choice of real images, of subsets, directions and pairs.
    """
    network = network_fn(data)
    num, reference = _reference(data, network, num_samples, seed)
    held_out = cache(lambda: embed(network, _real(data, "held_out", num, seed), keep_images=0))
    large = min(np.shape(data.first(1)["real"])[1:3]) >= WINDOW
    copying = data.has_held_out

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        seen = embed(network, _samples(sampler))
        found = _distances(seen, reference(), seed)
        if large:
            found["ms_ssim"] = ms_ssim_diversity(seen.images, seed=seed)
        if copying:
            features = (seen.features, held_out().features, reference().features)
            found["data_copying"] = closer_share(*features)
        return found

    figures = {"frechet": Figure(_frechet_label(network), "less")} | DISTANCES
    figures |= {"ms_ssim": Figure("MS-SSIM of pairs", "less")} if large else {}
    figures |= {"data_copying": Figure("nearer to training than held-out")} if copying else {}
    estimators = {name: _ESTIMATORS[name] for name in figures if name in _ESTIMATORS}
    return Evaluator(
        measure_fn=measure_fn,
        figures=figures,
        protocol=_protocol(data, network, num, seed) | {"estimators": estimators},
        num=num,
        references={"real": real, "noise": noise},
        when="asked",
    )


DISTANCES = {
    "kernel": Figure("kernel distance", "less", digits=4),
    "inception_score": Figure("Inception score", "more"),
    "precision": Figure("precision", "more"),
    "recall": Figure("recall", "more"),
    "density": Figure("density", "more"),
    "coverage": Figure("coverage", "more"),
    "sliced_wasserstein": Figure("sliced Wasserstein", "less"),
}
_ESTIMATORS = {
    "frechet": "between fitted Gaussians, covariances over N - 1",
    "kernel": "unbiased, cubic kernel, 100 subsets of 1,000 or a quarter",
    "inception_score": "mean of 10 parts",
    "precision": f"k = {NEIGHBORS} nearest neighbours",
    "sliced_wasserstein": "Wasserstein-1, 256 directions",
    "ms_ssim": "mean of 1,000 pairs of the first 1,000 samples",
    "data_copying": "share of pairs in which a sample is nearer to the reference than a held-out "
    "real one; 0.5 is none",
}


def _distances(seen: Embedded, reference: Embedded, seed: int) -> dict[str, Estimate]:
    features = (seen.features, reference.features)
    size = min(1000, *(len(rows) // 4 for rows in features))  # a quarter: so there is an error
    return {
        "frechet": frechet_estimate(*features),
        "kernel": kernel_distance(*features, subset_size=size, seed=seed),
        "inception_score": inception_score(seen.logits, seed=seed),
        **prdc_estimates(*features, k=NEIGHBORS)._asdict(),
        "sliced_wasserstein": sliced_wasserstein(*features, seed=seed),
    }


def _reference(
    data: Data, network: FeatureNetwork, num_samples: int, seed: int
) -> tuple[int, Callable[[], Embedded]]:
    """How many samples a row has, and what the network sees in as many training images."""
    num = rows_of_each_part(data, num_samples)
    look = partial(embed, network, keep_images=0)
    return num, cache(lambda: look(_real(data, "training", num, seed)))


def rows_of_each_part(data: Data, num: int) -> int:
    """As many rows of either part of the data as there are, at most ``num``.

    Raises:
        ValueError: they would be fewer than 2.
    """
    found = min(num, data.size("training"), data.size("held_out"))
    if found < 2:
        raise ValueError(f"num_samples and either part of the data must be at least 2, got {found}")
    return found


def _real(data: Data, part: str, num: int, seed: int) -> Iterator[np.ndarray]:
    for rows in data.rows(part, num, seed=seed):
        yield rows["real"]


def _samples(sampler: Sampler) -> Iterator[np.ndarray]:
    for drawn in sampler():
        yield drawn.samples


def _frechet_label(network: FeatureNetwork) -> str:
    return f"Frechet distance ({network.name})"


def _protocol(data: Data, network: FeatureNetwork, num: int, seed: int) -> dict[str, Any]:
    compared = "held-out" if data.has_held_out else "other real"
    return {
        "description": f"{num:,} samples a row against {num:,} training images (the row real: "
        f"{compared} images); features: {network.description}",
        "features_sha256": network.fingerprint,
        "resize": network.resize,
        "real_row": "not trained on" if data.has_held_out else "trained on, not the reference",
        "data": data.fingerprints(),
        "seed": seed,
    }
