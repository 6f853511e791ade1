"""Game: everything about a run that is not an array."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import optax

from gan_jax.augment import AugmentFn, unchanged
from gan_jax.game.average import AverageDecayFn, halflife
from gan_jax.losses import AdversarialLoss, GeneratorTerm, MeanFn, plain_mean
from gan_jax.penalties import Penalty

DEFAULT_AVERAGE = halflife(images=10_000)


@dataclasses.dataclass(frozen=True)
class Game:
    """Two players and what each minimises.

    In a round each takes its steps, then the generator's moving average takes one. In which order
    they step, and on what gradients, is the kind of play: :func:`gan_jax.game.make_train_step` and
    its like.

    Attributes:
        generator: ``(latents, condition=None, *, train) -> samples``.
        discriminator: ``(samples, condition=None, *, train) -> logits [B]``.
        loss: such as ``losses.non_saturating()``.
        generator_optimizer: an optax optimiser, with its schedule of updates (not of rounds).
        discriminator_optimizer: likewise.
        latent_size: Z.
        latent_fn: ``(key, shape) -> latents``; standard normal.
        penalties: name -> :class:`gan_jax.penalties.Penalty`, added to the discriminator's loss.
        generator_terms: name -> :class:`gan_jax.losses.GeneratorTerm`, added to the generator's loss.
        discriminator_steps: per round, at least 1.
        generator_steps: per round, at least 1.
        micro_batches: parts in which the gradients over a batch are computed, for less memory
            (:mod:`gan_jax.game.accumulation` says what else it changes).
        generator_mean_fn: ``(losses, fake_logits, step) -> scalar``, how the generator's losses
            become one number; such as :func:`gan_jax.remedies.top_k.top_k`.
        augment_fn: ``(key, samples, step) -> samples`` before every judgement: what the discriminator
            is shown of real and fake samples; :mod:`gan_jax.augment`, noise, packing.
        average_decay_fn: ``(step, batch_size) -> decay`` of the moving average.
    """

    generator: nn.Module
    discriminator: nn.Module
    loss: AdversarialLoss
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation
    latent_size: int = 100
    latent_fn: Callable[[jax.Array, tuple[int, ...]], jax.Array] = jax.random.normal
    penalties: Mapping[str, Penalty] = dataclasses.field(default_factory=dict)
    generator_terms: Mapping[str, GeneratorTerm] = dataclasses.field(default_factory=dict)
    discriminator_steps: int = 1
    generator_steps: int = 1
    micro_batches: int = 1
    generator_mean_fn: MeanFn = plain_mean
    augment_fn: AugmentFn = unchanged
    average_decay_fn: AverageDecayFn = DEFAULT_AVERAGE

    def __post_init__(self):
        for name in ("latent_size", "discriminator_steps", "generator_steps", "micro_batches"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        _check_terms("penalties", self.penalties, Penalty)
        _check_terms("generator_terms", self.generator_terms, GeneratorTerm)


def _check_terms(field: str, terms: Mapping[str, Any], kind: type) -> None:
    for name, term in terms.items():
        if not isinstance(term, kind):
            raise TypeError(
                f"{field}[{name!r}] must be a {kind.__name__}({', '.join(kind._fields)}), "
                f"got {type(term).__name__}"
            )
        if not callable(term.weight) and not 0.0 <= term.weight < float("inf"):
            raise ValueError(
                f"the weight of {field}[{name!r}] must be a finite number >= 0, got {term.weight}"
            )


def bind_axis(game: Game, axis_name: str | None) -> Game:
    """The same game with both players' normalisation averaged over a device axis."""

    def bind(module: nn.Module) -> nn.Module:
        has_field = any(field.name == "axis_name" for field in dataclasses.fields(module))
        return module.clone(axis_name=axis_name) if has_field else module

    if axis_name is None:
        return game
    return dataclasses.replace(
        game, generator=bind(game.generator), discriminator=bind(game.discriminator)
    )
