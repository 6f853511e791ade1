"""The evaluator of sounds: the Frechet distance in features of sounds, silence, clipping, diversity."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import DrawFn, Sampler
from gan_jax.drawing.sampler import noise, real
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import NetworkFn, rows_of_each_part
from gan_jax.metrics.frechet import frechet_estimate_to
from gan_jax.metrics.moments import moments
from gan_jax.metrics.ms_ssim import ms_ssim_diversity
from gan_jax.metrics.networks.network import embed
from gan_jax.spectrogram import LogMel

SILENT = 0.01  # a root mean square below it: 40 dB below full scale
CLIPPED = 0.99  # an absolute value above it, in more than one sample of a thousand


def sounds(
    data: Data, *, network_fn: NetworkFn, spectrogram: LogMel, num_samples: int = 2000
) -> Evaluator:
    """Frechet distance to all training sounds, shares of silent and of clipped ones, MS-SSIM of spectrograms.

    Every row has as many samples as the others, since the distance falls with their number. The
    references: ``real``, held-out sounds; ``one_speaker``, sounds of the first speaker alone, where
    examples have one; ``reversed``, held-out sounds backwards; ``noise``.

    Args:
        data: sounds ``[T]`` in [-1, 1].
        network_fn: ``data -> FeatureNetwork`` of sounds.
        spectrogram: whose images are compared with one another.
        num_samples: of a row, at most what there are of held-out ones.
    """
    num, network = rows_of_each_part(data, num_samples), network_fn(data)

    @cache
    def distance():
        blocks = (rows["real"] for rows in data.in_order())
        return frechet_estimate_to(moments(embed(network, blocks, keep_images=0).features))

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        drawn = np.concatenate([each.samples for each in sampler()])
        features = embed(network, [drawn], keep_images=0).features
        found = {"frechet": distance()(features)}
        found["ms_ssim"] = ms_ssim_diversity(np.asarray(spectrogram(drawn)).clip(-1.0, 1.0))
        found["silent"] = _share(np.sqrt(np.square(drawn).mean(1)) < SILENT)
        found["clipped"] = _share((np.abs(drawn) > CLIPPED).mean(1) > 1e-3)
        return found

    references = {"real": real, "reversed": reversed_in_time, "noise": noise}
    if "speaker" in data.training[0]:
        references["one_speaker"] = one_speaker(data)
    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "frechet": Figure(f"Frechet distance ({network.name})", "less"),
            "ms_ssim": Figure("MS-SSIM of pairs of spectrograms", "less"),
            "silent": Figure("silent", "less"),
            "clipped": Figure("clipped", "less"),
        },
        protocol={
            "description": f"{num:,} samples a row against all {data.size('training'):,} training sounds "
            f"(the row real: held-out ones); features: {network.description}; silent: root mean square "
            f"below {SILENT}; clipped: more than 0.1 % of the samples beyond {CLIPPED}",
            "features_sha256": network.fingerprint,
            "spectrogram": spectrogram._asdict(),
            "data": data.fingerprints(),
        },
        num=num,
        references=references,
    )


def reversed_in_time(players, keys, rows):
    """A reference: the real sounds backwards, whose spectra are the same on average."""
    return rows["real"][:, ::-1]


def one_speaker(data: Data) -> DrawFn:
    """A reference: sounds of the training data by the first of their speakers, drawn with replacement.

    Args:
        data: whose examples have a ``speaker``.
    """

    @cache
    def own() -> np.ndarray:
        blocks = [(rows["real"], rows["speaker"]) for rows in data.in_order()]
        return np.concatenate([sounds[speakers == 0] for sounds, speakers in blocks])

    def draw_fn(players, keys, rows):
        chosen = jax.vmap(lambda key: jax.random.randint(key, (), 0, len(own())))(keys)
        return jnp.asarray(own())[chosen]

    return draw_fn


def _share(values: np.ndarray) -> Estimate:
    share = float(values.mean())
    return Estimate(share, float(np.sqrt(share * (1.0 - share) / len(values))))
