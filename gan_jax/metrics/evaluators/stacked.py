"""The evaluator of stacked digits: which of 1,000 modes the images cover."""

from functools import cache

import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import noise, real
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import rows_of_each_part
from gan_jax.metrics.frechet import frechet_estimate
from gan_jax.metrics.modes import kl_to_uniform_estimate, modes_covered
from gan_jax.metrics.networks.classifier import Classifier
from gan_jax.metrics.networks.network import digest

MODES = 1000


def stacked_digits(
    data: Data, *, classifier: Classifier, num_samples: int = 26_000, seed: int = 0
) -> Evaluator:
    """Modes of 1,000 that three-digit images cover, in the eyes of a classifier of single digits.

    The classifier reads each channel; the three digits are the number of the mode. The Frechet
    distance is taken in the features of the three channels side by side.

    Args:
        data: whose ``real`` are ``[H, W, 3]`` in [-1, 1].
        classifier: of single digits ``[H, W, 1]``.
        num_samples: of a row; at most what there are of real ones.
        seed: of the choice of real images.

    References:
        Metz et al. 2017, arXiv 1611.02163, section 3.3.1; Lin et al. 2018, arXiv 1712.04086, section
        4.2 (26,000 samples).
    """
    num = rows_of_each_part(data, num_samples)

    @cache
    def reference() -> np.ndarray:
        blocks = data.rows("training", num, seed=seed)
        return _read(classifier, [rows["real"] for rows in blocks])[1]

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        modes, features = _read(classifier, [drawn.samples for drawn in sampler()])
        return {
            "modes": Estimate(modes_covered(modes, MODES)),
            "kl": kl_to_uniform_estimate(modes, MODES),
            "frechet": frechet_estimate(features, reference()),
        }

    accuracy = f"{100 * classifier.accuracy:.1f} % of {classifier.num_held_out}"
    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "modes": Figure("modes of 1,000", "more", digits=0),
            "kl": Figure("KL to uniform", "less", digits=4),
            "frechet": Figure("Frechet distance (classifier of digits)", "less"),
        },
        protocol={
            "description": f"{num:,} samples a row against {num:,} training images; features: the "
            f"{classifier.network.num_features} of a classifier of single digits (held-out accuracy "
            f"{accuracy}), for each channel",
            "features_sha256": digest(classifier.variables),
            "data": data.fingerprints(),
            "seed": seed,
        },
        num=num,
        references={"real": real, "noise": noise},
    )


def _read(classifier: Classifier, blocks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Images ``[N, H, W, 3]`` to (the number that the digits spell ``[N]``, features ``[N, 3 F]``)."""
    images = np.concatenate(blocks)
    modes, features = 0, []
    for channel in range(3):
        probabilities, read = classifier.classify(images[..., channel : channel + 1])
        modes = 10 * modes + probabilities.argmax(1)
        features.append(read)
    return modes, np.concatenate(features, axis=1)
