"""WaveGAN: sound as a sequence of samples, by convolutions along time.

Long kernels with a stride of 4 stand where a DCGAN has small ones with a stride of 2. A transposed
convolution leaves tones of its own at fixed places; phase shuffle keeps the discriminator from
finding samples by the phase of these tones alone.

References:
    Donahue et al. 2019, arXiv 1802.04208, section 3 and appendix D.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import Block, leaky_relu, plain
from gan_jax.models.conditioning import join_condition
from gan_jax.models.convolutions_1d import Conv1D, ConvTranspose1D
from gan_jax.models.heads import Head


class WaveGANGenerator(nn.Module):
    """Latents ``[B, Z]`` to sounds ``[B, length]`` in ``[-1, 1]``.

    A projection to ``[length / stride^n, widths[0]]``, then one transposed convolution per width;
    the last one makes the sound.

    Attributes:
        length: samples of a sound, a multiple of ``stride ** len(widths)``.
        widths: channels before each transposed convolution; the paper's are (1024, 512, 256, 128,
            64) for 16,384 samples.
        kernel_size: taps of each.
        stride: of each.
        norm_fn: after all layers but the last, or None, as in the paper.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.

    References:
        Donahue et al. 2019, arXiv 1802.04208, table 3.
    """

    length: int
    widths: tuple[int, ...] = (256, 128, 64, 32, 16)
    kernel_size: int = 25
    stride: int = 4
    norm_fn: Callable | None = None
    activation_fn: Callable = nn.relu
    kernel_init: Callable = nn.initializers.he_normal()
    num_classes: int | None = None
    dtype: Any = None

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, Z] -> [B, length]``, float32 in ``[-1, 1]``."""
        start = (shortest(self.length, self.stride, len(self.widths)), self.widths[0])
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        inner = dict(norm_fn=self.norm_fn, activation_fn=self.activation_fn, dtype=self.dtype)
        hidden = join_condition(latents, condition, self.num_classes)
        hidden = Block(nn.Dense(math.prod(start), **options), **inner)(hidden, train=train)
        hidden = hidden.reshape(-1, *start)
        for features in self.widths[1:]:
            layer = ConvTranspose1D(features, self.kernel_size, self.stride, **options)
            hidden = Block(layer, **inner)(hidden, train=train)
        sounds = ConvTranspose1D(1, self.kernel_size, self.stride, **options)(hidden)
        return jnp.tanh(sounds[..., 0].astype(jnp.float32))


class PhaseShuffle(nn.Module):
    """Moves a batch along time by a random number of steps; what comes in is what lies at the end, mirrored.

    One number for the whole batch, as in the authors' program. Nothing is moved in evaluation.

    Attributes:
        most: steps, in either direction; 0 moves nothing.

    References:
        Donahue et al. 2019, arXiv 1802.04208, section 3.3.
    """

    most: int

    @nn.compact
    def __call__(self, sequences: jax.Array, *, train: bool) -> jax.Array:
        """``[B, T, C] -> [B, T, C]``."""
        if not train or self.most == 0:
            return sequences
        padded = jnp.pad(sequences, ((0, 0), (self.most, self.most), (0, 0)), mode="reflect")
        start = jax.random.randint(self.make_rng("shuffle"), (), 0, 2 * self.most + 1)
        return jax.lax.dynamic_slice_in_dim(padded, start, sequences.shape[1], axis=1)


class WaveGANDiscriminator(nn.Module):
    """Sounds ``[B, T]`` to logits ``[B]``: one convolution per width, then a dense layer.

    Attributes:
        widths: channels after each convolution; T is a multiple of ``stride ** len(widths)``.
        kernel_size: taps of each.
        stride: of each.
        shuffle: steps by which phase shuffle moves what is between two convolutions, at most; the
            paper's is 2, and 0 is none.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`, for every layer.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.

    References:
        Donahue et al. 2019, arXiv 1802.04208, table 4.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    kernel_size: int = 25
    stride: int = 4
    shuffle: int = 2
    constrain_fn: Callable = plain
    kernel_init: Callable = nn.initializers.he_normal()
    num_classes: int | None = None
    dtype: Any = None

    @nn.compact
    def __call__(
        self, sounds: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, T] -> [B]``, float32."""
        shortest(sounds.shape[1], self.stride, len(self.widths))
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        hidden = sounds[..., None]
        for index, features in enumerate(self.widths):
            if index:
                hidden = PhaseShuffle(self.shuffle)(hidden, train=train)
            layer = Conv1D(features, self.kernel_size, self.stride, **options)
            block = Block(layer, self.constrain_fn, activation_fn=leaky_relu, dtype=self.dtype)
            hidden = block(hidden, train=train)
        head = Head(self.num_classes, self.constrain_fn, self.kernel_init, self.dtype)
        return head(hidden.reshape(len(hidden), -1), condition, train=train)


def shortest(length: int, stride: int, layers: int) -> int:
    """The length before so many transposed convolutions, or after so many convolutions.

    Raises:
        ValueError: there is none.
    """
    if layers < 1 or length % stride**layers:
        raise ValueError(
            f"{layers} layers of stride {stride} need a multiple of {stride**layers} samples, got "
            f"{length}: take another length, or another number of widths"
        )
    return length // stride**layers
