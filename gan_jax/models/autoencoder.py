"""An encoder and a decoder as one player, and a discriminator of pairs: BiGAN and its relatives.

A BiGAN shows pairs of a sample and its code: real samples with the codes that the encoder gives them,
against generated samples with the latents that they were made of::

    Game(
        MLPAutoencoder((28, 28, 1), code_size=50),
        PairDiscriminator(),
        loss=losses.swapped(losses.non_saturating()),
        latent_size=50,
        show_fn=pairs,
        ...
    )

References:
    Donahue et al. 2017, arXiv 1605.09782; Dumoulin et al. 2017, arXiv 1606.00704.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.context import Shown, Turn
from gan_jax.models.blocks import leaky_relu, plain
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator


def pairs(
    generator_fn: Callable, latents: jax.Array, batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """The ``show_fn`` of a BiGAN: ``(x, E(x))`` against ``(G(z), z)``."""
    real = batch["real"]
    code = generator_fn(real, method="encode")
    return Shown((real, code), (generator_fn(latents, method="decode"), latents))


def reconstructing_pairs(
    generator_fn: Callable, latents: jax.Array, batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """:func:`pairs`, and ``G(E(x))`` as ``extras["reconstruction"]``, for :mod:`gan_jax.remedies.reconstruction`.

    References:
        Li et al. 2017, arXiv 1709.01215, section 3.2 (ALICE).
    """
    shown = pairs(generator_fn, latents, batch, turn)
    reconstruction = generator_fn(shown.real[1], method="decode")
    return shown._replace(extras={"reconstruction": reconstruction})


class MLPAutoencoder(nn.Module):
    """``encode``: samples ``[B, *sample_shape]`` to codes ``[B, code_size]``; ``decode``: the way back.

    Attributes:
        sample_shape: of one sample, such as ``(28, 28, 1)``.
        code_size: columns of a code: unbounded numbers.
        widths: the decoder's hidden layers; the encoder's are the same in reverse.
        statistics: numbers that ``encode`` gives for each column of the code: 1, or 2 for a mean and
            a log variance, which come as a pair.
        output_fn: of the decoder: ``jnp.tanh`` for images; None for logits and unbounded samples.
        norm_fn: after every hidden layer, or None.
        dtype: of the computation; parameters and results stay float32.
    """

    sample_shape: tuple[int, ...]
    code_size: int = 32
    widths: tuple[int, ...] = (128, 256)
    statistics: int = 1
    output_fn: Callable | None = jnp.tanh
    norm_fn: Callable | None = None
    activation_fn: Callable = leaky_relu
    kernel_init: Callable = nn.initializers.lecun_normal()
    dtype: Any = None

    def setup(self):
        """The two networks, :class:`gan_jax.models.mlp.MLPGenerator` both."""
        if self.statistics not in (1, 2):
            raise ValueError(
                f"statistics must be 1 or 2 (mean, log variance), got {self.statistics}"
            )
        shared = dict(
            norm_fn=self.norm_fn,
            activation_fn=self.activation_fn,
            kernel_init=self.kernel_init,
            dtype=self.dtype,
        )
        self.encoder = MLPGenerator(
            (self.statistics * self.code_size,), self.widths[::-1], output_fn=None, **shared
        )
        self.decoder = MLPGenerator(
            self.sample_shape, self.widths, output_fn=self.output_fn, **shared
        )

    def encode(self, samples: jax.Array, *, train: bool) -> jax.Array | tuple[jax.Array, jax.Array]:
        """``[B, *sample_shape]`` to ``[B, code_size]``, or to two of them."""
        code = self.encoder(samples.reshape(len(samples), -1), train=train)
        return code if self.statistics == 1 else tuple(jnp.split(code, 2, axis=-1))

    def decode(self, codes: jax.Array, *, train: bool) -> jax.Array:
        """``[B, code_size]`` to ``[B, *sample_shape]``."""
        return self.decoder(codes, train=train)


class PairDiscriminator(nn.Module):
    """A pair ``(samples [B, ...], codes [B, Z])`` to the logit that it is a real one ``[B]``.

    Both are flattened and judged side by side by a :class:`gan_jax.models.mlp.MLPDiscriminator`. Its
    head sows ``features``.

    Attributes:
        widths: the hidden layers.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`.
        dropout_rate: after every hidden layer, in ``[0, 1)``.
        dtype: of the computation; parameters and results stay float32.
    """

    widths: tuple[int, ...] = (256, 128)
    norm_fn: Callable | None = None
    activation_fn: Callable = leaky_relu
    constrain_fn: Callable = plain
    dropout_rate: float = 0.0
    kernel_init: Callable = nn.initializers.lecun_normal()
    dtype: Any = None

    @nn.compact
    def __call__(
        self, pair: tuple[jax.Array, jax.Array], condition: None = None, *, train: bool
    ) -> jax.Array:
        """``([B, ...], [B, Z])`` to ``[B]``, float32."""
        rows = jnp.concatenate([part.reshape(len(part), -1) for part in pair], axis=-1)
        judge = MLPDiscriminator(
            self.widths,
            norm_fn=self.norm_fn,
            activation_fn=self.activation_fn,
            constrain_fn=self.constrain_fn,
            dropout_rate=self.dropout_rate,
            kernel_init=self.kernel_init,
            dtype=self.dtype,
        )
        return judge(rows, train=train)
