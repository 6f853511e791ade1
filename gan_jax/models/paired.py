"""Games whose generator is given an image: pix2pix and its kin, for pairs of an input and a truth.

    Game(UNet(3), PatchDiscriminator(), show_fn=paired(), generator_terms=l1(100.0), ...)
    Experiment(game=..., draw_fn=of_input(restored()), image_fn=restored())

The batch holds ``input`` and ``real``, as :func:`gan_jax.data.restoration.restoration` makes them. The generator is
a function of its input: two samples of one input are the same.

References:
    Isola et al. 2017, arXiv 1611.07004, equations 1 to 4.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Shown, Term, Turn, Weight

FinishFn = Callable[[jax.Array, jax.Array], jax.Array]  # (input, output) -> image


def as_it_is(inputs: jax.Array, outputs: jax.Array) -> jax.Array:
    """What the network says is the image."""
    return outputs


def paired(finish_fn: FinishFn = as_it_is) -> Callable[..., Shown]:
    """A ``show_fn``: the truth against what is made of the input, and the discriminator is told the input.

    Args:
        finish_fn: ``(input, output of the network) -> image``.
    """

    def show_fn(
        generator_fn: Callable, latents: Any, batch: Mapping[str, Any], turn: Turn
    ) -> Shown:
        given = batch["input"]
        return Shown(batch["real"], finish_fn(given, generator_fn(given)), condition=given)

    return show_fn


def restored(finish_fn: FinishFn = as_it_is) -> Callable[[Any, jax.Array], jax.Array]:
    """An ``image_fn``: ``(players, inputs) -> images``, clipped to [-1, 1].

    Args:
        finish_fn: as of :func:`paired`.
    """

    def image_fn(players: Any, inputs: jax.Array) -> jax.Array:
        given = jnp.asarray(inputs)
        return jnp.clip(finish_fn(given, players.generator_fn(given)), -1.0, 1.0)

    return image_fn


def of_input(image_fn: Callable[[Any, jax.Array], jax.Array]) -> Callable[..., jax.Array]:
    """A ``draw_fn``: what an ``image_fn`` makes of the rows' inputs.

    Args:
        image_fn: ``(players, inputs) -> images``.
    """
    return lambda players, latents, rows: image_fn(players, rows["input"])


def l1(weight: Weight = 100.0) -> dict[str, Term]:
    """The generator's term ``mean |x - G(a)|`` of each example, to add to a game's terms.

    Args:
        weight: 100 in Isola et al. 2017, section 3.1.
    """

    def distance(key: jax.Array, context: Context) -> jax.Array:
        difference = context.real.raw - context.fake.raw
        return jnp.abs(difference).reshape(len(difference), -1).mean(1)

    return {"l1": Term(distance, weight)}
