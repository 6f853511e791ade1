"""What a player minimises in one update: its adversarial loss, and its terms.

Modes. Every pass runs in training mode: batch statistics, dropout, one power iteration of spectral
normalisation, for both players and inside terms. Real and fake samples are judged in two
passes, so batch norm does not mix them. What a pass writes to a player's variables is kept in
that player's own update only: of the generator what ``show_fn`` wrote, of the discriminator what its two
judgements wrote, in the order real, fake. What terms write is dropped.

With one key, one set of parameters and one batch, the two players see the same fakes and the same logits, and a
compiler computes them once.
"""

from functools import partial

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Exhibit, Rows, Shown, Term
from gan_jax.game.accumulation import Beside, ObjectiveFn, accumulated
from gan_jax.game.batch import Batch, num_rows
from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.game import Game
from gan_jax.game.keys import UpdateKeys, augmentation_key, named, update_keys
from gan_jax.game.latents import draw_latents
from gan_jax.game.loops import cond
from gan_jax.game.passes import augmented, by_name, one_pass, show, turn_of
from gan_jax.game.state import GANState

Metrics = dict[str, jax.Array]


def objective(
    game: Game, axis: BatchAxis, state: GANState, batch: Batch, key: jax.Array, player: str
) -> ObjectiveFn:
    """``mean(loss) + sum of weight * mean(term)``, as a function of the player's parameters.

    The fakes are drawn anew, and stay differentiable in the generator's parameters in both players' objectives.

    Args:
        game: the game.
        axis: how the batch is divided.
        state: both players as they stand within the round; step and memory are the round's.
        batch: a tree of rows.
        key: of this update.
        player: ``"generator"`` or ``"discriminator"``.
    """

    def of_part(axis, rows):
        return partial(_objective, game, axis, state, rows, update_keys(key), player)

    return accumulated(of_part, axis, batch, game.micro_batches)


def _objective(game, axis, state, batch, keys, player, params):
    context, variables = look(game, axis, state.with_params(player, params), batch, keys, player)
    value = adversarial_loss(game, axis, context)
    metrics = {"loss": value} | (_said(context) if player == "discriminator" else {})
    for name, term in game.terms(player).items():
        weighted, reported = _term(name, term, axis.own_key(named(keys.terms, name)), context)
        value += weighted
        metrics |= reported
    rows = _rows(context) if game.memory else None
    return value, Beside(variables, metrics, rows)


def look(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    batch: Batch,
    keys: UpdateKeys,
    player: str,
):
    """What is shown, and both sides of it judged: the context, and the player's variables after its passes."""
    turn = turn_of(state.step, player, state.memory)
    generator, discriminator = state.generator.all_variables, state.discriminator.all_variables
    latents = axis.own_rows(draw_latents(game, keys.latents, axis.global_size(num_rows(batch))))

    def generate(calls_fn):
        return one_pass(game.generator, generator, axis.own_key(keys.generator), calls_fn)

    def show_latents(latents):
        return generate(lambda generator_fn: show(game, generator_fn, latents, batch, turn))

    def judge(variables, key, side, calls_fn):
        said, after, sown = one_pass(game.discriminator, variables, axis.own_key(key), calls_fn)
        return (said, by_name(sown, side)), after

    def exhibit(side, raw, condition, key, variables):
        def augment_fn(raw):
            own_key = axis.own_key(augmentation_key(key))
            return augmented(game, own_key, raw, condition, turn)

        def judge_samples(samples, key, variables):
            return judge(variables, key, side, lambda judge_fn: judge_fn(samples, condition))

        samples = augment_fn(raw)
        (logits, sown), after = judge_samples(samples, key, variables)
        judge_fn = lambda samples: judge_samples(samples, key, variables)[0]  # noqa: E731
        return Exhibit(samples, raw, condition, logits, sown, augment_fn, judge_fn), after

    shown, after, _ = show_latents(latents)
    real, after_real = exhibit("real", shown.real, shown.condition, keys.real, discriminator)
    told = shown.condition if shown.fake_condition is None else shown.fake_condition
    # the discriminator's own two passes go on from each other
    before_fake = {**discriminator, **after_real} if player == "discriminator" else discriminator
    fake, after_fake = exhibit("fake", shown.fake, told, keys.fake, before_fake)
    context = Context(
        real=real,
        fake=fake,
        batch=batch,
        latents=latents,
        extras=shown.extras,
        step=state.step,
        player=player,
        memory=turn.memory,
        generator_fn=lambda *args, **options: generate(lambda g: g(*args, **options))[0],
        discriminator_fn=lambda *args, **options: judge(
            discriminator, keys.real, "real", lambda d: d(*args, **options)
        )[0][0],
        show_fn=lambda latents: show_latents(latents)[0],
        gather_fn=axis.gather,
    )
    return context, after if player == "generator" else after_fake


