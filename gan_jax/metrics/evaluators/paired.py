"""The evaluator of images that have a truth of their own: restored, translated, reconstructed."""

from collections.abc import Callable, Mapping
from functools import cache

import jax
import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import DrawFn, Drawn
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.rows import by_row
from gan_jax.metrics.ms_ssim import DEVIATION, WINDOW, ssim
from gan_jax.metrics.psnr import CEILING, psnr

_MEAN_OF = 10_000  # training images in the reference that knows nothing of the input
_WINDOWS = (
    f"; SSIM in Gaussian windows of {WINDOW} pixels, deviation {DEVIATION}, wholly inside, channels "
    "averaged"
)


def paired(
    data: Data,
    *,
    references: Mapping[str, DrawFn] | None = None,
    num_samples: int | None = None,
    part: tuple[slice, slice] = (slice(None), slice(None)),
) -> Evaluator:
    """PSNR, SSIM and L1 of samples and what each should be, over every held-out row once.

    The references are the ``input`` as it is, where rows hold one in the shape of ``real``, and the
    mean of the training images, whatever the input.

    Args:
        data: whose ``real`` ``[H, W, C]`` in [-1, 1] is the truth; smaller than 11x11 pixels they
            have no SSIM.
        references: classical methods, ``(None, keys, rows) -> images``: ``{"median": ...}``.
        num_samples: of them only, if fewer.
        part: rows and columns of the image that are compared, such as those of a hole; all of them
            by default.

    Raises:
        ValueError: a reference has the name of one of ours.
    """
    example = data.first(1)
    shape = np.shape(example["real"])
    ours: dict[str, DrawFn] = {"mean": mean_image(data)}
    if np.shape(example.get("input")) == shape:
        ours = {"input": _input} | ours
    if taken := ours.keys() & (references or {}).keys():
        raise ValueError(f"the reference {', '.join(taken)} is there already: choose another name")
    rows = data.size("held_out")
    num = num_samples if num_samples and num_samples < rows else None
    seen = (slice(None), *part)
    compared_shape = example["real"][seen].shape
    large = min(compared_shape[1:3]) >= WINDOW
    compare = jax.jit(ssim)

    def compared(drawn: Drawn) -> dict[str, np.ndarray]:
        images, truth = drawn.samples[seen], drawn.rows["real"][seen]
        found = {"psnr": psnr(images, truth), "l1": np.abs(images - truth).mean((1, 2, 3))}
        return found | ({"ssim": compare(images, truth)} if large else {})

    return Evaluator(
        measure_fn=by_row(compared),
        figures={
            "psnr": Figure("PSNR (dB)", "more", digits=2),
            "l1": Figure("L1", "less", digits=4),
        }
        | ({"ssim": Figure("SSIM", "more", digits=4)} if large else {}),
        protocol={
            "description": f"means over {num or rows:,} "
            f"{'held-out' if data.has_held_out else 'trained-on'} rows, images in [-1, 1], not "
            f"rounded; PSNR at most {CEILING:g} dB" + (_WINDOWS if large else ""),
            "data": data.fingerprints(),
        }
        | ({} if compared_shape == shape else {"part": _told(part)}),
        num=num,
        references={**ours, **(references or {})},
    )


def _told(part: tuple[slice, slice]) -> list[str]:
    return [f"{side.start} to {side.stop}" for side in part]


def mean_image(data: Data) -> Callable:
    """A reference: the mean of (at most 10,000) training images, for every row."""

    @cache
    def mean() -> np.ndarray:
        num = min(data.size("training"), _MEAN_OF)
        blocks = data.rows("training", num)
        return sum(rows["real"].sum(0, dtype=np.float64) for rows in blocks) / num

    def draw_fn(players, keys, rows) -> np.ndarray:
        return np.broadcast_to(mean().astype(np.float32), np.shape(rows["real"]))

    return draw_fn


def _input(players, keys, rows) -> np.ndarray:
    return rows["input"]
