"""What an update has before its eyes: what the game shows, and both sides of it judged.

Modes. Every pass runs in training mode: batch statistics, dropout, one power iteration of spectral
normalisation, for both players and inside terms. Real and fake samples are judged in two passes, so
batch norm does not mix them; in one pass with ``judge_together``. What a pass writes to a player's
variables is kept in that player's own update only: of the generator what ``show_fn`` wrote, of the
discriminator what its judgements wrote, in the order real, fake. What terms write is dropped.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Exhibit, Named
from gan_jax.game.batch_axis import BatchAxis
from gan_jax.game.check_batch import Batch, num_rows
from gan_jax.game.game import Game
from gan_jax.game.keys import UpdateKeys, augmentation_key
from gan_jax.game.passes import Variables, by_name, one_pass
from gan_jax.game.show import augmented, draw_latents, show, turn_of
from gan_jax.game.state import GANState


def look(
    game: Game, axis: BatchAxis, state: GANState, batch: Batch, keys: UpdateKeys, player: str
) -> tuple[Context, Variables]:
    """The context of one update, and the player's variables after its passes.

    Args:
        game: the game.
        axis: how the batch is divided.
        state: both players as they stand within the round; step and memory are the round's.
        batch: a tree of rows.
        keys: of this update.
        player: whose update it is.
    """
    turn = turn_of(state.step, player, state.memory)
    generator, discriminator = state.generator.all_variables, state.discriminator.all_variables
    latents = axis.own_rows(draw_latents(game, keys.latents, axis.global_size(num_rows(batch))))

    def generate(calls_fn: Callable) -> tuple[Any, Variables]:
        return one_pass(game.generator, generator, axis.own_key(keys.generator), calls_fn)[:2]

    def judge(variables: Variables, key: jax.Array, samples: Any, condition: Any):
        """The logits, the variables after, and what was sown."""
        args = (samples,) if condition is None else (samples, condition)
        return discriminate(variables, key, lambda judge_fn: judge_fn(*args))

    def discriminate(variables: Variables, key: jax.Array, calls_fn: Callable):
        return one_pass(game.discriminator, variables, axis.own_key(key), calls_fn)

    def show_latents(latents: Any) -> tuple[Any, Variables]:
        return generate(lambda generator_fn: show(game, generator_fn, latents, batch, turn))

    def exhibit(side: str, raw: Any, condition: Any, variables: Variables) -> Exhibit:
        """One side, not judged yet."""
        key = getattr(keys, side)

        def augment_fn(raw: Any) -> Any:
            return augmented(game, axis.own_key(augmentation_key(key)), raw, condition, turn)

        def judge_fn(samples: Any, condition: Any = condition):
            logits, _, sown = judge(variables, key, samples, condition)
            return logits, by_name(sown, side)

        return Exhibit(augment_fn(raw), raw, condition, augment_fn=augment_fn, judge_fn=judge_fn)

    def judged(side: str, exhibit: Exhibit, variables: Variables) -> tuple[Exhibit, Variables]:
        key = getattr(keys, side)
        logits, after, sown = judge(variables, key, exhibit.samples, exhibit.condition)
        return exhibit._replace(logits=logits, sown=by_name(sown, side)), after

    shown, after_show = show_latents(latents)
    told = shown.condition if shown.fake_condition is None else shown.fake_condition
    real = exhibit("real", shown.real, shown.condition, discriminator)
    if game.judge_together:
        fake = exhibit("fake", shown.fake, told, discriminator)
        judge_fn = partial(judge, discriminator, keys.real)
        (real, fake), after_judging = judged_together(judge_fn, real, fake)
    else:
        real, after_real = judged("real", real, discriminator)
        # the discriminator's own two passes go on from each other
        before = {**discriminator, **after_real} if player == "discriminator" else discriminator
        fake = exhibit("fake", shown.fake, told, before)
        fake, after_judging = judged("fake", fake, before)
    context = Context(
        real=real,
        fake=fake,
        batch=Named(batch, "a term asks the batch for {name}, which holds {names}"),
        latents=latents,
        extras=shown.extras,
        step=state.step,
        player=player,
        memory=turn.memory,
        generator_fn=lambda *args, **options: generate(lambda g: g(*args, **options))[0],
        discriminator_fn=lambda *args, **options: discriminate(
            discriminator, keys.real, lambda d: d(*args, **options)
        )[0],
        show_fn=lambda latents: show_latents(latents)[0],
        gather_fn=axis.gather,
    )
    return context, after_show if player == "generator" else after_judging


def judged_together(
    judge_fn: Callable, real: Exhibit, fake: Exhibit
) -> tuple[tuple[Exhibit, Exhibit], Variables]:
    """Both sides after one pass, and the discriminator's variables after it."""
    samples, condition = joined((real.samples, real.condition), (fake.samples, fake.condition))
    logits, after, sown = judge_fn(samples, condition)
    (real_logits, real_sown), (fake_logits, fake_sown) = halved((logits, sown))
    real = real._replace(logits=real_logits, sown=by_name(real_sown, "real"))
    fake = fake._replace(logits=fake_logits, sown=by_name(fake_sown, "fake"))
    return (real, fake), after


def joined(real: Any, fake: Any) -> Any:
    """The rows of both sides, the real ones first.

    Raises:
        ValueError: the sides have different structures.
    """
    if jax.tree.structure(real) != jax.tree.structure(fake):
        raise ValueError(
            "judge_together needs samples and conditions of one structure on both sides, got "
            f"{jax.tree.structure(real)} and {jax.tree.structure(fake)}: judge them separately"
        )
    return jax.tree.map(lambda *sides: jnp.concatenate(sides), real, fake)


def halved(rows: Any) -> tuple[Any, Any]:
    """The rows of each side, which :func:`joined` joined."""
    first = jax.tree.map(lambda leaf: leaf[: len(leaf) // 2], rows)
    return first, jax.tree.map(lambda leaf: leaf[len(leaf) // 2 :], rows)
