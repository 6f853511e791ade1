"""Every figure of a set of samples, each with the estimator and the error that belong to it."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.feature_networks import Embedded
from gan_jax.metrics.frechet import frechet_distance, frechet_infinity
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel_distance import kernel_distance
from gan_jax.metrics.memorisation import closer_share
from gan_jax.metrics.ms_ssim import WINDOW, ms_ssim_diversity
from gan_jax.metrics.neighbours import PRDC, prdc
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein

MetricName = Literal[
    "frechet",
    "frechet-infinity",
    "kernel",
    "inception-score",
    "prdc",
    "sliced-wasserstein",
    "ms-ssim",
    "memorisation",
]
NEIGHBOURS = 5


class Sets(NamedTuple):
    """What samples are compared with.

    Attributes:
        reference: real ones; for a row of reals, others.
        held_out: real ones that were not trained on, or None.
    """

    reference: Embedded
    held_out: Embedded | None = None


class Metric(NamedTuple):
    """One or more figures of samples.

    Attributes:
        estimator: in words, for the protocol.
        figures_fn: ``(samples, sets, seed) -> name -> Estimate``.
        missing_fn: ``(samples, sets) ->`` what it needs and is not there, or None.
    """

    estimator: str
    figures_fn: Callable[[Embedded, Sets, int], dict[str, Estimate]]
    missing_fn: Callable[[Embedded, Sets], str | None] = lambda samples, sets: None


def _frechet(samples, sets, seed):
    return {"frechet": Estimate(frechet_distance(samples.features, sets.reference.features))}


def _frechet_infinity(samples, sets, seed):
    estimate = frechet_infinity(samples.features, sets.reference.features, seed=seed)
    return {"frechet-infinity": estimate}


def _kernel(samples, sets, seed):
    # a quarter at most, so that there is an error
    size = min(1000, len(samples.features) // 4, len(sets.reference.features) // 4)
    return {
        "kernel": kernel_distance(
            samples.features, sets.reference.features, subset_size=size, seed=seed
        )
    }


def _inception_score(samples, sets, seed):
    return {"inception-score": inception_score(samples.logits, seed=seed)}


def _prdc(samples, sets, seed):
    found = prdc(samples.features, sets.reference.features, k=NEIGHBOURS)
    return {name: Estimate(value) for name, value in zip(PRDC._fields, found, strict=True)}


def _sliced_wasserstein(samples, sets, seed):
    return {
        "sliced-wasserstein": sliced_wasserstein(
            samples.features, sets.reference.features, seed=seed
        )
    }


def _ms_ssim(samples, sets, seed):
    return {"ms-ssim": ms_ssim_diversity(samples.images, seed=seed)}


def _small_images(samples, sets):
    height, width = samples.images.shape[1:3]
    too_small = min(height, width) < WINDOW
    return f"images of at least {WINDOW}x{WINDOW} pixels" if too_small else None


def _no_held_out(samples, sets):
    return "real images that were not trained on (held_out_fn)" if sets.held_out is None else None


def _memorisation(samples, sets, seed):
    args = (samples.features, sets.held_out.features, sets.reference.features)
    return {"closer than held-out": closer_share(*args)}


METRICS: dict[MetricName, Metric] = {
    "frechet": Metric("between fitted Gaussians, covariances over N - 1", _frechet),
    "frechet-infinity": Metric("a line in 1 / N through 15 subsets, at 0", _frechet_infinity),
    "kernel": Metric("unbiased, cubic kernel, 100 subsets of 1,000 or a quarter", _kernel),
    "inception-score": Metric("mean of 10 parts", _inception_score),
    "prdc": Metric(f"k = {NEIGHBOURS} nearest neighbours", _prdc),
    "sliced-wasserstein": Metric("Wasserstein-1, 256 directions", _sliced_wasserstein),
    "ms-ssim": Metric("mean of 1,000 pairs of the first 1,000 samples", _ms_ssim, _small_images),
    "memorisation": Metric(
        "share of pairs in which a sample is nearer to the reference than a held-out real one",
        _memorisation,
        _no_held_out,
    ),
}


class Figure(NamedTuple):
    """One figure of one set of samples.

    Attributes:
        name: of the figure.
        estimate: value and standard error.
        estimator: in words.
    """

    name: str
    estimate: Estimate
    estimator: str


def left_out(samples: Embedded, sets: Sets) -> dict[str, str]:
    """The metrics that these samples do not have, and what each needs."""
    missing = {name: metric.missing_fn(samples, sets) for name, metric in METRICS.items()}
    return {name: reason for name, reason in missing.items() if reason is not None}


def evaluate(
    samples: Embedded, sets: Sets, *, metrics: Iterable[MetricName] | None = None, seed: int = 0
) -> list[Figure]:
    """The figures of a set of samples.

    Args:
        samples: what the network saw in them.
        sets: what it saw in real ones.
        metrics: names of :data:`METRICS`; all that there are for these samples without it.
        seed: of subsets, parts, directions and pairs.

    Raises:
        ValueError: a metric that these samples do not have, or as the estimators.
    """
    missing = left_out(samples, sets)
    chosen = [name for name in METRICS if name not in missing] if metrics is None else list(metrics)
    if absent := [name for name in chosen if name in missing]:
        raise ValueError("; ".join(f"{name} needs {missing[name]}" for name in absent))
    return [
        Figure(name, estimate, METRICS[metric].estimator)
        for metric in chosen
        for name, estimate in METRICS[metric].figures_fn(samples, sets, seed).items()
    ]
