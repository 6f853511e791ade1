"""CycleGAN: translation between two sets of images of which no two belong together.

    Game(TwoWays(Translator(3), Translator(3)), OneJudgeEach({"a": ..., "b": ...}),
         loss=losses.least_squares(), show_fn=translated, latent_fn=pool_draws(50), memory=pool(50),
         generator_terms=cycle() | identity())

The batch holds a batch of each domain, ``{"a": {"real": ...}, "b": {"real": ...}}``. What is shown to the
discriminators as fake is, half of the time, an older translation out of a pool.

References:
    Zhu et al. 2017, arXiv 1703.10593, equations 1 to 3, section 4 and 5.2 (identity); Shrivastava et al. 2017,
    arXiv 1612.07828, section 2.3 (the pool).
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Memory, Seen, Shown, Term, Turn, Weight

Images = dict[str, jax.Array]


def translated(
    generator_fn: Callable, latents: Mapping[str, jax.Array], batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """The ``show_fn``: both domains against what was translated into them, from the pool in the discriminators' turn.

    ``extras`` hold ``new``, the translations of this batch, ``cycle``, each image there and back, and ``same``, each
    image put through the translator into its own domain.
    """
    a, b = batch["a"]["real"], batch["b"]["real"]
    new = {"a": generator_fn(b, method="into_a"), "b": generator_fn(a, method="into_b")}
    cycle = {
        "a": generator_fn(new["b"], method="into_a"),
        "b": generator_fn(new["a"], method="into_b"),
    }
    same = {"a": generator_fn(a, method="into_a"), "b": generator_fn(b, method="into_b")}
    fake = new
    if turn.player == "discriminator" and "pool" in turn.memory:
        kept = turn.memory["pool"]
        slot, old = latents["slot"], latents["old"]
        use = old & kept["filled"][slot]
        fake = jax.tree.map(
            lambda pool, image: jnp.where(_wide(use, image), pool[slot], image), kept["images"], new
        )
    return Shown({"a": a, "b": b}, fake, extras={"new": new, "cycle": cycle, "same": same})


def pool_draws(size: int = 50) -> Callable[[jax.Array, tuple[int, ...]], dict[str, jax.Array]]:
    """The ``latent_fn``: for each row a slot of the pool, no two alike in a batch, and a coin.

    Args:
        size: of the pool.
    """

    def latent_fn(key: jax.Array, shape: tuple[int, ...]) -> dict[str, jax.Array]:
        slots, coins = jax.random.split(key)
        order = jax.random.permutation(slots, size)
        return {
            "slot": jnp.resize(
                order, shape[:1]
            ),  # more rows than slots are drawn only to be looked at
            "old": jax.random.bernoulli(coins, 0.5, shape[:1]),
        }

    return latent_fn


def pool(size: int = 50) -> dict[str, Memory]:
    """A memory ``pool``: earlier translations into each domain.

    A new translation goes into its slot where that was empty, or where the old one was shown instead of it.

    Args:
        size: images of each domain, at least the batch: two rows of one slot would have no order.

    Raises:
        ValueError: when the players are initialised: the batch is larger.
    """

    def init_fn(batch: Mapping[str, Any]) -> dict[str, Any]:
        if (rows := len(batch["a"]["real"])) > size:
            raise ValueError(
                f"a pool of {size} images is smaller than a batch of {rows}: make it larger"
            )

        def empty(name: str) -> jax.Array:
            image = batch[name]["real"]
            return jnp.zeros((size, *image.shape[1:]), image.dtype)

        return {"images": {"a": empty("a"), "b": empty("b")}, "filled": jnp.zeros(size, bool)}

    def update_fn(key: jax.Array, kept: dict[str, Any], seen: Seen) -> dict[str, Any]:
        latents, shown = seen.discriminator
        slot = latents["slot"]
        write = latents["old"] | ~kept["filled"][slot]
        images = jax.tree.map(
            lambda pool, image: pool.at[slot].set(
                jnp.where(_wide(write, image), image, pool[slot])
            ),
            kept["images"],
            shown.extras["new"],
        )
        return {"images": images, "filled": kept["filled"].at[slot].set(True)}

    return {"pool": Memory(init_fn, update_fn)}


def cycle(weight: Weight = 10.0) -> dict[str, Term]:
    """The generator's term ``mean |F(G(a)) - a| + mean |G(F(b)) - b|`` of each row (equation 2).

    Args:
        weight: lambda of equation 3.
    """
    return {"cycle": Term(_distance("cycle"), weight)}


def identity(weight: Weight = 5.0) -> dict[str, Term]:
    """The generator's term ``mean |F(a) - a| + mean |G(b) - b|`` of each row: what is there already stays.

    Args:
        weight: half of the cycle's in section 5.2.
    """
    return {"identity": Term(_distance("same"), weight)}


def _distance(name: str) -> Callable[[jax.Array, Context], jax.Array]:
    def term_fn(key: jax.Array, context: Context) -> jax.Array:
        """The sum over both domains."""
        difference = jax.tree.map(jnp.subtract, context.extras[name], context.real.raw)
        return sum(
            jnp.abs(leaf).reshape(len(leaf), -1).mean(1) for leaf in jax.tree.leaves(difference)
        )

    return term_fn


def _wide(rows: jax.Array, images: jax.Array) -> jax.Array:
    return rows.reshape(-1, *(1,) * (images.ndim - 1))
