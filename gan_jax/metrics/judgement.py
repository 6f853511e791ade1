"""A table of figures that carries its protocol, and the one for labelled images."""

import dataclasses
from collections.abc import Callable

import numpy as np

from gan_jax.data import ArraySource, pixels_to_real
from gan_jax.metrics.classes import class_shares, classes_covered, confident_share
from gan_jax.metrics.classifier import train_classifier
from gan_jax.metrics.frechet import frechet_distance


@dataclasses.dataclass(frozen=True)
class Judgement:
    """Rows of figures, all measured in one way.

    Attributes:
        protocol: how, in one or two sentences: samples, features, estimator.
        rows: name of the row -> name of the figure -> value.
    """

    protocol: str
    rows: dict[str, dict[str, float | int]]

    def table(self) -> str:
        """The rows as aligned text, with the protocol below."""
        columns = list(next(iter(self.rows.values())))
        lines = [["", *columns]]
        lines += [[name, *map(_text, row.values())] for name, row in self.rows.items()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        text = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
            for line in lines
        ]
        text.insert(1, "-" * len(text[0]))
        return "\n".join([*text, self.protocol])


def judge_labelled_images(
    source: ArraySource,
    draw_fn: Callable[[int], np.ndarray],
    *,
    num_samples: int = 5000,
    classifier_steps: int = 1000,
    seed: int = 0,
) -> Judgement:
    """Class coverage and Frechet distance in the eyes of a classifier trained here and now.

    The real set is cut in two random halves. Generated samples, one half of the real ones, and
    uniform noise are each compared with the other half, so that the three distances have the same
    number of samples and the same bias. Real against real is the floor, noise the ceiling.

    Args:
        source: with ``image`` uint8 and ``label``.
        draw_fn: ``num -> samples [num, H, W, C]`` in [-1, 1].
        num_samples: per row; at most half the real set.
        classifier_steps: updates of the classifier.
        seed: of the halves, the noise and the classifier.
    """
    num = min(num_samples, len(source) // 2)
    classifier = train_classifier(source, seed=seed, steps=classifier_steps)
    generator = np.random.default_rng(seed + 1)
    order = generator.permutation(len(source))
    half, reference = (
        np.asarray(pixels_to_real(source[rows])["real"]) for rows in (order[:num], order[-num:])
    )
    noise = generator.uniform(-1.0, 1.0, half.shape).astype(np.float32)
    _, reference_features = classifier.judge(reference)
    rows = {}
    for name, images in (("generated", draw_fn(num)), ("real", half), ("noise", noise)):
        probabilities, features = classifier.judge(images)
        num_classes = probabilities.shape[1]
        rows[name] = {
            f"classes of {num_classes}": classes_covered(probabilities),
            "rarest class %": round(100 * float(class_shares(probabilities).min()), 2),
            "confident %": round(100 * confident_share(probabilities), 1),
            "Frechet": round(frechet_distance(features, reference_features), 3),
        }
    protocol = (
        f"{num} samples a row against the other {num} real ones; features: the 64 of a classifier "
        f"trained here\n(held-out accuracy {100 * classifier.accuracy:.1f} % of "
        f"{classifier.num_held_out}); a class counts with 1 % of the samples at probability 0.9"
    )
    return Judgement(protocol, rows)


def _text(value: float | int) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"