def adversarial_loss(game: Game, axis: BatchAxis, context: Context) -> jax.Array:
    """The mean of the player's loss over the global batch; of several judges the sum."""

    def of_judge(real_logits, fake_logits):
        real_logits, fake_logits = axis.gather(real_logits), axis.gather(fake_logits)
        if context.player == "discriminator":
            return game.loss.discriminator(real_logits, fake_logits).mean()
        losses = game.loss.generator(real_logits, fake_logits)
        return game.generator_mean_fn(losses, fake_logits, context.step)

    sides = [jax.tree.leaves(side.logits) for side in (context.real, context.fake)]
    return sum(of_judge(*logits) for logits in zip(*sides, strict=True))


def _said(context: Context) -> Metrics:
    """The means of the logits, and the shares on the right side of 0; of several judges the means."""

    def mean(leaves):
        return sum(leaf.mean() for leaf in leaves) / len(leaves)

    real, fake = (jax.tree.leaves(side.logits) for side in (context.real, context.fake))
    return {
        "real_logits": mean(real),
        "fake_logits": mean(fake),
        "real_accuracy": mean([leaf > 0 for leaf in real]),
        "fake_accuracy": mean([leaf < 0 for leaf in fake]),
    }


def _term(name: str, term: Term, key: jax.Array, context: Context) -> tuple[jax.Array, Metrics]:
    """The weighted mean of a term, and what is logged of it: 0 in rounds where a schedule's weight is 0."""

    def measured():
        return _means(name, term, key, context)

    if callable(term.weight):
        weight = term.weight(context.step)
        shapes = jax.eval_shape(measured)
        mean, reports = cond(
            weight != 0.0,
            measured,
            lambda: jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes),
        )
    else:
        weight, (mean, reports) = term.weight, measured()
    named = {f"{name}/{report}": value for report, value in reports.items()}
    return weight * mean, {name: mean} | named


def _means(name: str, term: Term, key: jax.Array, context: Context) -> tuple[jax.Array, Metrics]:
    """The mean over rows in float32, and the reports.

    Raises:
        ValueError: the term gave something else than rows, or a scalar.
    """
    values = term.term_fn(key, context)
    values, reports = values if isinstance(values, tuple) else (values, {})
    if jnp.ndim(values) > 1:
        raise ValueError(
            f"the {context.player}'s term {name!r} must give one value per row [N], or a scalar, got "
            f"{jnp.shape(values)}: take the mean over the other axes"
        )
    return _single(values).mean(), {name: _single(value) for name, value in reports.items()}


def _single(values: jax.Array) -> jax.Array:
    """At least float32: a mean of bfloat16 values loses digits."""
    return jnp.asarray(values, jnp.promote_types(jnp.result_type(values), jnp.float32))


def _rows(context: Context) -> Rows:
    real, fake = context.real, context.fake
    shown = Shown(real.raw, fake.raw, real.condition, fake.condition, context.extras)
    return Rows(context.latents, shown)
