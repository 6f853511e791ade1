"""StyleGAN2's discriminator: equalised convolutions, smoothed halvings, minibatch standard deviation.

References:
    Karras et al. 2020, arXiv 1912.04958, section 4.1 and appendix B; 2020, arXiv 2006.06676.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.conditioning import check_labels
from gan_jax.models.equalized import EqualizedConv, EqualizedDense, scaled_leaky_relu
from gan_jax.models.minibatch_std import MinibatchStd
from gan_jax.models.styles import MappingNetwork, one_hot


class StyleGAN2Discriminator(nn.Module):
    """Images ``[B, H, W, C]`` to logits ``[B]``.

    A 1x1 convolution; for each width but the last two 3x3 convolutions, of which the second halves
    the map; the statistic of the batch, a 3x3 convolution, two dense layers. With labels, a mapping of
    them is multiplied with the last layer's result: ``sum(h * m(y)) / sqrt(size)``.

    Attributes:
        widths: channels of each map, from the image on: the generator's, reversed.
        residual: whether blocks have a shortcut; on CIFAR-10 the published ones have none.
        statistic_fn: makes a module that adds a feature of the whole batch, or None. The rows must
            be a multiple of its group.
        mapping_layers: of the labels' mapping.
        mapping_rate: how fast these learn, by the rest.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    widths: tuple[int, ...] = (512, 512, 512, 512)
    residual: bool = True
    statistic_fn: Callable | None = MinibatchStd
    mapping_layers: int = 8
    mapping_rate: float = 0.01
    num_classes: int | None = None
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, images: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, H, W, C] -> [B]``, float32."""
        check_labels(condition, self.num_classes)
        hidden = EqualizedConv(self.widths[0], 1, dtype=self.dtype)(images)
        for features in self.widths[1:]:
            block = HalvingBlock(features, self.residual, self.dtype, self.remat)
            hidden = block(hidden)
        hidden = hidden.astype(jnp.float32)  # the deviation of a batch is a small difference
        if self.statistic_fn is not None:
            hidden = self.statistic_fn()(hidden)
        size = self.widths[-1]
        hidden = EqualizedConv(size)(hidden)
        features = EqualizedDense(size, scaled_leaky_relu)(hidden.reshape(len(hidden), -1))
        self.sow("intermediates", "features", features)
        if condition is None:
            return EqualizedDense(1)(features)[:, 0]
        labels = one_hot(condition, self.num_classes)
        mapping = MappingNetwork(size, self.mapping_layers, self.mapping_rate)
        mapped = mapping(None, labels)
        return jnp.sum(EqualizedDense(size)(features) * mapped, axis=-1) / size**0.5


class HalvingBlock(nn.Module):
    """Two 3x3 convolutions, the second to ``features`` channels of a halved map; perhaps a shortcut.

    Attributes:
        features: channels of the result.
        residual: whether a halved 1x1 convolution of the input is added; both are divided by sqrt(2)
            then.
        dtype: of the computation.
        remat: whether the inside is computed anew for the gradient, which saves its memory.
    """

    features: int
    residual: bool = True
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """``[B, H, W, C] -> [B, H / 2, W / 2, features]``."""

        def inside(block: "HalvingBlock", images: jax.Array) -> jax.Array:
            gain = 0.5**0.5 if block.residual else 1.0
            options = dict(dtype=block.dtype, down=True, gain=gain)
            hidden = EqualizedConv(images.shape[-1], dtype=block.dtype)(images)
            hidden = EqualizedConv(block.features, **options)(hidden)
            if not block.residual:
                return hidden
            options |= dict(activation_fn=None, use_bias=False, name="shortcut")
            return hidden + EqualizedConv(block.features, 1, **options)(images)

        return (nn.remat(inside) if self.remat else inside)(self, images)
