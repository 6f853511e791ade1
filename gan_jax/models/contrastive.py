"""CUT: one-sided unpaired translation. A patch of the output must be told from other patches by the input's.

    Game(ContrastiveTranslator(Translator(3)), PatchDiscriminator(), show_fn=contrasted,
         latent_fn=places(4, 64), generator_terms=patch_nce("there") | patch_nce("same"), ...)

There is no way back: what ties the output to its input is that the generator's own encoder, put on both, finds
the same patch at the same place among all other patches of that image.

References:
    Park et al. 2020, arXiv 2007.15651, equations 2 to 5 and appendix C.1.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.context import Context, Shown, Term, Turn, Weight
from gan_jax.models.translators import Translator

LAYERS = (0, 1, 2, 3)  # the image itself, and the maps after the first three blocks


class ContrastiveTranslator(nn.Module):
    """A translator, and heads that read vectors of patches from its first half.

    Attributes:
        translator: from domain a to domain b.
        layers: which of :meth:`Translator.features` are read.
        width: of both layers of each head, and of the vectors.
    """

    translator: Translator
    layers: tuple[int, ...] = LAYERS
    width: int = 64

    def setup(self):
        """A head of two layers for each map."""
        self.first = [nn.Dense(self.width) for _ in self.layers]
        self.second = [nn.Dense(self.width) for _ in self.layers]

    def __call__(self, images: jax.Array, condition: None = None, *, train: bool) -> jax.Array:
        """Images of a to images of b."""
        return self.translator(images, train=train)

    def patches(self, images: jax.Array, at: jax.Array, *, train: bool) -> jax.Array:
        """Unit vectors of patches: ``[B, H, W, C]`` and places in [0, 1) ``[B, L, P]`` to ``[B, L, P, width]``."""
        maps = self.translator.features(images, train=train)
        found = []
        for place, layer in enumerate(self.layers):
            rows = maps[layer].reshape(len(images), -1, maps[layer].shape[-1])
            chosen = (at[:, place] * rows.shape[1]).astype(jnp.int32)
            vectors = jnp.take_along_axis(rows, chosen[..., None], axis=1)
            vectors = self.second[place](nn.relu(self.first[place](vectors)))
            length = jnp.sqrt(jnp.square(vectors).sum(-1, keepdims=True) + 1e-12)
            found.append(vectors / length)
        return jnp.stack(found, axis=1).astype(jnp.float32)


def contrasted(
    generator_fn: Callable, latents: jax.Array, batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """The ``show_fn``: domain b against translations of a, with the patches of both and of b put through as well.

    ``extras`` hold ``there`` and ``same``, each ``{"made": ..., "given": ...}``: vectors of patches at the same places
    of an output and of its input, for inputs of a and of b.
    """
    a, b = batch["a"]["real"], batch["b"]["real"]
    fake, same = generator_fn(a), generator_fn(b)

    def pair(made: jax.Array, given: jax.Array) -> dict[str, jax.Array]:
        images = {"made": made, "given": given}
        return {k: generator_fn(v, latents, method="patches") for k, v in images.items()}

    return Shown(b, fake, extras={"there": pair(fake, a), "same": pair(same, b)})


def places(layers: int, patches: int = 64) -> Callable[[jax.Array, tuple[int, ...]], jax.Array]:
    """The ``latent_fn``: where patches are taken, uniform in [0, 1), ``[B, layers, patches]``.

    Args:
        layers: of the translator that are read.
        patches: of each, 256 in the paper.
    """

    def latent_fn(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return jax.random.uniform(key, (shape[0], layers, patches))

    return latent_fn


def patch_nce(name: str, weight: Weight = 1.0, *, temperature: float = 0.07) -> dict[str, Term]:
    """The generator's term ``-log softmax_q(made_p . given_q / t)`` at q = p, the mean over patches and layers.

    The other patches of the same image are the negatives. No gradient goes through ``given``.

    Args:
        name: ``there`` or ``same``.
        weight: 1 for both in the paper.
        temperature: t.
    """

    def term_fn(key: jax.Array, context: Context) -> jax.Array:
        made = context.extras[name]["made"]
        given = jax.lax.stop_gradient(context.extras[name]["given"])
        likeness = jnp.einsum("blpc,blqc->blpq", made, given) / temperature
        right = jnp.diagonal(jax.nn.log_softmax(likeness), axis1=2, axis2=3)
        return -right.mean((1, 2))

    return {f"nce_{name}": Term(term_fn, weight)}
