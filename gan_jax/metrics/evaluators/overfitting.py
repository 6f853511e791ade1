"""Evaluators of little data: does the discriminator know its training images by heart, and do samples copy them?"""

from collections.abc import Iterable
from functools import cache

import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import noise, real
from gan_jax.metrics.data_copying import closer_share
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import NetworkFn, of_classifier
from gan_jax.metrics.frechet import frechet_estimate_to
from gan_jax.metrics.moments import moments
from gan_jax.metrics.networks.network import embed


def overfitting(data: Data, *, num_samples: int = 1000) -> Evaluator:
    """What the discriminator says of images that it was trained on, of held-out ones, and of samples.

    ``overfitting = (E D(training) - E D(held-out)) / (E D(training) - E D(G(z)))``: 0 where held-out
    images are as real as training ones, 1 where they are as false as samples. Everything is judged
    as in training, augmented where the game augments.

    Args:
        data: images.
        num_samples: of each kind, at most.

    References:
        Karras et al. 2020, arXiv 2006.06676, equation 1 (its r_v).
    """
    num = min(num_samples, data.size("training"), data.size("held_out"))

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        said: dict[str, np.ndarray] = {}
        for part in ("training", "held_out"):
            said[part] = _judged(sampler, (rows["real"] for rows in data.rows(part, num)))
        said["generated"] = _judged(sampler, (drawn.samples for drawn in sampler()))
        means = {f"{name}_logits": _mean(logits) for name, logits in said.items()}
        return means | {"overfitting": _overfitting(**said)}

    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "overfitting": Figure("overfitting", "less"),
            "training_logits": Figure("logits of training images"),
            "held_out_logits": Figure("logits of held-out images"),
            "generated_logits": Figure("logits of samples"),
        },
        protocol={
            "description": f"{num:,} samples, training and held-out images each, as the discriminator judges "
            "them; overfitting: (training - held-out) / (training - samples) of their mean logits",
            "data": data.fingerprints(),
        },
        num=num,
    )


def _judged(sampler: Sampler, blocks: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(sampler.players.judge_fn(block)[0]) for block in blocks])


def _mean(logits: np.ndarray) -> Estimate:
    return Estimate(float(logits.mean()), float(logits.std(ddof=1) / np.sqrt(len(logits))))


def _overfitting(training: np.ndarray, held_out: np.ndarray, generated: np.ndarray) -> Estimate:
    """The ratio of differences of means, its error by the first order of each mean."""
    (t, h, g), (dt, dh, dg) = zip(*map(_mean, (training, held_out, generated)), strict=True)
    gap = t - g
    value = (t - h) / gap
    error = np.sqrt(((h - g) * dt) ** 2 + (gap * dh) ** 2 + ((t - h) * dg) ** 2) / gap**2
    return Estimate(float(value), float(error))


def held_out_distances(
    data: Data, *, network_fn: NetworkFn = of_classifier, num_samples: int = 1000
) -> Evaluator:
    """The Frechet distance to images that were never trained on, and whether samples are copies.

    The distance to training images rewards copies of them; this one does not. The first held-out
    images are the row ``real``, the others are what is compared with.

    Args:
        data: images.
        network_fn: ``data -> FeatureNetwork``.
        num_samples: of a row; at most a half of the held-out images.

    Raises:
        ValueError: there are fewer than 4 held-out images.
    """
    size = data.size("held_out")
    num = min(num_samples, size // 2)
    if num < 2:
        raise ValueError(f"expected at least 4 held-out images (or more num_samples), got {size}")
    network = network_fn(data)
    look = cache(lambda part: embed(network, _images(data, part), keep_images=0).features)
    distance = cache(lambda: frechet_estimate_to(moments(look("held_out")[num:])))

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        seen = embed(network, (drawn.samples for drawn in sampler()), keep_images=0).features
        copied = closer_share(seen, look("held_out")[num:], look("training"))
        return {"frechet": distance()(seen), "data_copying": copied}

    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "frechet": Figure(f"Frechet distance to held-out images ({network.name})", "less"),
            "data_copying": Figure("nearer to training than held-out"),
        },
        protocol={
            "description": f"{num:,} samples a row (the row real: held-out images) against {size - num:,} other "
            f"held-out images; copying: nearest of {data.size('training'):,} training images; features: "
            f"{network.description}",
            "features_sha256": network.fingerprint,
            "resize": network.resize,
            "data": data.fingerprints(),
        },
        num=num,
        references={"real": real, "noise": noise},
    )


def _images(data: Data, part: str) -> Iterable[np.ndarray]:
    return (rows["real"] for rows in data.rows(part))
