"""What a player minimises in one update: its adversarial loss, and its terms.

With one key, one set of parameters and one batch, the two players see the same fakes and the same
logits, and a compiler computes them once. What mode each pass runs in: :mod:`gan_jax.game.look`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Rows, Shown, Term
from gan_jax.game.accumulation import accumulated
from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.check_batch import Batch
from gan_jax.game.game import Game
from gan_jax.game.keys import named, update_keys
from gan_jax.game.look import look
from gan_jax.game.scan import cond
from gan_jax.game.state import GANState

Metrics = dict[str, jax.Array]


class Beside(NamedTuple):
    """What an objective gives beside its value.

    Attributes:
        variables: the player's, but its parameters, after the passes.
        metrics: means over the rows.
        rows: what a memory may look at; None in a game without memory.
    """

    variables: Mapping[str, Any]
    metrics: Metrics
    rows: Rows | None


def objective(
    game: Game,
    axis: BatchAxis,
    state: GANState,
    batch: Batch,
    key: jax.Array,
    player: str,
    params: Any,
) -> tuple[jax.Array, Beside]:
    """``mean(loss) + sum of weight * mean(term)``.

    The fakes are drawn anew, and stay differentiable in the generator's parameters in both players'
    objectives.

    Args:
        game: the game.
        axis: how the batch is divided.
        state: both players as they stand within the round; step and memory are the round's.
        batch: a tree of rows.
        key: of this update.
        player: ``"generator"`` or ``"discriminator"``.
        params: of the player, in place of those in the state.
    """
    if game.micro_batches > 1:
        whole = dataclasses.replace(game, micro_batches=1)
        return accumulated(
            lambda axis, rows: objective(whole, axis, state, rows, key, player, params),
            axis,
            batch,
            game.micro_batches,
        )
    keys, state = update_keys(key), state.with_params(player, params)
    context, variables = look(game, axis, state, batch, keys, player)
    value = adversarial_loss(game, axis, context)
    metrics = {"loss": value} | (_said(context) if player == "discriminator" else {})
    for name, term in game.terms(player).items():
        weighted, reported = _term(name, term, axis.own_key(named(keys.terms, name)), context)
        value += weighted
        metrics |= reported
    return value, Beside(variables, metrics, _rows(context) if game.memory else None)


def adversarial_loss(game: Game, axis: BatchAxis, context: Context) -> jax.Array:
    """The mean of the player's loss over the global batch; of several judges the sum."""
    total = 0.0
    judges = zip(*map(jax.tree.leaves, (context.real.logits, context.fake.logits)), strict=True)
    for real_logits, fake_logits in judges:
        logits = axis.gather(real_logits), axis.gather(fake_logits)
        if context.player == "discriminator":
            total += game.loss.discriminator(*logits).mean()
        else:
            losses = game.loss.generator(*logits)
            total += game.generator_mean_fn(losses, logits[1], context.step)
    return total


def _said(context: Context) -> Metrics:
    """The means of the logits, and the shares on the right side of 0; over judges, and of each."""
    metrics = {}
    for name, side, sign in (("real", context.real, 1), ("fake", context.fake, -1)):
        judges = jax.tree_util.tree_leaves_with_path(side.logits)
        means = {jax.tree_util.keystr(path, simple=True): leaf.mean() for path, leaf in judges}
        metrics[f"{name}_logits"] = sum(means.values()) / len(means)
        right = [(sign * leaf > 0).mean() for _, leaf in judges]
        metrics[f"{name}_accuracy"] = sum(right) / len(right)
        if len(means) > 1:
            metrics |= {f"{name}_logits/{judge}": mean for judge, mean in means.items()}
    return metrics


def _term(name: str, term: Term, key: jax.Array, context: Context) -> tuple[jax.Array, Metrics]:
    """The weighted mean of a term, and what is logged: 0 in rounds where a schedule gives 0."""

    def measured():
        return _means(name, term, key, context)

    if callable(term.weight):
        weight, shapes = term.weight(context.step), jax.eval_shape(measured)
        zeros = lambda: jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)  # noqa: E731
        mean, reports = cond(weight != 0.0, measured, zeros)
    else:
        weight, (mean, reports) = term.weight, measured()
    named_reports = {f"{name}/{report}": value for report, value in reports.items()}
    return weight * mean, {name: mean} | named_reports


def _means(name: str, term: Term, key: jax.Array, context: Context) -> tuple[jax.Array, Metrics]:
    """The mean over rows in float32, and the reports.

    Raises:
        ValueError: the term gave something else than rows, or a scalar.
    """
    values = term.term_fn(key, context)
    values, reports = values if isinstance(values, tuple) else (values, {})
    if values is None or jnp.ndim(values) > 1:
        raise ValueError(
            f"the {context.player}'s term {name!r} must give one value per row [N], or a scalar, got "
            f"{None if values is None else jnp.shape(values)}: take the mean over the other axes"
        )
    return _single(values).mean(), {name: _single(value) for name, value in reports.items()}


def _single(values: jax.Array) -> jax.Array:
    """At least float32: a mean of bfloat16 values loses digits."""
    return jnp.asarray(values, jnp.promote_types(jnp.result_type(values), jnp.float32))


def _rows(context: Context) -> Rows:
    real, fake = context.real, context.fake
    shown = Shown(real.raw, fake.raw, real.condition, fake.condition, context.extras)
    return Rows(context.latents, shown)
