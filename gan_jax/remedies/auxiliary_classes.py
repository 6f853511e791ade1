"""Auxiliary classes: the discriminator says besides which label a sample has, and both players want it right.

For a discriminator with a :class:`gan_jax.models.heads.ClassifierHead`, or any that sows ``classes``.
"""

from collections.abc import Callable

import jax
import optax

from gan_jax.context import Context, Exhibit, Term, Weight
from gan_jax.penalties import PerExample


def cross_entropy(side: Exhibit) -> tuple[PerExample, dict[str, jax.Array]]:
    """``-log p(y | x)`` of a side's labels, and the share of rows whose label is found (``accuracy``).

    Raises:
        ValueError: the side has no labels.
    """
    labels, classes = side.condition, side.sown["classes"][0]
    if labels is None:
        raise ValueError(
            "the term of the classes needs labels: show them as the condition (and those of the "
            "fakes as fake_condition, where they are others)"
        )
    loss = optax.softmax_cross_entropy_with_integer_labels(classes, labels)
    return loss, {"accuracy": (classes.argmax(-1) == labels).mean()}


def real_classes(weight: Weight = 1.0) -> dict[str, Term]:
    """``-log p(y | x)`` of real samples, for the discriminator.

    Args:
        weight: not negative; a number or a schedule of the round.

    References:
        Odena et al. 2017, arXiv 1610.09585, equation 3.
    """
    return {"real_classes": Term(_of(lambda context: context.real), weight)}


def fake_classes(weight: Weight = 1.0) -> dict[str, Term]:
    """``-log p(y | G(z, y))`` of fakes, for the generator.

    The paper gives it to the discriminator too:
    ``Game(discriminator_terms=real_classes() | fake_classes(), generator_terms=fake_classes())``.
    Without it there the classifier learns from real samples alone.

    Args:
        weight: not negative; a number or a schedule of the round.

    References:
        Odena et al. 2017, arXiv 1610.09585, equation 3.
    """
    return {"fake_classes": Term(_of(lambda context: context.fake), weight)}


def _of(side_fn: Callable[[Context], Exhibit]) -> Callable:
    def term_fn(key: jax.Array, context: Context):
        return cross_entropy(side_fn(context))

    return term_fn
