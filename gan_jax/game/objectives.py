"""What each player minimises in one update, as a function of its parameters.

Modes. Every pass runs in training mode: batch statistics, dropout, one power iteration of spectral
normalisation, for both players and inside penalties. Real and fake samples are judged in two
passes, so batch norm does not mix them. What a pass writes to a player's variables is kept in
that player's own update only, in the order real, fake; the other player's writes and those of
penalties and terms are dropped.

With ``Game.micro_batches`` an objective is the mean of those of parts of the batch
(:mod:`gan_jax.game.accumulation`).

Both functions split their key alike: with one key, one set of parameters and one batch, the two
players see the same fakes and the same logits, and a compiler computes them once.
"""

import jax

from gan_jax.game.accumulation import Batch, ObjectiveFn, accumulated
from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.game import Game
from gan_jax.game.sampling import draw_latents
from gan_jax.game.state import GANState, TrainState
from gan_jax.losses import GeneratorTerm
from gan_jax.penalties import Penalty
from gan_jax.scene import Scene

Metrics = dict[str, jax.Array]


def discriminator_objective(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    generator: TrainState,
    discriminator: TrainState,
    batch: Batch,
    key: jax.Array,
) -> ObjectiveFn:
    """``mean(loss) + sum of weight * mean(penalty)``; the fakes are drawn outside the gradient.

    Args:
        game: the game.
        axis: how the batch is divided.
        state: the round's, for the step of the schedules and the average of the logits.
        generator: as it stands within the round; draws the fakes.
        discriminator: as it stands within the round.
        batch: ``real`` ``[B, ...]`` and perhaps ``condition`` ``[B, ...]``.
        key: of this update.
    """

    def of_part(axis, rows):
        return _discriminator_objective(game, axis, state, generator, discriminator, rows, key)

    return accumulated(of_part, axis, batch, game.micro_batches)


def _discriminator_objective(
    game, axis, state, generator, discriminator, batch, key
) -> ObjectiveFn:
    latents_key, generator_key, real_key, fake_key, terms_key = jax.random.split(key, 5)
    condition = batch.get("condition")
    latents = _own_latents(game, axis, latents_key, len(batch["real"]))

    def generate(latents):
        own_key = axis.own_key(generator_key)
        fake, _ = _play(
            game.generator, generator.params, generator.variables, latents, condition, own_key
        )
        return _shown(game, axis, state, fake, fake_key)

    real = _shown(game, axis, state, batch["real"], real_key)
    fake = generate(latents)

    def objective_fn(params):
        def judge(samples, variables, key):
            own_key = axis.own_key(key)
            return _play(game.discriminator, params, variables, samples, condition, own_key)

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
            "real_accuracy": (real_logits > 0).mean(),
            "fake_accuracy": (fake_logits < 0).mean(),
        }
        features_fn = _features_fn(game, params, discriminator, condition, axis.own_key(real_key))
        scene = Scene(real, fake, latents, generate, features_fn, state.logits_average)
        for index, (name, penalty) in enumerate(game.penalties.items()):
            points_key = axis.own_key(jax.random.fold_in(terms_key, index))
            points = penalty.points_fn(points_key, scene)
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
        state: the round's, for the step of the schedules and the average of the logits.
        generator: as it stands within the round.
        discriminator: as it stands within the round.
        batch: ``real`` ``[B, ...]`` and perhaps ``condition`` ``[B, ...]``.
        key: of this update.
    """

    def of_part(axis, rows):
        return _generator_objective(game, axis, state, generator, discriminator, rows, key)

    return accumulated(of_part, axis, batch, game.micro_batches)


def _generator_objective(game, axis, state, generator, discriminator, batch, key) -> ObjectiveFn:
    latents_key, generator_key, real_key, fake_key, terms_key = jax.random.split(key, 5)
    condition = batch.get("condition")
    latents = _own_latents(game, axis, latents_key, len(batch["real"]))
    real = _shown(game, axis, state, batch["real"], real_key)

    def judge(samples, key):
        variables, own_key = discriminator.variables, axis.own_key(key)
        logits, _ = _play(
            game.discriminator, discriminator.params, variables, samples, condition, own_key
        )
        return axis.gather(logits)

    def objective_fn(params):
        def generate(latents):
            own_key = axis.own_key(generator_key)
            fake, variables = _play(
                game.generator, params, generator.variables, latents, condition, own_key
            )
            return _shown(game, axis, state, fake, fake_key), variables

        fake, variables = generate(latents)
        fake_logits = judge(fake, fake_key)
        losses = game.loss.generator(judge(real, real_key), fake_logits)
        objective = game.generator_mean_fn(losses, fake_logits, state.step)
        metrics = {"loss": objective}
        features_fn = _features_fn(
            game, discriminator.params, discriminator, condition, axis.own_key(real_key)
        )
        scene = Scene(
            real, fake, latents, lambda z: generate(z)[0], features_fn, state.logits_average
        )
        for index, (name, term) in enumerate(game.generator_terms.items()):
            term_key = axis.own_key(jax.random.fold_in(terms_key, index))
            metrics[name] = term.term_fn(term_key, scene).mean()
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


def _features_fn(game, params, discriminator, condition, key):
    """What the discriminator's last layer reads: what it sows as ``features``, flat."""

    def features_fn(samples):
        _, variables = game.discriminator.apply(
            {"params": params, **discriminator.variables},
            samples,
            condition,
            train=True,
            mutable=["intermediates", *discriminator.variables],
            rngs={"dropout": key},
        )
        found = jax.tree_util.tree_leaves_with_path(variables.get("intermediates", {}))
        features = [leaf for path, leaf in found if "features" in jax.tree_util.keystr(path)]
        if len(features) != 1:
            raise ValueError(
                f"expected one tensor of features, the discriminator sows {len(features)}: end it "
                "with gan_jax.models.blocks.Head, or sow them under ('intermediates', 'features')"
            )
        return features[0].reshape(len(features[0]), -1)

    return features_fn


def _own_latents(game, axis, key, size):
    return axis.own_rows(draw_latents(game, key, axis.global_size(size)))


def _shown(game, axis, state, samples, key):
    # folded, so that augmentation and dropout of one pass do not share a key
    return game.augment_fn(axis.own_key(jax.random.fold_in(key, 1)), samples, state.step)
