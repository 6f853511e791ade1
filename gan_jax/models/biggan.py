"""BigGAN and BigGAN-deep: latents and a label's vector reach every block through its batch norms.

All layers begin orthogonal and are spectrally normalised in both players, but for the label's vector in
the generator (``shared``), which would lose its use.

==================  =======================================  =======================================
                    generator                                discriminator
==================  =======================================  =======================================
BigGAN, 32          the defaults, latents of 80              the defaults
BigGAN, 128         ``(1536, 1536, 768, 384, 192, 96)``,     ``(96, 192, 384, 768, 1536, 1536)``,
                    attention 64, latents of 120             5 halvings, attention 64
BigGAN-deep, 32     the defaults, latents of 80              the defaults
BigGAN-deep, 128    ``(2048, 2048, 1024, 512, 256, 128)``,   ``(128, 256, 512, 1024, 2048, 2048)``,
                    attention 64, latents of 128             5 halvings, attention 64
==================  =======================================  =======================================

Its remedies: :func:`gan_jax.remedies.orthogonal.orthogonal`, and :func:`truncated` latents.

References:
    Brock et al. 2019, arXiv 1809.11096, section 3, appendix B and tables 4 to 9.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.attention import SelfAttention, blocks_with_attention
from gan_jax.models.blocks import BatchNorm, Conv, spectral
from gan_jax.models.conditioning import VectorBatchNorm, check_labels
from gan_jax.models.residual import ResidualBlock, normalized, start_size
from gan_jax.models.resnet import ResNetDiscriminator

orthogonal_init = nn.initializers.orthogonal()


def truncated(threshold: float) -> Callable[[jax.Array, tuple[int, ...]], jax.Array]:
    """Normal latents, drawn anew where they are beyond the threshold: fidelity against variety.

    For drawing, or for ``Game.latent_fn``. Statistics of batch norm that were taken at all latents do
    not fit truncated ones well.

    Args:
        threshold: positive; the paper's are 2 to 0.04.

    Raises:
        ValueError: it is not positive.

    References:
        Brock et al. 2019, arXiv 1809.11096, section 3.1.
    """
    if not 0.0 < threshold < float("inf"):
        raise ValueError(f"threshold must be positive and finite, got {threshold}")

    def latent_fn(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return jax.random.truncated_normal(key, -threshold, threshold, shape)

    return latent_fn


class BigGANGenerator(nn.Module):
    """Latents ``[B, Z]`` to images ``[B, H, W, C]`` in ``[-1, 1]``.

    The latents are cut into as many equal parts as there are widths: the first goes into the dense
    layer, and each of the others, beside the label's vector, into the norms of one block.

    Attributes:
        image_shape: ``(H, W, C)``; H and W are multiples of ``2 ** (len(widths) - 1)``.
        widths: channels of the smallest map, and after each doubling.
        shared_size: of a label's vector.
        attention: heights of the maps that go through self-attention.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`.
        norm_fn: of the last layer; the blocks' is :class:`VectorBatchNorm`.
        epsilon: of the blocks' norms.
        kernel_init: of every layer.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...] = (384, 384, 384, 384)
    shared_size: int = 128
    attention: tuple[int, ...] = (16,)
    constrain_fn: Callable = spectral
    norm_fn: Callable = BatchNorm
    epsilon: float = 1e-5
    activation_fn: Callable = nn.relu
    kernel_init: Callable = orthogonal_init
    num_classes: int | None = None
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, Z] -> [B, H, W, C]``, float32 in ``[-1, 1]``."""
        stages = len(self.widths) - 1
        start = (*start_size(self.image_shape, stages), self.widths[0])
        heights = [start[0] * 2**n for n in range(1, stages + 1)]
        attended = blocks_with_attention(self.attention, heights)
        check_labels(condition, self.num_classes)
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        vectors = None
        if condition is not None:
            shape = (self.num_classes, self.shared_size)
            embed = nn.Embed(
                *shape, embedding_init=self.kernel_init, dtype=self.dtype, name="shared"
            )
            vectors = embed(condition)
        first, told = self.parts(latents, vectors)
        layer = nn.Dense(math.prod(start), **options)
        hidden = self.constrain_fn(layer)(first, train=train).reshape(-1, *start)
        for index, features in enumerate(self.widths[1:]):
            hidden = self.stage(hidden, told[index], features, train)
            if index in attended:
                hidden = SelfAttention(self.constrain_fn, **options)(hidden, train=train)
        # told nothing: the last norm has a gain and a bias of its own
        hidden = normalized(self.norm_fn, hidden, None, dtype=self.dtype, train=train)
        layer = Conv(self.image_shape[-1], 3, **options)
        images = self.constrain_fn(layer)(self.activation_fn(hidden), train=train)
        return jnp.tanh(images.astype(jnp.float32))

    @nn.nowrap
    def parts(
        self, latents: jax.Array, vectors: jax.Array | None
    ) -> tuple[jax.Array, list[jax.Array]]:
        """What goes into the dense layer, and what each stage is told."""
        count = len(self.widths)
        if latents.shape[-1] % count:
            raise ValueError(
                f"{latents.shape[-1]} latents cannot be cut into {count} equal parts, one for each "
                f"width: take a multiple of {count}"
            )
        first, *others = jnp.split(latents, count, axis=-1)
        return first, [beside(vectors, part) for part in others]

    def stage(self, hidden: jax.Array, told: jax.Array, features: int, train: bool) -> jax.Array:
        """The blocks to the next, doubled map."""
        block = ResidualBlock(
            features, up=True, norm_fn=self.vector_norm(), shortcut_init=self.kernel_init,
            **self.shared_options(),
        )  # fmt: skip
        return block(hidden, told, train=train)

    @nn.nowrap
    def vector_norm(self) -> Callable:
        """The ``norm_fn`` of a block."""
        return partial(
            VectorBatchNorm,
            constrain_fn=self.constrain_fn,
            kernel_init=self.kernel_init,
            epsilon=self.epsilon,
        )

    @nn.nowrap
    def shared_options(self) -> dict[str, Any]:
        """What every block is given."""
        return dict(
            constrain_fn=self.constrain_fn,
            activation_fn=self.activation_fn,
            kernel_init=self.kernel_init,
            dtype=self.dtype,
            remat=self.remat,
        )


class BigGANDiscriminator(ResNetDiscriminator):
    """:class:`ResNetDiscriminator` with wide blocks, attention and orthogonal weights."""

    widths: tuple[int, ...] = (192, 192, 192, 192)
    wide: bool = True
    attention: tuple[int, ...] = (16,)
    block_init: Callable = orthogonal_init
    kernel_init: Callable = orthogonal_init


def beside(vectors: jax.Array | None, latents: jax.Array) -> jax.Array:
    """A label's vector and latents, side by side."""
    return latents if vectors is None else jnp.concatenate([vectors, latents], axis=-1)
