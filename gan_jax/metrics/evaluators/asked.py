"""Evaluators of conditional images: are they what was asked for, and can others learn from them?"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import jax
import numpy as np

from gan_jax.data import ArraySource, Data
from gan_jax.data.images import real_to_pixels
from gan_jax.drawing import Drawn, Sampler
from gan_jax.drawing.blocks import filled
from gan_jax.drawing.players import Rows
from gan_jax.drawing.sampler import noise, real
from gan_jax.metrics.classifier_score import classifier_accuracy_score
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import NetworkFn, of_classifier, rows_of_each_part
from gan_jax.metrics.evaluators.rows import of_rows
from gan_jax.metrics.networks.network import FeatureNetwork

AskedFn = Callable[[Rows], np.ndarray]  # fields of rows -> the class that was asked for, [n]


def asked_class(
    data: Data,
    *,
    network_fn: NetworkFn = of_classifier,
    asked_fn: AskedFn = itemgetter("condition"),
    num_samples: int = 5000,
    settings: Mapping[str, Mapping[str, float]] | None = None,
) -> Evaluator:
    """The share of samples that a classifier takes for what was asked.

    ``asked`` and ``found`` are kept for each sample: ``sklearn.metrics.confusion_matrix(asked,
    found)`` says what is taken for what. Conditions are those of held-out rows.

    Args:
        data: labelled images, the label their condition.
        network_fn: ``data -> FeatureNetwork`` whose logits are of the classes.
        asked_fn: ``rows -> classes [n]``, where the condition is more than the class.
        num_samples: of a row; at most what there are of real ones.
        settings: further rows, such as ``{"truncation 0.5": {"truncation": 0.5}}``.

    References:
        Shmelkov et al. 2018, arXiv 1807.09499, section 3.2 (GAN-test).
    """
    num = rows_of_each_part(data, num_samples)
    network = network_fn(data)
    found_fn = classes_of(network)

    def observe(drawn: Drawn) -> dict[str, np.ndarray]:
        return {"asked": np.asarray(asked_fn(drawn.rows)), "found": found_fn(drawn.samples)}

    def figures(seen: Mapping[str, np.ndarray]) -> dict[str, float]:
        right = seen["asked"] == seen["found"]
        shares = [right[seen["asked"] == asked].mean() for asked in np.unique(seen["asked"])]
        return {"accuracy": right.mean(), "worst_class": min(shares)}

    return Evaluator(
        measure_fn=of_rows(figures, observe, counts=("worst_class",), keep=("asked", "found")),
        figures={
            "accuracy": Figure("accuracy of the asked class", "more"),
            "worst_class": Figure("accuracy of the worst class", "more"),
        },
        protocol={
            "description": f"{num:,} samples a row, for the conditions of {_rows(data)} rows; features: "
            f"{network.description}",
            "features_sha256": network.fingerprint,
            "data": data.fingerprints(),
        },
        num=num,
        references={"real": real, "noise": noise},
        settings=settings or {},
    )


def classes_of(network: FeatureNetwork) -> Callable[[np.ndarray], np.ndarray]:
    """``images [n, H, W, C] -> classes [n]``, the likeliest in the eyes of a network.

    Raises:
        ValueError: logits are not finite, as those of images with NaN.
    """
    apply = jax.jit(network.apply_fn)

    def found_fn(images: np.ndarray) -> np.ndarray:
        logits = np.asarray(apply(network.variables, filled(images))[1])[: len(images)]
        if not np.isfinite(logits).all():
            raise ValueError("images hold NaN or infinity: look at the generator they come from")
        return logits.argmax(1)

    return found_fn


def gan_train(
    data: Data,
    *,
    num_samples: int = 10_000,
    asked_fn: AskedFn = itemgetter("condition"),
    settings: Mapping[str, Mapping[str, float]] | None = None,
    **training_options: Any,
) -> Evaluator:
    """What a classifier learns from samples and their conditions: its accuracy on held-out images.

    The conditions are those of training rows, so the row ``real`` learns from as many of them. A
    classifier is trained for each row of each checkpoint.

    Args:
        data: images whose condition is a class.
        num_samples: of a row; at most the training rows.
        asked_fn: ``rows -> classes [n]``, where the condition is more than the class.
        settings: further rows, as of :func:`asked_class`.
        **training_options: of :func:`gan_jax.metrics.networks.classifier.train_classifier`.

    References:
        Ravuri and Vinyals 2019, arXiv 1905.10887, section 3 (classifier accuracy score); Shmelkov et
        al. 2018, arXiv 1807.09499, section 3.2 (GAN-train).
    """
    num = min(num_samples, data.size("training"))

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        samples = [(drawn.samples, drawn.rows) for drawn in sampler(part="training")]
        held_out = [(rows["real"], rows) for rows in data.rows("held_out")]
        sources = [_labeled(blocks, asked_fn) for blocks in (samples, held_out)]
        return {"accuracy": classifier_accuracy_score(*sources, **training_options)}

    return Evaluator(
        measure_fn=measure_fn,
        figures={"accuracy": Figure("accuracy of a classifier trained on samples", "more")},
        protocol={
            "description": f"a classifier trained on {num:,} samples a row, for the conditions of "
            f"training rows, and tested on {data.size('held_out'):,} {_rows(data)} images",
            "training": training_options,
            "data": data.fingerprints(),
        },
        num=num,
        references={"real": real},
        settings=settings or {},
        when="asked",
    )


def _rows(data: Data) -> str:
    return "held-out" if data.has_held_out else "other training"


def _labeled(blocks: list[tuple[np.ndarray, Rows]], asked_fn: AskedFn) -> ArraySource:
    images = [real_to_pixels(images) for images, _ in blocks]
    labels = [np.asarray(asked_fn(rows)) for _, rows in blocks]
    return ArraySource({"image": np.concatenate(images), "label": np.concatenate(labels)})
