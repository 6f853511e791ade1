"""The evaluator of images made from captions: is each word obeyed, also in combinations that were never seen?"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from gan_jax.data import ArraySource, Data
from gan_jax.data.captions import LAYOUTS, NONE, cells_of, is_held_out
from gan_jax.data.images import real_to_pixels
from gan_jax.drawing import Drawn
from gan_jax.drawing.players import Rows
from gan_jax.drawing.sampler import real
from gan_jax.metrics.evaluators.asked import classes_of
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import of_classifier
from gan_jax.metrics.evaluators.rows import of_rows

_WORDS = ("digit", "color", "place")


def captioned(
    data: Data,
    *,
    scenes_fn: Callable[[], ArraySource],
    classifier_steps: int = 1000,
    num_samples: int | None = None,
) -> Evaluator:
    """The share of digits, colors and places that are as they were asked for.

    Three classifiers look: of the digit and of the color of each cell in which a digit should lie, and of the layout
    of the whole image. They are trained on scenes of all combinations. Figures that begin with ``new_``
    are of images whose caption names a combination that is held out, the others of the rest.

    Args:
        data: rows with ``layout``, ``digits`` and ``colors``, as of :mod:`gan_jax.data.captions`.
        scenes_fn: scenes of all combinations.
        classifier_steps: of the training of each classifier.
        num_samples: held-out rows; all of them if None or fewer.
    """
    arrays = scenes_fn().arrays
    cells = [
        (cell, digit, color)
        for image, layout, digits, colors in zip(
            *(arrays[name] for name in ("image", "layout", "digits", "colors")), strict=True
        )
        for cell, digit, color in zip(cells_of(image, layout), digits, colors, strict=False)
    ]
    images, digits, colors = map(np.stack, zip(*cells, strict=True))
    networks = {
        "digit": _trained(images, digits, classifier_steps),
        "color": _trained(images, colors, classifier_steps),
        "place": _trained(arrays["image"], arrays["layout"], classifier_steps),
    }
    found_fns = {name: classes_of(network) for name, network in networks.items()}
    rows = data.size("held_out")
    num = num_samples if num_samples and num_samples < rows else rows

    def observe(drawn: Drawn) -> dict[str, np.ndarray]:
        pixels, asked = real_to_pixels(np.asarray(drawn.samples)), drawn.rows
        layouts = np.asarray(asked["layout"])
        owners, cells = zip(
            *(
                (index, cell)
                for index, layout in enumerate(layouts)
                for cell in cells_of(pixels[index], layout)
            ),
            strict=True,
        )
        images = np.stack(cells).astype(np.float32) / 127.5 - 1.0
        right = {}
        for name in ("digit", "color"):
            wanted = np.asarray(asked[f"{name}s"])
            wanted = wanted[wanted != NONE]  # in the order of the cells
            hits = (_in_blocks(found_fns[name], images) == wanted).astype(float)
            right[name] = np.bincount(owners, hits) / np.bincount(owners)
        right["place"] = (found_fns["place"](drawn.samples) == layouts).astype(float)
        new = is_held_out(layouts, np.asarray(asked["digits"]), np.asarray(asked["colors"]))
        return right | {"new": new}

    def figures(seen: Mapping[str, np.ndarray]) -> dict[str, float]:
        new = seen["new"]
        return {name: seen[name][~new].mean() for name in _WORDS} | {
            f"new_{name}": seen[name][new].mean() for name in _WORDS
        }

    return Evaluator(
        measure_fn=of_rows(figures, observe),
        figures={name: Figure(f"{name} as asked", "more") for name in _WORDS}
        | {f"new_{name}": Figure(f"{name}, new combination", "more") for name in _WORDS},
        protocol={
            "description": f"{num:,} held-out captions of {len(LAYOUTS)} layouts; "
            + "; ".join(f"{name}: {network.description}" for name, network in networks.items()),
            "features_sha256": [network.fingerprint for network in networks.values()],
            "data": data.fingerprints(),
        },
        num=num,
        references={"real": real, "shuffled": shuffled},
    )


def shuffled(players, keys, rows: Rows) -> np.ndarray:
    """A reference: the real image of the caption before, which knows nothing of this one."""
    return np.roll(rows["real"], 1, axis=0)


def _trained(images: np.ndarray, labels: np.ndarray, steps: int):
    order = np.random.default_rng(0).permutation(len(images))
    held_out = max(1, len(images) // 10)
    parts = [
        ArraySource({"image": images[part], "label": labels[part].astype(np.int32)})
        for part in (order[held_out:], order[:held_out])
    ]
    source_fns = [partial(lambda part: part, part) for part in parts]
    return of_classifier(Data(source_fn=source_fns[0], held_out_fn=source_fns[1]), steps=steps)


def _in_blocks(found_fn: Callable, images: np.ndarray, size: int = 240) -> np.ndarray:
    """A block's cells are more than its images."""
    return np.concatenate([found_fn(images[i : i + size]) for i in range(0, len(images), size)])
