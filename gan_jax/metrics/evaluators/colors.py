"""The evaluator of colorization: is there as much color as in real images?"""

from collections.abc import Mapping

import jax
import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import DrawFn, Drawn
from gan_jax.drawing.sampler import real
from gan_jax.lab import chroma, rgb_to_lab
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.rows import by_row


def colors(
    data: Data, *, references: Mapping[str, DrawFn] | None = None, num_samples: int | None = None
) -> Evaluator:
    """Mean chroma of samples, and how far their ``a*`` and ``b*`` are from the truth's.

    PSNR rewards grey: of two colors that are as likely, the mean has the least error. So the chroma
    stands beside it, and that of ``real`` is what it should be.

    Args:
        data: whose ``real`` ``[H, W, 3]`` in [-1, 1] is the truth.
        references: further methods, ``(None, keys, rows) -> images``.
        num_samples: held-out rows; all of them if None or fewer.
    """
    rows = data.size("held_out")
    num = num_samples if num_samples and num_samples < rows else None
    chroma_of, lab_of = jax.jit(chroma), jax.jit(rgb_to_lab)

    def observed(drawn: Drawn) -> dict[str, np.ndarray]:
        far = (lab_of(drawn.samples) - lab_of(drawn.rows["real"]))[..., 1:]
        return {
            "chroma": np.asarray(chroma_of(drawn.samples)).mean((1, 2)),
            "color_error": np.abs(np.asarray(far)).mean((1, 2, 3)),
        }

    return Evaluator(
        measure_fn=by_row(observed),
        figures={
            "chroma": Figure("mean chroma", digits=2),
            "color_error": Figure("mean error of a* and b*", "less", digits=2),
        },
        protocol={
            "description": f"means over {num or rows:,} images; CIE L*a*b* of sRGB under D65",
            "data": data.fingerprints(),
        },
        num=num,
        references={"real": real, **(references or {})},
    )
