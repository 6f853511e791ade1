"""The evaluator of clips: does one thing stay what it is, and does it move as things move?"""

from collections.abc import Callable
from functools import cache

import jax.numpy as jnp
import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import Drawn, Sampler
from gan_jax.drawing.sampler import noise, real
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.asked import classes_of
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure, Measured
from gan_jax.metrics.evaluators.images import rows_of_each_part
from gan_jax.metrics.evaluators.rows import by_row
from gan_jax.metrics.frechet import frechet_estimate_to
from gan_jax.metrics.moments import moments
from gan_jax.metrics.networks.clips import of_clips, of_frames
from gan_jax.metrics.networks.network import FeatureNetwork, embed
from gan_jax.metrics.paths import bounce_residual, centroids, pace

NetworkFn = Callable[[Data], FeatureNetwork]


def clips(
    data: Data,
    *,
    frames_fn: NetworkFn = of_frames,
    clips_fn: NetworkFn = of_clips,
    num_samples: int = 1000,
) -> Evaluator:
    """What a classifier reads in each frame, the path of the light, and the Frechet distance of clips.

    ``asked`` is the share of frames that are read as the label that was asked for, ``constant`` the
    share of clips in which all frames are read alike, ``alike`` that of neighbouring frames that are.
    The references: ``real``; ``shuffled``, frames of real clips of other labels put together;
    ``noise``.

    Args:
        data: grey clips of moving digits, the label their condition.
        frames_fn: ``data -> FeatureNetwork`` of single frames.
        clips_fn: likewise of whole clips.
        num_samples: of a row.
    """
    num = rows_of_each_part(data, num_samples)
    frames_network, clips_network = frames_fn(data), clips_fn(data)
    found_fn = classes_of(frames_network)

    def read(drawn: Drawn) -> dict[str, np.ndarray]:
        found = np.stack([found_fn(frame) for frame in np.moveaxis(drawn.samples, 1, 0)], axis=1)
        path = centroids(drawn.samples)
        return {
            "asked": (found == drawn.rows["condition"][:, None]).mean(1),
            "constant": (found == found[:, :1]).all(1),
            "alike": (found[:, 1:] == found[:, :-1]).mean(1),
            "path_residual": bounce_residual(path),
            "pace": pace(path),
        }

    @cache
    def distance():
        blocks = (rows["real"] for rows in data.rows("training", num))
        return frechet_estimate_to(moments(embed(clips_network, blocks, keep_images=0).features))

    def measure_fn(sampler: Sampler) -> Measured:
        measured = by_row(read)(sampler)
        blocks = (drawn.samples for drawn in sampler())
        features = embed(clips_network, blocks, keep_images=0).features
        frechet: dict[str, Estimate] = {"frechet": distance()(features)}
        return Measured(frechet | dict(measured.figures), measured.rows)

    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "frechet": Figure(f"Frechet distance ({clips_network.name} of clips)", "less"),
            "asked": Figure("frames of the asked digit", "more"),
            "constant": Figure("clips of one digit", "more"),
            "alike": Figure("neighbouring frames alike", "more"),
            "path_residual": Figure("path residual in pixels", "less"),
            "pace": Figure("pixels a frame"),
        },
        protocol={
            "description": f"{num:,} clips a row, for the conditions of held-out rows, against as many "
            f"training clips; read by {frames_network.description}; Frechet distance in "
            f"{clips_network.description}; path residual: to the nearest path of at most one bounce",
            "features_sha256": [frames_network.fingerprint, clips_network.fingerprint],
            "data": data.fingerprints(),
        },
        num=num,
        references={"real": real, "shuffled": shuffled, "noise": noise},
    )


def shuffled(players, keys, rows):
    """A reference: frame t of each clip is that of another real clip, ``7 t`` rows away."""
    clips = jnp.asarray(rows["real"])
    return jnp.stack([jnp.roll(clips[:, time], 7 * time, 0) for time in range(clips.shape[1])], 1)
