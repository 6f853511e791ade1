"""The evaluator of unpaired translation: is a translated image still what it was?"""

from collections.abc import Mapping

import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import DrawFn, Drawn
from gan_jax.metrics.evaluators.asked import classes_of
from gan_jax.metrics.evaluators.codes import matched_accuracy
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import NetworkFn, of_classifier
from gan_jax.metrics.evaluators.rows import of_rows
from gan_jax.metrics.psnr import psnr


def translated_classes(
    data: Data,
    target: Data,
    *,
    network_fn: NetworkFn = of_classifier,
    references: Mapping[str, DrawFn] | None = None,
    num_samples: int | None = None,
    cycle: bool = True,
) -> Evaluator:
    """Accuracy of the target domain's classifier with the labels of the source, and how exact the way back is.

    ``matched`` is the accuracy after the best renaming of classes: where it is far above ``accuracy``, the
    translation is consistent but takes one class for another. A cycle can be exact while the labels are wrong:
    the network then hides the image in what looks like noise (Chu et al. 2017, arXiv 1712.02950).

    Args:
        data: with domains ``a`` and ``b``; rows of ``a`` hold ``real`` and ``label``.
        target: labelled images of domain b, which the classifier is trained on.
        network_fn: ``data -> FeatureNetwork`` whose logits are of the classes.
        references: ``(None, keys, rows) -> {"b": images, "cycle": images}``.
        num_samples: held-out rows of ``a``; all of them if None or fewer.
        cycle: whether the generator knows a way back.
    """
    network = network_fn(target)
    found_fn = classes_of(network)
    rows = data.size("held_out")  # of both domains side by side
    num = num_samples if num_samples and num_samples < rows else rows

    def observe(drawn: Drawn) -> dict[str, np.ndarray]:
        source = drawn.rows["a"]
        seen = {"label": np.asarray(source["label"]), "found": found_fn(drawn.samples["b"])}
        return seen | ({"cycle": psnr(drawn.samples["cycle"], source["real"])} if cycle else {})

    def figures(seen: Mapping[str, np.ndarray]) -> dict[str, float]:
        found = {
            "accuracy": (seen["label"] == seen["found"]).mean(),
            "matched": matched_accuracy(seen["found"], seen["label"]),
        }
        return found | ({"cycle_psnr": seen["cycle"].mean()} if cycle else {})

    return Evaluator(
        measure_fn=of_rows(figures, observe, keep=("label", "found")),
        figures={
            "accuracy": Figure("accuracy in b with a's labels", "more"),
            "matched": Figure("after the best renaming", "more"),
        }
        | ({"cycle_psnr": Figure("PSNR there and back (dB)", "more", digits=2)} if cycle else {}),
        protocol={
            "description": f"{num:,} held-out images of a; features: {network.description}",
            "features_sha256": network.fingerprint,
            "data": data.fingerprints(),
        },
        num=num,
        references={"untranslated": untranslated, **(references or {})},
        draw_fn=there_and_back if cycle else there,
    )


def into_b(players, images):
    """An ``image_fn``: from domain a to domain b, which is what a translator's ``__call__`` does."""
    return players.generator_fn(images)


def there_and_back(players, latents, rows) -> dict[str, np.ndarray]:
    """Images of a translated into b, and back into a."""
    there = into_b(players, rows["a"]["real"])
    return {"b": there, "cycle": players.generator_fn(there, method="into_a")}


def there(players, latents, rows) -> dict[str, np.ndarray]:
    """Images of a translated into b."""
    return {"b": into_b(players, rows["a"]["real"])}


def untranslated(players, keys, rows) -> dict[str, np.ndarray]:
    """A reference: the images of a as they are. What the classifier of b makes of them is the floor."""
    images = rows["a"]["real"]
    return {"b": images, "cycle": images}
