"""A classifier as the discriminator: K logits for K classes say what a sample is, and whether it is real.

The samples that the generator makes are the class K + 1. Its logit can be held at 0, as a softmax does not
change when all its logits move together. Then, with ``Z = sum_k exp(l_k)``::

    p(fake | x) = 1 / (1 + Z)        p(real | x) = Z / (1 + Z) = sigmoid(log Z)
    -log p(y | x) = -log softmax(l)_y + softplus(-log Z)

So a discriminator that returns ``log Z`` as its logit plays any game of :mod:`gan_jax.losses`, and the labels
come by a term of the K logits. The paper's discriminator is::

    Game(
        discriminator=NoisyClassifier(),
        loss=losses.non_saturating(real_weight=0.5, fake_weight=0.5),
        discriminator_terms=labeled_classes(),
        ...
    )

References:
    Salimans et al. 2016, arXiv 1606.03498, section 5.
"""

import jax
import jax.numpy as jnp
import optax

from gan_jax.context import Context, Term, Weight
from gan_jax.penalties import PerExample


def real_logit(classes: jax.Array) -> jax.Array:
    """``log Z = log sum_k exp(l_k)``: the logit of "real", ``[..., K]`` to ``[...]``.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 5 (the last equation).
    """
    return jax.nn.logsumexp(classes, axis=-1)


def with_fake_class(classes: jax.Array) -> jax.Array:
    """The K logits, and the logit 0 of the class of fakes behind them: ``[..., K]`` to ``[..., K + 1]``."""
    return jnp.concatenate([classes, jnp.zeros_like(classes[..., :1])], axis=-1)


def labeled_cross_entropy(
    key: jax.Array, context: Context
) -> tuple[PerExample, dict[str, jax.Array]]:
    """``-log softmax(l)_y`` of the labelled rows of the batch, and the share that is right (``accuracy``).

    The labelled rows are ``batch["labeled"]``, with ``real`` and ``label``, as
    :class:`gan_jax.data.few_labels.FewLabels` gives them. The discriminator sows ``classes``.
    """
    labeled = context.batch["labeled"]
    classes = context.real.judge_fn(labeled["real"])[1]["classes"][0]
    loss = optax.softmax_cross_entropy_with_integer_labels(classes, labeled["label"])
    return loss, {"accuracy": (classes.argmax(-1) == labeled["label"]).mean()}


def labeled_classes(weight: Weight = 1.0) -> dict[str, Term]:
    """The term for ``Game(discriminator_terms=labeled_classes())``: the few labels that there are.

    Args:
        weight: not negative; a number or a schedule of the round.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 5 (L_supervised).
    """
    return {"labeled_classes": Term(labeled_cross_entropy, weight)}
