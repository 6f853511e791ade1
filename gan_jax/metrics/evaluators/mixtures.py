"""The evaluator of a mixture whose truth is known: modes, good samples, and how even they are."""

import numpy as np

from gan_jax.data import Data
from gan_jax.data.mixtures import Mixture
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import real, uniform_noise
from gan_jax.metrics.errors import share
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.modes import (
    HIGH_QUALITY_SHARE,
    kl_to_weights_estimate,
    modes_covered,
    nearest_mode,
    quality_radius,
    relative_width_estimate,
)


def mixture_modes(data: Data, *, truth: Mixture, num_samples: int = 2500) -> Evaluator:
    """Modes with at least one good sample, the share of good samples, their divergence and their width.

    A sample is good within three deviations of the nearest mode (in other dimensions than two,
    within :func:`gan_jax.metrics.modes.quality_radius`). The divergence is that of the good
    samples' histogram from the modes' weights, in nats; without a good sample it is that of a
    single mode, the least likely. The width is our addition: the published figures show modes that
    are too narrow only as a high-quality share above that of real data.

    Args:
        data: for the row of real samples.
        truth: the mixture.
        num_samples: of a row.

    References:
        Srivastava et al. 2017, arXiv 1705.07761, section 4.1; Lin et al. 2018, arXiv 1712.04086,
        section 4.1 (2,500 samples).
    """
    num_modes, dimension = truth.means.shape
    radius = quality_radius(dimension)

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        samples = np.concatenate([drawn.samples for drawn in sampler()])
        modes, distances = nearest_mode(samples, truth.means, truth.scales)
        near = distances < radius
        good = modes[near]
        if not len(good):
            none = Estimate(float(-np.log(truth.weights.min())))
            zero = Estimate(0.0)
            return {"modes": zero, "high_quality_share": share(near), "kl": none, "width": zero}
        return {
            "modes": Estimate(modes_covered(good, num_modes)),
            "high_quality_share": share(near),
            "kl": kl_to_weights_estimate(good, truth.weights),
            "width": relative_width_estimate(distances[near], dimension, radius),
        }

    box = truth.sample(num_samples, seed=1)
    floor = (num_modes - 1) / (2 * num_samples)
    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "modes": Figure(f"modes of {num_modes}", "more", digits=0),
            "high_quality_share": Figure("high-quality samples", "more", digits=4),
            "kl": Figure("KL to the weights", "less", digits=4),
            "width": Figure("width of the modes"),
        },
        protocol={
            "description": f"{num_samples:,} samples a row; good: within {radius:.4g} deviations of a "
            f"mode; a perfect sampler has a share of {HIGH_QUALITY_SHARE:.4f} of them and a KL of "
            f"about {floor:.4f}; noise is uniform between the least and the greatest",
            "means": truth.means.tolist() if num_modes * dimension < 100 else num_modes,
            "data": data.fingerprints(),
        },
        num=num_samples,
        references={"real": real, "noise": uniform_noise(box.min(0), box.max(0))},
    )
