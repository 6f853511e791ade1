"""Game: everything about a run that is not an array."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import optax

from gan_jax.augment import AugmentFn, unchanged
from gan_jax.context import Memory, Shown, Term, Turn
from gan_jax.ema import EMADecayFn, halflife
from gan_jax.losses import AdversarialLoss, MeanFn, plain_mean

DEFAULT_EMA = halflife(images=10_000)
# what the step reports of a player by itself
OWN_METRICS = (
    "loss",
    "real_logits",
    "fake_logits",
    "real_accuracy",
    "fake_accuracy",
    "grad_norm",
    "update_ratio",
)

ShowFn = Callable[[Callable, Any, Mapping[str, Any], Turn], Shown]
Terms = Mapping[str, Term]


def from_latents(
    generator_fn: Callable, latents: jax.Array, batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """The game that everybody knows: samples from latents against real samples, and labels if there are any."""
    real, condition = batch["real"], batch.get("condition")
    if condition is None:
        return Shown(real, generator_fn(latents))
    return Shown(real, generator_fn(latents, condition), condition)


@dataclasses.dataclass(frozen=True)
class Game:
    """Two players, what is put before the discriminator, and what each player minimises.

    In a round each player takes its steps, then the memory and the generator's EMA take one. In
    which order the players step, and on what gradients, is the kind of play
    (:mod:`gan_jax.game.plays`).

    Attributes:
        generator: one Flax module with as many methods as the game calls; ``(latents,
            condition=None, *, train) -> samples`` in the default game.
        discriminator: one Flax module ``(samples, condition, *, train) -> logits [B]``, or patches,
            or a tree of either from several judges; called ``(samples, *, train)`` where nothing is
            told besides.
        loss: such as ``losses.non_saturating()``; of several judges the sum.
        generator_optimizer: an optax optimiser, with its schedule of updates (not of rounds).
        discriminator_optimizer: likewise.
        latent_size: Z.
        latent_fn: ``(key, (B, Z)) -> latents``; standard normal. Whatever the game draws for an
            example belongs here: a tree of arrays with B rows each. They are drawn for the global
            batch, so that any number of devices draws the same.
        show_fn: ``(generator_fn, latents, batch, turn) -> Shown``: what is put before the
            discriminator. ``generator_fn(*args, method=None)`` calls a method of the generator. It
            runs once in each update and once when the players are initialised; methods that only
            terms call must be called here too, or in ``__call__``, to be initialised. To
            differentiate through the generator, use ``context.generator_fn`` in a term.
        generator_terms: name -> :class:`gan_jax.context.Term`, added to the generator's loss.
        discriminator_terms: likewise for the discriminator: gradient penalties, for one
            (:func:`gan_jax.penalties.gradient_penalty`).
        memory: name -> :class:`gan_jax.context.Memory`: what outlives a round.
        discriminator_steps: per round, at least 1.
        generator_steps: per round, at least 1.
        generator_batches: of the round, that one update of the generator takes together: with 2 its
            batch is twice the discriminator's (Miyato et al. 2018, appendix B.4).
        judge_together: whether real and fake samples are judged in one pass, so that batch norm sees
            both and spectral normalisation takes one power iteration for both (Brock et al. 2019).
            A loss that forgets the real logits then judges real samples in vain in the
            generator's updates.
        micro_batches: gradient accumulation: parts in which the gradients over a batch are
            computed, for less memory (:mod:`gan_jax.game.accumulation` says what else it changes).
        generator_mean_fn: ``(losses, fake_logits, step) -> scalar``, how the generator's losses
            become one number; such as :func:`gan_jax.remedies.top_k.top_k`.
        augment_fn: ``(key, samples, turn) -> samples`` before every judgement: what the
            discriminator is shown of real and fake samples; :mod:`gan_jax.augment`, noise, packing.
        ema_decay_fn: ``(step, batch_size) -> decay`` of the EMA.
    """

    generator: nn.Module
    discriminator: nn.Module
    loss: AdversarialLoss
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation
    latent_size: int = 100
    latent_fn: Callable[[jax.Array, tuple[int, ...]], Any] = jax.random.normal
    show_fn: ShowFn = from_latents
    generator_terms: Terms = dataclasses.field(default_factory=dict)
    discriminator_terms: Terms = dataclasses.field(default_factory=dict)
    memory: Mapping[str, Memory] = dataclasses.field(default_factory=dict)
    discriminator_steps: int = 1
    generator_steps: int = 1
    generator_batches: int = 1
    judge_together: bool = False
    micro_batches: int = 1
    generator_mean_fn: MeanFn = plain_mean
    augment_fn: AugmentFn = unchanged
    ema_decay_fn: EMADecayFn = DEFAULT_EMA

    def __post_init__(self):
        for name in (
            "latent_size",
            "discriminator_steps",
            "generator_steps",
            "generator_batches",
            "micro_batches",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("latent_fn", "show_fn", "generator_mean_fn", "augment_fn", "ema_decay_fn"):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} must be a function, got {getattr(self, name)!r}")
        for field in ("generator_terms", "discriminator_terms"):
            for name, term in getattr(self, field).items():
                _check_term(f"{field}[{name!r}]", name, term)
        for name, memory in self.memory.items():
            _check_kind(f"memory[{name!r}]", memory, Memory)

    def terms(self, player: str) -> Terms:
        """The terms of a player."""
        return getattr(self, f"{player}_terms")

    def optimizer(self, player: str) -> optax.GradientTransformation:
        """The optimiser of a player."""
        return getattr(self, f"{player}_optimizer")

    def steps(self, player: str) -> int:
        """The steps of a player in a round."""
        return getattr(self, f"{player}_steps")

    def batches(self, player: str) -> int:
        """How many batches one update of a player takes."""
        return self.generator_batches if player == "generator" else 1


def _check_term(where: str, name: str, term: Any) -> None:
    _check_kind(where, term, Term)
    if name in OWN_METRICS or "/" in name:
        raise ValueError(
            f"{where} must have another name: {', '.join(OWN_METRICS)} are metrics of the step, and '/' "
            "separates a term from what it reports"
        )
    if not callable(term.weight) and not 0.0 <= term.weight < float("inf"):
        raise ValueError(f"the weight of {where} must be a finite number >= 0, got {term.weight}")


def _check_kind(where: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(
            f"{where} must be a {kind.__name__}({', '.join(kind._fields)}), got {type(value).__name__}"
        )
