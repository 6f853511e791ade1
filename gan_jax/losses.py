"""Adversarial losses: pairs of functions of the logits, one value per example.

An :class:`AdversarialLoss` holds what each player minimises. Both functions take
``(real_logits, fake_logits)``, so relativistic losses need no special case, and both return
one loss per example (or per patch): the caller takes the mean. Everything is written on
logits with ``softplus``, because ``log(sigmoid(x))`` is ``-inf`` at ``x = -104`` in float32.

Identities used throughout, with ``s`` the sigmoid:
``-log s(x) = softplus(-x)`` and ``-log(1 - s(x)) = softplus(x)``.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Logits = Float[Array, "..."]  # not named: the refusal of two shapes below says what to do
LossFn = Callable[[Logits, Logits], Logits]
MeanFn = Callable[[Logits, Logits, jax.Array], jax.Array]  # (losses, fake_logits, step) -> scalar


class AdversarialLoss(NamedTuple):
    """What each player minimises, per example.

    Attributes:
        discriminator: ``(real_logits, fake_logits) -> loss``, shapes ``[B]`` (or ``[B, h, w]``).
        generator: the same signature; gradients reach the generator through ``fake_logits``.
    """

    discriminator: LossFn
    generator: LossFn


def plain_mean(losses: Logits, fake_logits: Logits, step: jax.Array) -> jax.Array:
    """The mean over examples (and patches); :func:`gan_jax.remedies.top_k.top_k` is another."""
    return losses.mean()


def non_saturating(
    *, label_smoothing: float = 0.0, real_weight: float = 1.0, fake_weight: float = 1.0
) -> AdversarialLoss:
    """The non-saturating game: the generator maximises ``log s(fake)``.

    Discriminator ``real_weight * CE(real, 1 - label_smoothing) + fake_weight * softplus(fake)``;
    generator ``softplus(-fake)``.

    Args:
        label_smoothing: the real target is ``1 - label_smoothing``; in ``[0, 1)``. The fake
            target stays 0 (one-sided: Salimans et al. 2016, section 3.4).
        real_weight: weight of the real term, not negative.
        fake_weight: weight of the fake term, not negative.

    Raises:
        ValueError: a weight or the smoothing is out of range.

    References:
        Goodfellow et al. 2014, arXiv 1406.2661, section 3 (last paragraph).
    """
    discriminator = _cross_entropy(label_smoothing, real_weight, fake_weight)

    def generator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        return jax.nn.softplus(-fake_logits)

    return AdversarialLoss(discriminator, generator)


def minimax(
    *, label_smoothing: float = 0.0, real_weight: float = 1.0, fake_weight: float = 1.0
) -> AdversarialLoss:
    """The saturating (zero-sum) game: the generator minimises ``log(1 - s(fake))``.

    Discriminator as in :func:`non_saturating`; generator ``-softplus(fake)``, the negative of
    the discriminator's fake term at ``fake_weight = 1``.

    Args:
        label_smoothing: the real target is ``1 - label_smoothing``; in ``[0, 1)``.
        real_weight: weight of the discriminator's real term, not negative.
        fake_weight: weight of the discriminator's fake term, not negative.

    Raises:
        ValueError: a weight or the smoothing is out of range.

    References:
        Goodfellow et al. 2014, arXiv 1406.2661, equation 1.
    """
    discriminator = _cross_entropy(label_smoothing, real_weight, fake_weight)

    def generator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        return -jax.nn.softplus(fake_logits)

    return AdversarialLoss(discriminator, generator)


def least_squares(
    *, label_smoothing: float = 0.0, real_weight: float = 1.0, fake_weight: float = 1.0
) -> AdversarialLoss:
    """Least squares with targets 0 and 1; the 1/2 of the paper is inside.

    Discriminator ``real_weight * (real - (1 - label_smoothing))^2 / 2 + fake_weight * fake^2 / 2``;
    generator ``(fake - 1)^2 / 2``.

    Args:
        label_smoothing: the real target is ``1 - label_smoothing``; in ``[0, 1)``.
        real_weight: weight of the real term, not negative.
        fake_weight: weight of the fake term, not negative.

    Raises:
        ValueError: a weight or the smoothing is out of range.

    References:
        Mao et al. 2017, arXiv 1611.04076, equation 9 (the 0-1 coding: a = 0, b = c = 1).
    """
    _check_terms(label_smoothing, real_weight, fake_weight)

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        real_term = jnp.square(real_logits - (1.0 - label_smoothing)) / 2
        return real_weight * real_term + fake_weight * jnp.square(fake_logits) / 2

    def generator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        return jnp.square(fake_logits - 1.0) / 2

    return AdversarialLoss(discriminator, generator)


def hinge(*, real_weight: float = 1.0, fake_weight: float = 1.0) -> AdversarialLoss:
    """Hinge: discriminator ``max(0, 1 - real) + max(0, 1 + fake)``; generator ``-fake``.

    Args:
        real_weight: weight of the real term, not negative.
        fake_weight: weight of the fake term, not negative.

    Raises:
        ValueError: a weight is negative.

    References:
        Miyato et al. 2018, arXiv 1802.05957, equations 16 and 17.
    """
    _check_terms(0.0, real_weight, fake_weight)

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        real_term = jax.nn.relu(1.0 - real_logits)
        return real_weight * real_term + fake_weight * jax.nn.relu(1.0 + fake_logits)

    def generator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        return -fake_logits

    return AdversarialLoss(discriminator, generator)


def wasserstein() -> AdversarialLoss:
    """Wasserstein: discriminator ``fake - real``; generator ``-fake``.

    The discriminator estimates a distance only while it is Lipschitz: add
    :func:`gan_jax.penalties.wgan_gp` or spectral normalisation. The two terms take no weights:
    with unequal ones the loss is unbounded along a constant shift of the logits.

    References:
        Arjovsky et al. 2017, arXiv 1701.07875, equation 2 and algorithm 1.
    """

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        return fake_logits - real_logits

    def generator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        return -fake_logits

    return AdversarialLoss(discriminator, generator)


def relativistic_pairing() -> AdversarialLoss:
    """Relativistic pairing: each fake against the real sample in the same row.

    Discriminator ``softplus(-(real - fake))``; generator ``softplus(-(fake - real))``.
    At indifference both are ``log 2`` (one term, not two).

    References:
        Jolicoeur-Martineau 2018, arXiv 1807.00734 (RSGAN);
        Huang et al. 2024 (R3GAN), arXiv 2501.05441, equation 2.
    """

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        return jax.nn.softplus(fake_logits - real_logits)

    def generator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        return jax.nn.softplus(real_logits - fake_logits)

    return AdversarialLoss(discriminator, generator)


def relativistic_average() -> AdversarialLoss:
    """Relativistic average: each sample against the batch mean of the other side.

    With ``r = real - mean(fake)`` and ``f = fake - mean(real)`` (means over the leading axis):
    discriminator ``softplus(-r) + softplus(f)``; generator ``softplus(r) + softplus(-f)``.

    References:
        Jolicoeur-Martineau 2018, arXiv 1807.00734 (RaSGAN).
    """

    def relative(real_logits: Logits, fake_logits: Logits) -> tuple[Logits, Logits]:
        check_logits(real_logits, fake_logits)
        r = real_logits - fake_logits.mean(0, keepdims=True)
        f = fake_logits - real_logits.mean(0, keepdims=True)
        return r, f

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Logits:
        r, f = relative(real_logits, fake_logits)
        return jax.nn.softplus(-r) + jax.nn.softplus(f)

    def generator(real_logits: Logits, fake_logits: Logits) -> Logits:
        r, f = relative(real_logits, fake_logits)
        return jax.nn.softplus(r) + jax.nn.softplus(-f)

    return AdversarialLoss(discriminator, generator)


def swapped(loss: AdversarialLoss) -> AdversarialLoss:
    """The generator minimises the discriminator's loss with the two sides exchanged.

    ``generator(real, fake) = loss.discriminator(fake, real)``: both sides reach the generator. For
    games whose real side is made by the generator too, as a BiGAN's pairs ``(x, E(x))``: under a
    loss whose generator forgets the real logits, such as :func:`non_saturating`, the encoder would
    get no gradient at all.

    Args:
        loss: whose ``discriminator`` is taken.

    References:
        Donahue et al. 2017, arXiv 1605.09782, section 3.4 (the exchanged labels);
        Dumoulin et al. 2017, arXiv 1606.00704, algorithm 1.
    """
    return AdversarialLoss(loss.discriminator, lambda real, fake: loss.discriminator(fake, real))


def none() -> AdversarialLoss:
    """No adversarial loss: 0 for both players. For games whose whole loss is in their terms, and for controls."""

    def zero(real_logits: Logits, fake_logits: Logits) -> Logits:
        return jnp.zeros_like(fake_logits)

    return AdversarialLoss(zero, zero)


def _cross_entropy(label_smoothing: float, real_weight: float, fake_weight: float) -> LossFn:
    _check_terms(label_smoothing, real_weight, fake_weight)

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Logits:
        check_logits(real_logits, fake_logits)
        # CE(x, t) = t softplus(-x) + (1 - t) softplus(x) = softplus(-x) + (1 - t) x
        real_term = jax.nn.softplus(-real_logits) + label_smoothing * real_logits
        return real_weight * real_term + fake_weight * jax.nn.softplus(fake_logits)

    return discriminator


def _check_terms(label_smoothing: float, real_weight: float, fake_weight: float) -> None:
    if not 0.0 <= label_smoothing < 1.0:
        raise ValueError(
            f"label_smoothing must be in [0, 1), got {label_smoothing}: "
            "the real target is 1 - label_smoothing"
        )
    for name, weight in (("real_weight", real_weight), ("fake_weight", fake_weight)):
        if not 0.0 <= weight < float("inf"):
            raise ValueError(f"{name} must be a finite number >= 0, got {weight}")


def check_logits(real_logits: Logits, fake_logits: Logits) -> None:
    """Refuses logits that would broadcast: ``[B]`` against ``[B, 1]`` is ``[B, B]``, and nonsense.

    Raises:
        ValueError: the shapes are not one, ``[B]`` or ``[B, h, w]``.
        TypeError: the logits are no floating point numbers.
    """
    if real_logits.shape != fake_logits.shape:
        raise ValueError(
            f"real_logits {real_logits.shape} and fake_logits {fake_logits.shape} must have the "
            "same shape, one logit per example [B] (or per patch [B, h, w]): "
            "squeeze a trailing axis of size 1, and judge as many fake as real samples"
        )
    if real_logits.ndim == 2 and real_logits.shape[1] == 1:
        raise ValueError(
            f"logits of shape {real_logits.shape} must be [B]: end the discriminator with "
            "logits[:, 0]"
        )
    for name, logits in (("real_logits", real_logits), ("fake_logits", fake_logits)):
        if not jnp.issubdtype(logits.dtype, jnp.floating):
            raise TypeError(f"{name} must be floating point, got {logits.dtype}")
