"""R3GAN: grouped residual stages without normalisation, the discriminator the generator's mirror image.

A residual block is the identity when training begins: the weights of its last layer are 0, and those
of the others are small by the number of blocks. The networks are made for the paired relativistic loss
with R1 and R2 in every step (``losses.relativistic_pairing``) and for cosine schedules of five numbers
over the images seen; ``tests/test_families.py`` sets all five in a Game.

==============  ====================================  ===============================  ===============
preset          widths                                cardinalities                    labels
==============  ====================================  ===============================  ===============
CIFAR-10        ``(768,) * 4``                        ``(96,) * 4``                    10 or none
FFHQ-64         ``(768, 768, 768, 768, 384)``         ``(96, 96, 96, 96, 48)``         none
FFHQ-256        the same and ``192, 96``              the same and ``24, 12``          none
ImageNet-32     ``(1536,) * 4``                       ``(96,) * 4``                    1,000
ImageNet-64     ``(1536,) * 5``                       ``(96,) * 5``                    1,000
==============  ====================================  ===============================  ===============

References:
    Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline", NeurIPS.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import Conv, leaky_relu
from gan_jax.models.conditioning import check_labels
from gan_jax.models.resampling import enlarged, reduced
from gan_jax.models.residual import start_size


def scaled(gain: float = 1.0) -> nn.initializers.Initializer:
    """Normal weights of variance ``gain^2 / fan_in``."""
    return nn.initializers.variance_scaling(gain**2, "fan_in", "normal")


class R3Block(nn.Module):
    """``x + W3 a(b2 + W2 a(b1 + W1 x))``: 1x1, grouped, 1x1, with a the leaky ReLU of slope 0.2.

    Attributes:
        cardinality: groups of the inner convolution.
        depth: L, how many blocks the network has: W1 and W2 are drawn with a gain of
            ``sqrt(2 / 1.04) L^(-1/4)``, W3 is 0.
        expansion: the inner width by the outer one.
        kernel_size: of the inner convolution.
        dtype: of the computation.
        remat: whether the inside is computed anew for the gradient, which saves its memory.

    References:
        Huang et al. 2024, section 3.2; Zhang et al. 2019, arXiv 1901.09321 (the initialisation).
    """

    cardinality: int
    depth: int
    expansion: int = 2
    kernel_size: int = 3
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """``[B, H, W, C] -> [B, H, W, C]``."""

        def inside(block: "R3Block", images: jax.Array) -> jax.Array:
            channels = images.shape[-1]
            inner = block.expansion * channels
            init = scaled((2.0 / 1.04) ** 0.5 * block.depth**-0.25)
            options = dict(kernel_init=init, dtype=block.dtype)
            hidden = leaky_relu(Conv(inner, 1, **options)(images))
            grouped = Conv(inner, block.kernel_size, groups=block.cardinality, **options)
            hidden = leaky_relu(grouped(hidden))
            options["kernel_init"] = nn.initializers.zeros
            return images + Conv(channels, 1, use_bias=False, **options)(hidden)

        return (nn.remat(inside) if self.remat else inside)(self, images)


class R3GANGenerator(nn.Module):
    """Latents ``[B, Z]`` to images ``[B, H, W, C]``, unbounded.

    A learned map times a linear function of the latents, blocks, and for each further width an
    enlargement and blocks. No tanh: real images are in ``[-1, 1]``, and fakes learn to be.

    Attributes:
        image_shape: ``(H, W, C)``; H and W are multiples of ``2 ** (len(widths) - 1)``; the
            published networks begin at 4x4.
        widths: channels of each stage, from the smallest map on.
        cardinalities: groups of each stage's blocks.
        blocks: in each stage.
        expansion: of the blocks.
        num_classes: for integer labels as the condition.
        embedding_size: of a label, beside the latents.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...] = (768,) * 4
    cardinalities: tuple[int, ...] = (96,) * 4
    blocks: int = 2
    expansion: int = 2
    num_classes: int | None = None
    embedding_size: int = 64
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, Z] -> [B, H, W, C]``, float32."""
        check_stages(self.widths, self.cardinalities, self.blocks)
        check_labels(condition, self.num_classes)
        linear = dict(use_bias=False, kernel_init=scaled(), dtype=self.dtype)
        depth = self.blocks * len(self.widths)
        if condition is not None:
            latents = jnp.concatenate([latents, self.embedded(condition)], axis=-1)
        weights = nn.Dense(self.widths[0], **linear)(latents)
        start = (1, *start_size(self.image_shape, len(self.widths) - 1), self.widths[0])
        basis = self.param("basis", nn.initializers.normal(1.0), start)
        hidden = basis.astype(weights.dtype) * weights[:, None, None]
        for stage, (width, cardinality) in enumerate(
            zip(self.widths, self.cardinalities, strict=True)
        ):
            if width != hidden.shape[-1]:
                hidden = Conv(width, 1, **linear)(hidden)
            hidden = hidden if stage == 0 else enlarged(hidden)
            for _ in range(self.blocks):
                options = dict(dtype=self.dtype, remat=self.remat)
                hidden = R3Block(cardinality, depth, self.expansion, **options)(hidden)
        images = Conv(self.image_shape[-1], 1, **linear)(hidden)
        return images.astype(jnp.float32)

    def embedded(self, labels: jax.Array) -> jax.Array:
        """A learned vector for each label."""
        # a linear layer of one-hot labels, drawn as one
        init = nn.initializers.normal(self.num_classes**-0.5)
        layer = nn.Embed(
            self.num_classes, self.embedding_size, embedding_init=init, dtype=self.dtype
        )
        return layer(labels)


class R3GANDiscriminator(nn.Module):
    """Images ``[B, H, W, C]`` to logits ``[B]``: the generator's stages in the other order.

    The last map becomes one number a channel, by a weight for each of its places, and these one
    logit; with labels, as many numbers again, whose product with the label's vector is the logit.

    Attributes:
        widths: channels of each stage, from the image on: the generator's, reversed.
        cardinalities: groups of each stage's blocks: the generator's, reversed.
        blocks: in each stage.
        expansion: of the blocks.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    widths: tuple[int, ...] = (768,) * 4
    cardinalities: tuple[int, ...] = (96,) * 4
    blocks: int = 2
    expansion: int = 2
    num_classes: int | None = None
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, H, W, C] -> [B]``, float32."""
        check_stages(self.widths, self.cardinalities, self.blocks)
        check_labels(condition, self.num_classes)
        linear = dict(use_bias=False, kernel_init=scaled(), dtype=self.dtype)
        depth = self.blocks * len(self.widths)
        hidden = Conv(self.widths[0], 1, **linear)(images)
        for stage, (width, cardinality) in enumerate(
            zip(self.widths, self.cardinalities, strict=True)
        ):
            hidden = hidden if stage == 0 else reduced(hidden)
            if width != hidden.shape[-1]:
                hidden = Conv(width, 1, **linear)(hidden)
            for _ in range(self.blocks):
                options = dict(dtype=self.dtype, remat=self.remat)
                hidden = R3Block(cardinality, depth, self.expansion, **options)(hidden)
        return self.judged(hidden, condition)

    def judged(self, hidden: jax.Array, labels: jax.Array | None) -> jax.Array:
        """The last map ``[B, h, w, C]`` to logits ``[B]``."""
        hidden = hidden.astype(jnp.float32)
        places = hidden.shape[1] * hidden.shape[2]
        # each channel's own kernel, as large as the map: variance 1 / places
        init = nn.initializers.normal(places**-0.5)
        basis = self.param("basis", init, hidden.shape[1:])
        features = jnp.sum(hidden * basis[None], axis=(1, 2))
        self.sow("intermediates", "features", features)
        size = 1 if labels is None else hidden.shape[-1]
        said = nn.Dense(size, use_bias=False, kernel_init=scaled())(features)
        if labels is not None:
            init = nn.initializers.normal((self.num_classes * size) ** -0.5)
            said *= nn.Embed(self.num_classes, size, embedding_init=init)(labels)
        return jnp.sum(said, axis=-1)


def check_stages(widths: tuple[int, ...], cardinalities: tuple[int, ...], blocks: int) -> None:
    """Refuses stages of a network that do not fit each other.

    Raises:
        ValueError: there are not as many cardinalities as widths, or no block in a stage.
    """
    if len(widths) != len(cardinalities) or blocks < 1:
        raise ValueError(
            "each stage needs a width, a cardinality and a block or more, got widths "
            f"{widths}, cardinalities {cardinalities} and blocks={blocks}"
        )
