"""What an update has before its eyes: what the game shows, and both sides of it judged.

Modes. Every pass runs in training mode: batch statistics, dropout, one power iteration of spectral
normalisation, for both players and inside terms. Real and fake samples are judged in two passes, so
batch norm does not mix them. What a pass writes to a player's variables is kept in that player's
own update only: of the generator what ``show_fn`` wrote, of the discriminator what its two
judgements wrote, in the order real, fake. What terms write is dropped.
"""

from collections.abc import Callable
from typing import Any

import jax

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

    def judge(variables: Variables, key: jax.Array, side: str, calls_fn: Callable):
        said, after, sown = one_pass(game.discriminator, variables, axis.own_key(key), calls_fn)
        return (said, by_name(sown, side)), after

    def show_latents(latents: Any) -> tuple[Any, Variables]:
        return generate(lambda generator_fn: show(game, generator_fn, latents, batch, turn))

    def exhibit(side: str, raw: Any, condition: Any, variables: Variables):
        key = getattr(keys, side)

        def augment_fn(raw: Any) -> Any:
            return augmented(game, axis.own_key(augmentation_key(key)), raw, condition, turn)

        def judged(samples: Any, condition: Any = condition):
            args = (samples,) if condition is None else (samples, condition)
            return judge(variables, key, side, lambda judge_fn: judge_fn(*args))

        samples = augment_fn(raw)
        (logits, sown), after = judged(samples)
        again = lambda *told: judged(*told)[0]  # noqa: E731
        return Exhibit(samples, raw, condition, logits, sown, augment_fn, again), after

    shown, after_show = show_latents(latents)
    real, after_real = exhibit("real", shown.real, shown.condition, discriminator)
    told = shown.condition if shown.fake_condition is None else shown.fake_condition
    # the discriminator's own two passes go on from each other
    before_fake = {**discriminator, **after_real} if player == "discriminator" else discriminator
    fake, after_fake = exhibit("fake", shown.fake, told, before_fake)
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
        discriminator_fn=lambda *args, **options: judge(
            discriminator, keys.real, "real", lambda d: d(*args, **options)
        )[0][0],
        show_fn=lambda latents: show_latents(latents)[0],
        gather_fn=axis.gather,
    )
    return context, after_show if player == "generator" else after_fake
