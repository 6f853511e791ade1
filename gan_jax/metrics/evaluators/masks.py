"""The evaluator of segmentation."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import ndimage

from gan_jax.data import Data
from gan_jax.drawing import DrawFn, Drawn
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.rows import of_rows

_TOLERANCE = 1  # pixels between two boundaries that still meet


def masks(
    data: Data,
    *,
    classes: int,
    references: Mapping[str, DrawFn] | None = None,
    num_samples: int | None = None,
) -> Evaluator:
    """Mean intersection over union, that of thing and background alone, and how well boundaries meet.

    ``IoU_k = sum intersections / sum unions`` of class k over all images; ``mean_iou`` is the mean over
    the classes, the background among them. ``boundary_f`` is the mean over images of the F score of boundary pixels
    that meet within a pixel. Errors: 200 resamples of images.

    Args:
        data: with a source ``labelled``, whose rows hold ``real`` and ``mask``.
        classes: the background (0) among them.
        references: ``(None, keys, rows) -> masks [n, H, W]``.
        num_samples: held-out images; all of them if None or fewer.

    References:
        Csurka et al. 2013, BMVC, section 3 (boundary F).
    """
    rows = data.size("held_out")
    num = num_samples if num_samples and num_samples < rows else rows

    def observe(drawn: Drawn) -> dict[str, np.ndarray]:
        found, true = np.asarray(drawn.samples), np.asarray(drawn.rows["labelled"]["mask"])
        each = [(found == k, true == k) for k in range(classes)]
        return {
            "both": np.stack([(f & t).sum((1, 2)) for f, t in each], axis=1),
            "either": np.stack([(f | t).sum((1, 2)) for f, t in each], axis=1),
            "things": np.stack(
                [((found > 0) & (true > 0)).sum((1, 2)), ((found > 0) | (true > 0)).sum((1, 2))],
                axis=1,
            ),
            "boundary": np.array(
                [boundary_f(f > 0, t > 0) for f, t in zip(found, true, strict=True)]
            ),
        }

    def figures(seen: Mapping[str, np.ndarray]) -> dict[str, float]:
        both, either = seen["both"].sum(0), seen["either"].sum(0)
        thing, either_thing = seen["things"].sum(0)
        return {
            "mean_iou": float(np.mean(both[either > 0] / either[either > 0])),
            "thing_iou": float(thing / max(either_thing, 1)),
            "boundary_f": float(seen["boundary"].mean()),
        }

    return Evaluator(
        measure_fn=of_rows(figures, observe),
        figures={
            "mean_iou": Figure(f"mean IoU of {classes} classes", "more"),
            "thing_iou": Figure("IoU of thing and background", "more"),
            "boundary_f": Figure("boundary F", "more"),
        },
        protocol={
            "description": f"{num:,} held-out images; boundaries meet within {_TOLERANCE} pixel",
            "classes": classes,
            "data": data.fingerprints(),
        },
        num=num,
        references={"all_thing": everything, **(references or {})},
    )


def boundary_f(found: np.ndarray, true: np.ndarray) -> float:
    """``2 P R / (P + R)`` of the boundaries of two masks ``[H, W]``; 1 where neither has one.

    P is the share of found boundary pixels within a pixel of a true one, R the other way round.
    """
    lines = [mask & ~ndimage.binary_erosion(mask, border_value=1) for mask in (found, true)]
    if not lines[0].any() and not lines[1].any():
        return 1.0
    near = [ndimage.binary_dilation(line, np.ones((3, 3)), _TOLERANCE) for line in lines]
    hits = [
        (line & other).sum() / max(line.sum(), 1)
        for line, other in zip(lines, near[::-1], strict=True)
    ]
    return 0.0 if sum(hits) == 0.0 else float(2 * hits[0] * hits[1] / sum(hits))


def everything(players, keys, rows) -> np.ndarray:
    """A reference: the first thing everywhere."""
    return np.ones(np.shape(rows["labelled"]["mask"]), np.int32)


def otsu() -> Callable:
    """A reference that knows no class: Otsu's threshold of the mean grey, its better side by the truth.

    References:
        Otsu 1979, IEEE Transactions on Systems, Man, and Cybernetics 9(1), equation 12.
    """
    from skimage.filters import threshold_otsu

    def draw_fn(players, keys, rows) -> np.ndarray:
        images = np.asarray(rows["labelled"]["real"]).mean(-1)
        true = np.asarray(rows["labelled"]["mask"]) > 0
        bright = np.stack([image > threshold_otsu(image) for image in images])

        def share(found: np.ndarray) -> np.ndarray:
            return (found & true).sum((1, 2)) / np.maximum((found | true).sum((1, 2)), 1)

        better = (share(bright) > share(~bright))[:, None, None]
        return np.where(better, bright, ~bright).astype(np.int32)

    return draw_fn
