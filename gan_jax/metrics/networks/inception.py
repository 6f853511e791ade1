"""The Inception-v3 network that the Frechet inception distance is defined on, as a Flax module.

It is not the Inception-v3 of today's model zoos: its weights are those of 2015-12-05, trained on 1,008 classes; its
average pools do not count the padding; and the pool of its last block takes the maximum. Layers carry the names of
the published PyTorch weights, so that reading those is renaming.

References:
    Szegedy et al. 2016, arXiv 1512.00567, figures 5 to 7 and table 1 (the blocks);
    Heusel et al. 2017, arXiv 1706.08500, section 1 (its use).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

NUM_FEATURES, NUM_CLASSES = 2048, 1008
SIZE = 299  # pixels; what a protocol's resize makes

_average_pool = partial(
    nn.avg_pool, window_shape=(3, 3), strides=(1, 1), padding="SAME", count_include_pad=False
)
_max_pool = partial(nn.max_pool, window_shape=(3, 3), strides=(1, 1), padding="SAME")
_halving_pool = partial(nn.max_pool, window_shape=(3, 3), strides=(2, 2), padding="VALID")


class Layer(NamedTuple):
    """One convolution with batch norm and ReLU: name, channels, kernel, stride, padded or not."""

    name: str
    features: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: str = "SAME"


Branch = tuple[Layer, ...]


class InceptionV3(nn.Module):
    """Images ``[B, 299, 299, 3]`` in [-1, 1] to (features ``[B, 2048]``, logits ``[B, 1008]``).

    The logits are without the last layer's bias, as the Inception score of the published programs takes them.
    """

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Evaluation only: the weights are given, the batch statistics stay."""
        hidden = images
        for layer in (
            Layer("Conv2d_1a_3x3", 32, (3, 3), 2, "VALID"),
            Layer("Conv2d_2a_3x3", 32, (3, 3), 1, "VALID"),
            Layer("Conv2d_2b_3x3", 64, (3, 3)),
        ):
            hidden = ConvNormReLU(layer, name=layer.name)(hidden)
        hidden = _halving_pool(hidden)
        for layer in (
            Layer("Conv2d_3b_1x1", 80),
            Layer("Conv2d_4a_3x3", 192, (3, 3), 1, "VALID"),
        ):
            hidden = ConvNormReLU(layer, name=layer.name)(hidden)
        hidden = _halving_pool(hidden)
        for name, block in BLOCKS.items():
            hidden = block(name)(hidden)
        features = hidden.mean((1, 2))
        return features, nn.Dense(NUM_CLASSES, use_bias=False, name="fc")(features)


class ConvNormReLU(nn.Module):
    """Convolution without bias, batch norm by the running statistics, ReLU."""

    layer: Layer

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """``[B, H, W, C] -> [B, H', W', layer.features]``."""
        _, features, kernel, stride, padding = self.layer
        convolve = nn.Conv(features, kernel, stride, padding, use_bias=False, name="conv")
        norm = nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="bn")
        return nn.relu(norm(convolve(images)))


class Mixed(nn.Module):
    """Branches side by side, their channels joined; the last begins with a pool.

    Attributes:
        branches: each a row of layers.
        forks: branches that end in two layers side by side.
        pool_fn: of the input.
        pool_layer: after the pool, or None.
    """

    branches: tuple[Branch, ...]
    pool_fn: Callable[[jax.Array], jax.Array]
    pool_layer: Layer | None = None
    forks: tuple[tuple[Branch, Branch], ...] = ()

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """``[B, H, W, C] -> [B, H', W', C']``."""

        def row(hidden: jax.Array, layers: Branch) -> jax.Array:
            for layer in layers:
                hidden = ConvNormReLU(layer, name=layer.name)(hidden)
            return hidden

        parts = [row(images, branch) for branch in self.branches]
        for trunk, ends in self.forks:
            hidden = row(images, trunk)
            parts += [row(hidden, (end,)) for end in ends]
        pooled = self.pool_fn(images)
        parts.append(pooled if self.pool_layer is None else row(pooled, (self.pool_layer,)))
        return jnp.concatenate(parts, axis=-1)


