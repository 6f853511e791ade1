"""Segmentation with a discriminator that looks at masks: it learns what masks are like from the labelled ones.

    Game(UNet(classes, residual=False), PatchDiscriminator(), show_fn=segmented(classes),
         generator_terms=cross_entropy(), ...)

The batch holds two sources, ``labelled`` with ``real`` (an image) and ``mask``, and ``images`` with ``real`` alone.
What is judged is the image multiplied by each class's mask. So a mask of zeros and ones cannot be told from a soft
one by its values alone, as it can where the masks themselves are shown.

References:
    Luc et al. 2016, arXiv 1611.08408, sections 3.1 and 3.2 (product); Hung et al. 2018, arXiv 1802.07934 (images
    without masks).
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from gan_jax.context import Context, Shown, Term, Turn, Weight


def segmented(classes: int) -> Callable[..., Shown]:
    """A ``show_fn``: images under their true masks against other images under those of the generator.

    Args:
        classes: of a mask, the background among them.
    """

    def show_fn(
        generator_fn: Callable, latents: Any, batch: Mapping[str, Any], turn: Turn
    ) -> Shown:
        labelled, images = batch["labelled"], batch["images"]["real"]
        true = jax.nn.one_hot(labelled["mask"], classes)
        soft = jax.nn.softmax(generator_fn(images))
        return Shown(
            product(labelled["real"], true),
            product(images, soft),
            extras={"logits": generator_fn(labelled["real"])},
        )

    return show_fn


def product(images: jax.Array, masks: jax.Array) -> jax.Array:
    """``[B, H, W, C]`` and ``[B, H, W, K]`` to ``[B, H, W, K C]``: the image as each mask lets it through."""
    together = images[..., None, :] * masks[..., None]
    return together.reshape(*images.shape[:3], -1)


def cross_entropy(weight: Weight = 1.0) -> dict[str, Term]:
    """The generator's term ``-log p(true class)``, the mean over the pixels of each labelled image.

    Args:
        weight: beside the adversarial loss.
    """

    def term_fn(key: jax.Array, context: Context) -> jax.Array:
        logits, mask = context.extras["logits"], context.batch["labelled"]["mask"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, mask).mean((1, 2))

    return {"cross_entropy": Term(term_fn, weight)}


def likeliest(players: Any, latents: Any, rows: Mapping[str, Any]) -> jax.Array:
    """A ``draw_fn``: the class of each pixel of the labelled rows, int32 ``[B, H, W]``."""
    return players.generator_fn(rows["labelled"]["real"]).argmax(-1).astype(jnp.int32)
