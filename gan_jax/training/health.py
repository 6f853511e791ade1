"""The health of a game while it trains, and one plain sentence when a known failure shows.

Measured on the live generator, in evaluation mode, whenever a picture is drawn: lines of
``metrics.jsonl`` named ``health/...``, beside the players' own metrics (logits, accuracies, gradient
norms, update ratios). Of relativistic and Wasserstein losses only differences of logits mean something: there
the accuracies do not, and the separation does.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_jax.metrics.diversity import mean_pairwise_distance

NUM_SAMPLES = 256


class Failure(NamedTuple):
    """A known failure: how it shows, and what to say.

    Attributes:
        shows_fn: figures of the moment -> whether it is there.
        sentence: with the names of figures in braces, and ``{step}``.
    """

    shows_fn: Callable[[dict[str, float]], bool]
    sentence: str


FAILURES = {
    "collapse": Failure(
        lambda f: f["diversity"] < 0.1,
        "the generator collapsed at step {step}: sample diversity is {diversity:.2%} of the data's; "
        "try packing (gan_jax.remedies.packing), R1 and R2, or a lower learning rate",
    ),
    "separation": Failure(
        lambda f: f["separation"] > 0.999 and f["logit_gap"] > 10.0,
        "the discriminator separates everything at step {step}: its logits of real and fake are "
        "{logit_gap:.3g} apart; try R1 or spectral normalisation, instance noise, or fewer of its steps",
    ),
    "overfitting": Failure(
        lambda f: f.get("overfitting", 0.0) > 0.5 and f["logit_gap"] > 1.0,
        "the discriminator learns its examples by heart at step {step}: it tells them from held-out "
        "ones by {overfitting:.0%} of the gap to fakes; try augmentation (Game.augment_fn), more data "
        "or a smaller discriminator",
    ),
}


def health_figures(
    samples: np.ndarray,
    real: np.ndarray,
    *,
    of_samples: np.ndarray,
    of_real: np.ndarray,
    of_held_out: np.ndarray | None = None,
) -> dict[str, float]:
    """The figures of one moment.

    Args:
        samples: of the generator ``[N, ...]``.
        real: from the training set, as many.
        of_samples: what the discriminator says of them, ``[N]``.
        of_real: and of the real ones.
        of_held_out: and of real samples that are never trained on, if there are any.

    Returns:
        ``diversity``: mean pairwise distance of samples, of that of real ones; ``logit_gap``: mean logit
        of real less that of fake; ``separation``: the chance that a real sample's logit is above a
        fake one's (0.5: it cannot tell them apart); ``real_accuracy`` and ``fake_accuracy``: shares on
        the right side of 0; and with held-out samples ``held_out_accuracy`` and ``overfitting``: the mean logit of
        training samples less that of held-out ones, of the gap (0: no difference, 1: held-out samples
        are judged as fakes are).
    """
    gap = float(of_real.mean() - of_samples.mean())
    spread = mean_pairwise_distance(real)
    figures = {
        "diversity": mean_pairwise_distance(samples) / max(spread, 1e-12),
        "logit_gap": gap,
        "separation": float((of_real[:, None] > of_samples[None]).mean()),
        "real_accuracy": float((of_real > 0).mean()),
        "fake_accuracy": float((of_samples < 0).mean()),
    }
    if of_held_out is not None:
        figures["held_out_accuracy"] = float((of_held_out > 0).mean())
        difference = float(of_real.mean() - of_held_out.mean())
        figures["overfitting"] = difference / gap if gap > 1e-6 else 0.0
    return figures


class Watch:
    """Says each failure once, when it first shows twice in a row: one bad picture is no failure.

    Args:
        history: figures of the moments before, of a run that is resumed.
    """

    def __init__(self, history: list[dict[str, float]]):
        self._row: dict[str, int] = {}
        for figures in history:
            self.sentences(0, figures)

    def sentences(self, step: int, figures: dict[str, float]) -> list[str]:
        """What to say of these figures; mostly nothing."""
        said = []
        for name, failure in FAILURES.items():
            self._row[name] = self._row.get(name, 0) + 1 if failure.shows_fn(figures) else 0
            if self._row[name] == 2:
                said.append(failure.sentence.format(step=f"{step:,}", **figures))
        return said