def _block_a(name: str, *, pooled: int) -> Mixed:
    """35x35: 1x1, 5x5, two 3x3, and an average pool."""
    branches = (
        (Layer("branch1x1", 64),),
        (Layer("branch5x5_1", 48), Layer("branch5x5_2", 64, (5, 5))),
        (
            Layer("branch3x3dbl_1", 64),
            Layer("branch3x3dbl_2", 96, (3, 3)),
            Layer("branch3x3dbl_3", 96, (3, 3)),
        ),
    )
    return Mixed(branches, _average_pool, Layer("branch_pool", pooled), name=name)


def _block_b(name: str) -> Mixed:
    """35x35 to 17x17."""
    branches = (
        (Layer("branch3x3", 384, (3, 3), 2, "VALID"),),
        (
            Layer("branch3x3dbl_1", 64),
            Layer("branch3x3dbl_2", 96, (3, 3)),
            Layer("branch3x3dbl_3", 96, (3, 3), 2, "VALID"),
        ),
    )
    return Mixed(branches, _halving_pool, name=name)


def _block_c(name: str, *, width: int) -> Mixed:
    """17x17: 7x7 as rows and columns."""
    branches = (
        (Layer("branch1x1", 192),),
        (
            Layer("branch7x7_1", width),
            Layer("branch7x7_2", width, (1, 7)),
            Layer("branch7x7_3", 192, (7, 1)),
        ),
        (
            Layer("branch7x7dbl_1", width),
            Layer("branch7x7dbl_2", width, (7, 1)),
            Layer("branch7x7dbl_3", width, (1, 7)),
            Layer("branch7x7dbl_4", width, (7, 1)),
            Layer("branch7x7dbl_5", 192, (1, 7)),
        ),
    )
    return Mixed(branches, _average_pool, Layer("branch_pool", 192), name=name)


def _block_d(name: str) -> Mixed:
    """17x17 to 8x8."""
    branches = (
        (Layer("branch3x3_1", 192), Layer("branch3x3_2", 320, (3, 3), 2, "VALID")),
        (
            Layer("branch7x7x3_1", 192),
            Layer("branch7x7x3_2", 192, (1, 7)),
            Layer("branch7x7x3_3", 192, (7, 1)),
            Layer("branch7x7x3_4", 192, (3, 3), 2, "VALID"),
        ),
    )
    return Mixed(branches, _halving_pool, name=name)


def _block_e(name: str, *, pool_fn: Callable) -> Mixed:
    """8x8: 3x3 as a row and a column side by side."""
    return Mixed(
        ((Layer("branch1x1", 320),),),
        pool_fn,
        Layer("branch_pool", 192),
        forks=(
            (
                (Layer("branch3x3_1", 384),),
                (Layer("branch3x3_2a", 384, (1, 3)), Layer("branch3x3_2b", 384, (3, 1))),
            ),
            (
                (Layer("branch3x3dbl_1", 448), Layer("branch3x3dbl_2", 384, (3, 3))),
                (Layer("branch3x3dbl_3a", 384, (1, 3)), Layer("branch3x3dbl_3b", 384, (3, 1))),
            ),
        ),
        name=name,
    )


BLOCKS: dict[str, Callable[[str], Mixed]] = {
    "Mixed_5b": partial(_block_a, pooled=32),
    "Mixed_5c": partial(_block_a, pooled=64),
    "Mixed_5d": partial(_block_a, pooled=64),
    "Mixed_6a": _block_b,
    "Mixed_6b": partial(_block_c, width=128),
    "Mixed_6c": partial(_block_c, width=160),
    "Mixed_6d": partial(_block_c, width=160),
    "Mixed_6e": partial(_block_c, width=192),
    "Mixed_7a": _block_d,
    "Mixed_7b": partial(_block_e, pool_fn=_average_pool),
    "Mixed_7c": partial(_block_e, pool_fn=_max_pool),
}
