"""The evaluator of one figure of very many images: the Frechet distance, and no features kept."""

from collections.abc import Iterable
from functools import cache

import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import real
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import NetworkFn
from gan_jax.metrics.frechet import frechet_to
from gan_jax.metrics.moments import Moments, streaming_moments
from gan_jax.metrics.networks.network import embedded


def frechet(data: Data, *, network_fn: NetworkFn, num_samples: int = 50_000) -> Evaluator:
    """The Frechet distance of samples to training images; mean and covariance are all that is kept.

    50,000 samples in 2,048 features, as papers take them, are 0.8 GB in float64, and their moments
    34 MB.

    Args:
        data: images.
        network_fn: ``data -> FeatureNetwork``; of Inception, this is the FID.
        num_samples: of a row, and of training images as many, or all there are. The row ``real`` is
            of held-out images, from the first on again where there are fewer.
    """
    network = network_fn(data)
    compared = min(num_samples, data.size("training"))

    def seen(blocks: Iterable[np.ndarray]) -> Moments:
        return streaming_moments(block.features for block in embedded(network, blocks))

    @cache
    def distance():
        return frechet_to(seen(rows["real"] for rows in data.rows("training", compared)))

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        return {"frechet": Estimate(distance()(seen(drawn.samples for drawn in sampler())))}

    return Evaluator(
        measure_fn=measure_fn,
        figures={"frechet": Figure(f"Frechet distance ({network.name})", "less")},
        protocol={
            "description": f"{num_samples:,} samples a row against {compared:,} training images (the "
            f"row real: {data.size('held_out'):,} others); features: {network.description}",
            "features_sha256": network.fingerprint,
            "resize": network.resize,
            "data": data.fingerprints(),
        },
        num=num_samples,
        references={"real": real},
        when="asked",
    )
