"""What each player minimises in one update, as a function of its parameters.

Modes. Every pass runs in training mode: batch statistics, dropout, one power iteration of spectral
normalisation, for both players and inside penalties. Real and fake samples are judged in two
passes, so batch norm does not mix them. What a pass writes to a player's variables is kept in
that player's own update only, in the order real, fake; the other player's writes and those of
penalties are dropped.
"""

from collections.abc import Callable
from typing import Any

import jax

from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.game import Game
from gan_jax.game.sampling import draw_latents
from gan_jax.game.state import GANState, TrainState
from gan_jax.losses import GeneratorTerm
from gan_jax.penalties import Penalty

Batch = dict[str, jax.Array]
Metrics = dict[str, jax.Array]
# params -> (objective, (the player's variables after the passes, metrics))
ObjectiveFn = Callable[[Any], tuple[jax.Array, tuple[Any, Metrics]]]


def discriminator_objective(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    discriminator: TrainState,
    batch: Batch,
    key: jax.Array,
) -> ObjectiveFn:
    """``mean(loss) + sum of weight * mean(penalty)``; the fakes are drawn outside the gradient.

    Args:
        game: the game.
        axis: how the batch is divided.
        state: the round's, for the generator and the step of the penalties' schedules.
        discriminator: as it stands within the round.
        batch: ``real`` ``[B, ...]`` and perhaps ``condition`` ``[B, ...]``.
        key: of this update.
    """
    latents_key, generator_key, real_key, fake_key, points_key = jax.random.split(key, 5)
    condition = batch.get("condition")
    latents = _own_latents(game, axis, latents_key, len(batch["real"]))
    fake, _ = _play(
        game.generator,
        state.generator.params,
        state.generator.variables,
        latents,
        condition,
        axis.own_key(generator_key),
    )
    real = _augment(game, axis, batch["real"], real_key)
    fake = _augment(game, axis, fake, fake_key)

    def objective_fn(params):
        def judge(samples, variables, key):
            key = axis.own_key(key)
            return _play(game.discriminator, params, variables, samples, condition, key)

        def penalty_logits(points):
            # the dropout mask of the real pass: the function that is trained is penalised
            return judge(points, discriminator.variables, real_key)[0]

        real_logits, variables = judge(real, discriminator.variables, real_key)
        fake_logits, variables = judge(fake, variables, fake_key)
        losses = game.loss.discriminator(axis.gather(real_logits), axis.gather(fake_logits))
        objective = losses.mean()
        metrics = {
            "loss": objective,
            "real_logits": real_logits.mean(),
            "fake_logits": fake_logits.mean(),
        }
        for index, (name, penalty) in enumerate(game.penalties.items()):
            point_key = axis.own_key(jax.random.fold_in(points_key, index))
            points = penalty.points_fn(point_key, real, fake)
            metrics[name] = penalty.penalty_fn(penalty_logits, points).mean()
            objective += _weight(penalty, state.step) * metrics[name]
        return objective, (variables, metrics)

    return objective_fn


def generator_objective(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    generator: TrainState,
    discriminator: TrainState,
    batch: Batch,
    key: jax.Array,
) -> ObjectiveFn:
    """``mean(loss) + sum of weight * mean(term)`` of new fakes, through the discriminator as it stands.

    Args:
        game: the game.
        axis: how the batch is divided.
        state: the round's, for the step of the terms' schedules.
        generator: as it stands within the round.
        discriminator: after its updates of the round.
        batch: ``real`` ``[B, ...]`` and perhaps ``condition`` ``[B, ...]``.
        key: of this update.
    """
    latents_key, generator_key, real_key, fake_key = jax.random.split(key, 4)
    condition = batch.get("condition")
    latents = _own_latents(game, axis, latents_key, len(batch["real"]))

    def judge(samples, key):
        logits, _ = _play(
            game.discriminator,
            discriminator.params,
            discriminator.variables,
            _augment(game, axis, samples, key),
            condition,
            axis.own_key(key),
        )
        return axis.gather(logits)

    def objective_fn(params):
        key = axis.own_key(generator_key)
        fake, variables = _play(
            game.generator, params, generator.variables, latents, condition, key
        )
        losses = game.loss.generator(judge(batch["real"], real_key), judge(fake, fake_key))
        objective = losses.mean()
        metrics = {"loss": objective}
        for name, term in game.generator_terms.items():
            metrics[name] = term.term_fn(fake).mean()
            objective += _weight(term, state.step) * metrics[name]
        return objective, (variables, metrics)

    return objective_fn


def _weight(term: Penalty | GeneratorTerm, step: jax.Array) -> jax.Array | float:
    return term.weight(step) if callable(term.weight) else term.weight


def _play(module, params, variables, inputs, condition, key):
    """A pass in training mode: the outputs, and the variables after it."""
    return module.apply(
        {"params": params, **variables},
        inputs,
        condition,
        train=True,
        mutable=list(variables),
        rngs={"dropout": key},
    )


def _own_latents(game, axis, key, size):
    return axis.own_rows(draw_latents(game, key, axis.global_size(size)))


def _augment(game, axis, samples, key):
    if game.augment_fn is None:
        return samples
    # folded, so that augmentation and dropout of one pass do not share a key
    return game.augment_fn(axis.own_key(jax.random.fold_in(key, 1)), samples)
