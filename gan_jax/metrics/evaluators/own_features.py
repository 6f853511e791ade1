"""The evaluator of a folder of one's own: features of a network trained on the folder itself."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float

from gan_jax.data import Data
from gan_jax.data.dataset import Part
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import noise, real
from gan_jax.metrics.data_copying import closer_share
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import NetworkFn, of_classifier, rows_of_each_part
from gan_jax.metrics.frechet import frechet_estimate_to
from gan_jax.metrics.moments import moments
from gan_jax.metrics.neighbor_errors import prdc_estimates
from gan_jax.metrics.networks.network import FeatureNetwork, embed
from gan_jax.metrics.networks.rotations import rotations_network

NEIGHBORS = 5  # fewer where there are fewer samples
_MAX_REFERENCE = 10_000
NEAR = {
    "precision": Figure("precision", "more"),
    "recall": Figure("recall", "more"),
    "density": Figure("density", "more"),
    "coverage": Figure("coverage", "more"),
}
COPYING = {"data_copying": Figure("nearer to training than held-out")}  # 0.5 is none


def features_of(data: Data, *, steps: int = 500, **training_options: Any) -> FeatureNetwork:
    """A classifier of the data's labels where examples have a ``label``; else of turned images.

    Args:
        data: images.
        steps: of the training.
        **training_options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.
    """
    labeled = not isinstance(data.training, Mapping) and "label" in data.training[0]
    network_fn = of_classifier if labeled else rotations_network
    return network_fn(data, steps=steps, **training_options)


def own_features(
    data: Data, *, network_fn: NetworkFn = features_of, num_samples: int = 2000, seed: int = 0
) -> Evaluator:
    """Frechet distance, precision, recall, density, coverage and data copying, without downloads.

    A row holds as many samples as there are held-out images, at most ``num_samples``: the row
    ``real`` holds these, so all rows share what few samples do to a figure. The Frechet distance
    and data copying look at all training images (at most 10,000), as each may have been copied; the
    neighbours at as many as there are samples, as these bound the coverage. No figure but data
    copying looks at held-out images, so that no step is chosen by them. Neighbours are the 5 nearest.

    Args:
        data: images; without held-out ones the training images are halved.
        network_fn: ``data -> FeatureNetwork``.
        num_samples: of a row, at most.
        seed: of the choice of real images.

    Raises:
        ValueError: there are fewer than 2 images in either part.
    """
    num, size = rows_of_each_part(data, num_samples), min(_MAX_REFERENCE, data.size("training"))
    k = min(NEIGHBORS, num - 1)
    network = network_fn(data)
    training = cache(lambda: _look(network, data, "training", size, seed))
    held_out = cache(lambda: _look(network, data, "held_out", num, seed))
    distance = cache(lambda: frechet_estimate_to(moments(training())))

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        blocks = (drawn.samples for drawn in sampler())
        seen = embed(network, blocks, keep_images=0).features
        found = {"frechet": distance()(seen)}
        found |= prdc_estimates(seen, training()[:num], k=k)._asdict()
        if data.has_held_out:
            found["data_copying"] = closer_share(seen, held_out(), training())
        return found

    figures = {"frechet": Figure(f"Frechet distance ({network.name})", "less")} | NEAR
    return Evaluator(
        measure_fn=measure_fn,
        figures=figures | (COPYING if data.has_held_out else {}),
        protocol=_protocol(data, network, num, size, k) | {"seed": seed},
        num=num,
        references={"real": real, "noise": noise},
    )


def _look(
    network: FeatureNetwork, data: Data, part: Part, num: int, seed: int
) -> Float[np.ndarray, "n f"]:
    """What the network sees in real images."""
    blocks = (rows["real"] for rows in data.rows(part, num, seed=seed))
    return embed(network, blocks, keep_images=0).features


def _protocol(data: Data, network: FeatureNetwork, num: int, size: int, k: int) -> dict[str, Any]:
    held_out = "held-out" if data.has_held_out else "other training"
    copying = " and data copying" if data.has_held_out else ""
    return {
        "description": f"{num:,} samples a row (the row real: {held_out} images); Frechet distance"
        f"{copying} to {size:,} training images, the others to {num:,} of them, k = {k}; "
        f"features: {network.description}",
        "features_sha256": network.fingerprint,
        "resize": network.resize,
        "num_reference": size,
        "neighbours": k,
        "real_row": "not trained on" if data.has_held_out else "trained on, not the reference",
        "data": data.fingerprints(),
    }
