"""Sequences of tokens: a recurrent generator that writes them one by one, and a discriminator that reads them.

A token cannot be differentiated. So the generator has three ways to be looked at: ``sample`` draws tokens,
``log_probs`` says how likely given tokens are, and ``soft`` draws tokens that carry a gradient, which is biased.

References:
    Yu et al. 2017, arXiv 1609.05473 (SeqGAN); Jang et al. 2017, arXiv 1611.01144, equations 2 and 3 (Gumbel-softmax,
    straight through); Kim 2014, arXiv 1408.5882 (windows of words, the largest of each feature).
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import leaky_relu


def keys_of_rows(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """The ``latent_fn``: a PRNG key for each row, as the noise of T tokens is drawn where they are."""
    return jax.random.split(key, shape[0])


class SequenceGenerator(nn.Module):
    """A recurrent network over tokens: ``p(x_t | x_1 .. x_{t-1})``.

    Attributes:
        vocabulary: how many tokens there are.
        length: of a sequence.
        width: of the embedding and of the state.
    """

    vocabulary: int
    length: int
    width: int = 32

    def setup(self):
        """One cell for all methods."""
        self.embedding = nn.Dense(self.width, use_bias=False)  # of one-hot tokens, soft ones too
        self.cell = nn.OptimizedLSTMCell(self.width)
        self.head = nn.Dense(self.vocabulary)

    def __call__(
        self, keys: jax.Array, temperature: jax.Array | float = 1.0, *, train: bool = False
    ) -> jax.Array:
        """As :meth:`sample`."""
        return self.sample(keys, temperature)

    def sample(self, keys: jax.Array, temperature: jax.Array | float = 1.0) -> jax.Array:
        """A key for each row to tokens int32 ``[B, length]``, drawn from ``softmax(logits / temperature)``."""
        heat = jnp.broadcast_to(jnp.asarray(temperature, jnp.float32), keys.shape)

        def draw(logits: jax.Array, place: jax.Array) -> tuple[jax.Array, jax.Array]:
            noise = gumbel(keys, place, self.vocabulary)
            tokens = jnp.argmax(logits / heat[:, None] + noise, axis=-1).astype(jnp.int32)
            return jax.nn.one_hot(tokens, self.vocabulary), tokens

        return self._unrolled(len(keys), draw)

    def soft(self, keys: jax.Array, temperature: jax.Array | float = 1.0) -> jax.Array:
        """Tokens as one-hot vectors ``[B, length, vocabulary]``, with the gradient of the soft ones.

        ``y = softmax((logits + gumbel) / temperature)``; forward it is ``one_hot(argmax y)``. The gradient's bias
        falls with the temperature, and its variance grows. One bias stays at any temperature: what later
        tokens owe to this one goes through a network that is not linear in it.
        """

        def draw(logits: jax.Array, place: jax.Array) -> tuple[jax.Array, jax.Array]:
            noisy = logits + gumbel(keys, place, self.vocabulary)
            soft = jax.nn.softmax(noisy / temperature)
            hard = jax.nn.one_hot(noisy.argmax(-1), self.vocabulary)
            token = hard + soft - jax.lax.stop_gradient(soft)
            return token, token

        return self._unrolled(len(keys), draw)

    def log_probs(self, tokens: jax.Array) -> jax.Array:
        """``log p(x_t | x_1 .. x_{t-1})`` of tokens ``[B, length]``, ``[B, length]``."""
        if tokens.shape[1:] != (self.length,) or not jnp.issubdtype(tokens.dtype, jnp.integer):
            raise ValueError(
                f"tokens must be integers [B, {self.length}], got {tokens.dtype}{list(tokens.shape)}"
            )
        vectors = jax.nn.one_hot(tokens, self.vocabulary)

        def given(logits: jax.Array, place: jax.Array) -> tuple[jax.Array, jax.Array]:
            vector = jax.lax.dynamic_index_in_dim(vectors, place, axis=1, keepdims=False)
            return vector, (jax.nn.log_softmax(logits) * vector).sum(-1)

        return self._unrolled(len(tokens), given)

    def _unrolled(self, rows: int, step_fn: Callable) -> jax.Array:
        """``step_fn(logits, place) -> (next input, output)`` at every place; outputs ``[B, length, ...]``."""

        def step(module: "SequenceGenerator", carry, place):
            state, vector = carry
            state, hidden = module.cell(state, module.embedding(vector))
            vector, output = step_fn(module.head(hidden), place)
            return (state, vector), output

        scan = nn.scan(step, variable_broadcast="params", split_rngs={"params": False}, out_axes=1)
        nothing = jnp.zeros((rows, self.vocabulary))  # before the first token
        state = self.cell.initialize_carry(jax.random.key(0), (rows, self.width))
        return scan(self, (state, nothing), jnp.arange(self.length))[1]


def written_at(players: Any, latents: jax.Array, rows: Mapping[str, Any]) -> jax.Array:
    """A ``draw_fn``: what is written at the rows' temperature, a draw option."""
    return players.generator_fn(latents, rows["temperature"], method="sample")


def gumbel(keys: jax.Array, place: jax.Array, vocabulary: int) -> jax.Array:
    """Standard Gumbel noise of each row at one place, ``[B, vocabulary]``."""
    at = jax.vmap(lambda key: jax.random.fold_in(key, place))(keys)
    return jax.vmap(lambda key: jax.random.gumbel(key, (vocabulary,)))(at)


class SequenceDiscriminator(nn.Module):
    """One-hot tokens ``[B, T, V]`` to logits ``[B]``: windows of words, the largest of each feature, a dense layer.

    Attributes:
        widths: features of windows of 1, 2, 3, ... tokens.
        embedding: width of a token's vector.
        dropout_rate: before the last layer, in training.
    """

    widths: tuple[int, ...] = (32, 64, 64, 32)
    embedding: int = 32
    dropout_rate: float = 0.25

    @nn.compact
    def __call__(self, tokens: jax.Array, condition: None = None, *, train: bool) -> jax.Array:
        """``[B, T, V] -> [B]``."""
        words = nn.Dense(self.embedding, use_bias=False)(tokens)
        length = words.shape[1]
        found = []
        for size, width in enumerate(self.widths, 1):
            if size > length:
                raise ValueError(f"windows of {size} tokens are longer than sequences of {length}")
            shifted = [words[:, at : at + length - size + 1] for at in range(size)]
            windows = leaky_relu(nn.Dense(width)(jnp.concatenate(shifted, axis=-1)))
            found.append(windows.max(1))
        features = jnp.concatenate(found, axis=-1)
        self.sow("intermediates", "features", features)
        features = leaky_relu(nn.Dense(sum(self.widths))(features))
        features = nn.Dropout(self.dropout_rate, deterministic=not train)(features)
        return nn.Dense(1)(features)[:, 0]
