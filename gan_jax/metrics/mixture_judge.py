"""The judge of a mixture whose truth is known: modes, good samples, and how even they are."""

import numpy as np

from gan_jax.data import ArraySource
from gan_jax.data.mixtures import Mixture
from gan_jax.metrics.judgement import Figures, Judge
from gan_jax.metrics.modes import (
    HIGH_QUALITY_SHARE,
    kl_to_weights,
    modes_covered,
    nearest_mode,
    quality_radius,
    relative_width,
)


def mixture_modes(
    source: ArraySource, truth: Mixture, *, num_samples: int = 2500, seed: int = 1
) -> Judge:
    """Modes with at least one good sample, the share of good samples, their divergence and their width.

    A sample is good within three deviations of the nearest mode (in other dimensions than two,
    within :func:`gan_jax.metrics.modes.quality_radius`). The divergence is that of the good
    samples' histogram from the modes' weights, in nats; without a good sample it is that of a
    single mode, the least likely. The width is our addition: the published figures show modes that
    are too narrow only as a high-quality share above that of real data.

    Args:
        source: not looked at: the truth is known.
        truth: the mixture.
        num_samples: per row.
        seed: of the real row and of the noise.

    References:
        Srivastava et al. 2017, arXiv 1705.07761, section 4.1; Lin et al. 2018, arXiv 1712.04086,
        section 4.1 (2,500 samples).
    """
    num_modes, dimension = truth.means.shape
    radius = quality_radius(dimension)

    def figures_fn(samples: np.ndarray) -> Figures:
        modes, distances = nearest_mode(samples, truth.means, truth.scales)
        near = distances < radius
        good = modes[near]
        width = relative_width(distances[near], dimension, radius) if len(good) else 0.0
        none = float(-np.log(truth.weights.min()))
        return {
            f"modes of {num_modes}": modes_covered(good, num_modes) if len(good) else 0,
            "high quality %": round(100 * len(good) / len(samples), 2),
            "KL": round(kl_to_weights(good, truth.weights) if len(good) else none, 5),
            "width %": round(100 * width, 1),
        }

    real = truth.sample(num_samples, seed=seed)
    noise = np.random.default_rng(seed).uniform(real.min(0), real.max(0), real.shape)
    floor = (num_modes - 1) / (2 * num_samples)
    return Judge(
        protocol=f"{num_samples} samples a row; good: within {radius:.4g} deviations of a mode; a perfect "
        f"sampler has {100 * HIGH_QUALITY_SHARE:.2f} % of them\nand a KL of about {floor:.4f}; noise is "
        "uniform between the least and the greatest",
        num_samples=num_samples,
        figures_fn=figures_fn,
        references={"real": figures_fn(real), "noise": figures_fn(noise)},
        metric="KL",
        more_is_better=frozenset({f"modes of {num_modes}", "high quality %"}),
    )
