"""Words in, images out: an encoder of captions for each player, and a discriminator that minds what was said.

References:
    Reed et al. 2016, arXiv 1605.05396, sections 4.1 and 4.2 (the matching-aware discriminator); Cho et al. 2014, arXiv
    1406.1078, section 2.3 (the gated recurrent unit); Miyato and Koyama 2018, arXiv 1802.05637 (projection).
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.context import Context, Term, Weight
from gan_jax.models.heads import Head


class WordEncoder(nn.Module):
    """Captions ``[B, L]``, numbers of words with 0 after the last, to vectors ``[B, width]``.

    An embedding of each word, and the last state of a gated recurrent unit.

    Attributes:
        words: of the vocabulary, the empty one (0) among them.
        width: of embeddings and states.
    """

    words: int
    width: int = 64

    @nn.compact
    def __call__(self, captions: jax.Array) -> jax.Array:
        """``[B, L] -> [B, width]``, float32."""
        if captions.ndim != 2 or not jnp.issubdtype(captions.dtype, jnp.integer):
            raise ValueError(
                f"captions must be integers [B, L], numbers of words, got {captions.dtype}"
                f"{list(captions.shape)}"
            )
        embedded = nn.Embed(self.words, self.width)(captions)
        lengths = (captions > 0).sum(1)
        recurrent = nn.RNN(nn.GRUCell(self.width), return_carry=True)
        state, _ = recurrent(embedded, seq_lengths=jnp.maximum(lengths, 1))
        return state


class FieldsEncoder(nn.Module):
    """Attributes ``[B, A]`` to vectors ``[B, width]``: the control that is told what a caption means.

    Attributes:
        width: of the vectors.
    """

    width: int = 64

    @nn.compact
    def __call__(self, fields: jax.Array) -> jax.Array:
        """``[B, A] -> [B, width]``."""
        return nn.relu(nn.Dense(self.width)(fields.astype(jnp.float32)))


class TalkedGenerator(nn.Module):
    """A generator whose latents stand beside the vector of what was said.

    Attributes:
        generator: ``(latents, *, train) -> samples``.
        encoder: what was said, to vectors.
    """

    generator: nn.Module
    encoder: nn.Module

    def __call__(self, latents: jax.Array, condition: jax.Array, *, train: bool) -> jax.Array:
        """``[B, Z]`` and what was said, to samples."""
        said = self.encoder(condition)
        return self.generator(jnp.concatenate([latents, said], axis=-1), train=train)


class TalkedHead(Head):
    """``w . h + b + v(said) . h``: the projection of what was said.

    Attributes:
        encoder_fn: makes the encoder.
    """

    encoder_fn: Callable[[], nn.Module] = FieldsEncoder

    @nn.compact
    def __call__(self, features: jax.Array, condition: jax.Array, *, train: bool) -> jax.Array:
        """``[B, F]`` and what was said, to logits ``[B]``."""
        self.sow("intermediates", "features", features)
        logits = self.dense(1, features, train)[:, 0]
        said = self.dense(features.shape[-1], self.encoder_fn()(condition), train)
        return (logits + (said * features).sum(-1)).astype(jnp.float32)


def mismatched(weight: Weight = 1.0) -> dict[str, Term]:
    """The discriminator's term ``softplus(D(x, wrong caption))``: a real image with another's caption is a fake.

    Each image gets the caption of the row before it; on several devices, of the row before it on the same device.

    Args:
        weight: beside the loss of true captions.

    References:
        Reed et al. 2016, arXiv 1605.05396, algorithm 1 (s_w).
    """

    def term_fn(key: jax.Array, context: Context) -> jax.Array:
        wrong = jax.tree.map(lambda leaf: jnp.roll(leaf, 1, axis=0), context.real.condition)
        return jax.nn.softplus(context.real.logits_fn(context.real.samples, wrong))

    return {"mismatched": Term(term_fn, weight)}
