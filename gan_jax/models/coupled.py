"""CoGAN: two generators that share their first layers, two discriminators that share their last.

What two domains have in common (a digit, a face) lies in the layers that they share; how each of them
draws it, in the layers of its own. So the pair that is made of the same latents shows the same thing,
though no real pair was ever seen. Both generators are one module, and so are both discriminators::

    Game(CoupledGenerator((28, 28, 1)), CoupledDiscriminator(), show_fn=unpaired, ...)

References:
    Liu and Tuzel 2016, arXiv 1606.07536, section 3 and figure 1.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.context import Shown, Turn
from gan_jax.models.blocks import BatchNorm, Block, Conv, ConvTranspose, leaky_relu, plain
from gan_jax.models.conditioning import join_condition
from gan_jax.models.dcgan import dcgan_init, growing_sizes, strides_of
from gan_jax.models.heads import Head

Images = dict[str, jax.Array]


def unpaired(
    generator_fn: Callable, latents: jax.Array, batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """The ``show_fn``: samples of every domain, against real ones of each, which belong to no pair.

    The batch holds a batch of each domain, ``{"a": {"real": ...}, "b": {"real": ...}}``, as the
    ``source_fn`` of :class:`gan_jax.data.Data` makes it of two sources.
    """
    fake = generator_fn(latents)
    return Shown({name: batch[name]["real"] for name in fake}, fake)


class CoupledGenerator(nn.Module):
    """Latents ``[B, Z]`` to an image of each domain, ``{"a": [B, H, W, C], "b": ...}`` in ``[-1, 1]``.

    The layers are those of :class:`gan_jax.models.dcgan.DCGANGenerator`. The projection and the
    first transposed convolutions are shared, the last ones are each domain's own.

    Attributes:
        image_shape: ``(H, W, C)``, of both domains.
        widths: channels before each transposed convolution.
        own_layers: transposed convolutions that a domain has for itself, at least 1.
        domains: their names.
        strides: of each transposed convolution; 2 everywhere if None.
        kernel_size: of each transposed convolution.
        norm_fn: after the inner transposed convolutions, or None.
        projection_norm_fn: after the projection, or None.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.

    References:
        Liu and Tuzel 2016, arXiv 1606.07536, section 3 (generative models).
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...] = (128, 64)
    own_layers: int = 1
    domains: tuple[str, ...] = ("a", "b")
    strides: tuple[int, ...] | None = None
    kernel_size: int = 5
    norm_fn: Callable | None = BatchNorm
    projection_norm_fn: Callable | None = BatchNorm
    activation_fn: Callable = leaky_relu
    kernel_init: Callable = dcgan_init
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(
        self, latents: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> Images:
        """``[B, Z]`` to a dict of ``[B, H, W, C]``, float32 in ``[-1, 1]``."""
        strides = strides_of(self.widths, self.strides)
        first, *sizes = growing_sizes(self.image_shape[:2], strides)
        features = (*self.widths[1:], self.image_shape[2])
        layers = list(zip(features, strides, sizes, strict=True))
        own = _own(self.own_layers, len(layers))
        inner = dict(norm_fn=self.norm_fn, activation_fn=self.activation_fn)
        kinds = [inner] * (len(layers) - 1) + [dict(activation_fn=None)]  # the last makes the image

        def through(hidden: jax.Array, name: str, places: range) -> jax.Array:
            for place in places:
                hidden = self.enlarge(*layers[place], f"{name}_{place}", kinds[place])(
                    hidden, train=train
                )
            return hidden

        hidden = self.project(join_condition(latents, condition, None), first, train)
        hidden = through(hidden, "shared", range(len(layers) - own))
        images = {
            name: through(hidden, name, range(len(layers) - own, len(layers)))
            for name in self.domains
        }
        return jax.tree.map(lambda image: jnp.tanh(image.astype(jnp.float32)), images)

    def project(self, latents: jax.Array, size: tuple[int, int], train: bool) -> jax.Array:
        """``[B, Z]`` to the smallest map ``[B, *size, widths[0]]``."""
        start = (*size, self.widths[0])
        layer = nn.Dense(
            math.prod(start), kernel_init=self.kernel_init, dtype=self.dtype, name="projection"
        )
        norms = dict(norm_fn=self.projection_norm_fn, activation_fn=self.activation_fn)
        block = Block(layer, **norms, dtype=self.dtype, remat=self.remat)
        return block(latents, train=train).reshape(-1, *start)

    def enlarge(
        self, features: int, stride: int, size: tuple[int, int], name: str, kind: dict
    ) -> Block:
        """A transposed convolution, and what follows it."""
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype, name=name)
        layer = ConvTranspose(features, self.kernel_size, stride, size=size, **options)
        return Block(layer, **kind, dtype=self.dtype, remat=self.remat, name=f"{name}_block")


class CoupledDiscriminator(nn.Module):
    """An image of each domain, ``{"a": [B, H, W, C], "b": ...}``, to their logits, ``{"a": [B], "b": ...}``.

    One convolution per width, then a dense layer. The first convolutions are each domain's own, the
    rest is shared. The domains are two judges: no one looks at both images of a pair, and the game
    sums their losses and their penalties.

    Attributes:
        widths: channels after each convolution.
        own_layers: convolutions that a domain has for itself, at least 1.
        domains: their names.
        strides: of each convolution; 2 everywhere if None.
        kernel_size: of each convolution.
        norm_fn: after every convolution but the first, or None; in shared layers its running
            statistics are of both domains.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`, for every layer.
        dropout_rate: after every convolution, in ``[0, 1)``.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each block is computed anew for its gradient, which saves the memory of what
            lies within it.

    References:
        Liu and Tuzel 2016, arXiv 1606.07536, section 3 (discriminative models) and equation 2.
    """

    widths: tuple[int, ...] = (64, 128)
    own_layers: int = 1
    domains: tuple[str, ...] = ("a", "b")
    strides: tuple[int, ...] | None = None
    kernel_size: int = 5
    norm_fn: Callable | None = None
    activation_fn: Callable = leaky_relu
    constrain_fn: Callable = plain
    kernel_init: Callable = dcgan_init
    dropout_rate: float = 0.0
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(self, images: Images, condition: None = None, *, train: bool) -> Images:
        """A dict of ``[B, H, W, C]`` to one of ``[B]``, float32."""
        if not isinstance(images, Mapping) or set(images) != set(self.domains):
            got = sorted(images) if isinstance(images, Mapping) else type(images).__name__
            raise ValueError(
                f"a CoupledDiscriminator takes a dict of images of the domains {self.domains}, got {got}"
            )
        own = _own(self.own_layers, len(self.widths))
        shared = [self.reduce("shared", place) for place in range(own, len(self.widths))]
        head = Head(None, self.constrain_fn, self.kernel_init, self.dtype)
        logits = {}
        for name in self.domains:
            hidden = images[name]
            for block in [self.reduce(name, place) for place in range(own)] + shared:
                hidden = block(hidden, train=train)
            logits[name] = head(hidden.reshape(len(hidden), -1), condition, train=train)
        return logits

    def reduce(self, name: str, place: int) -> Block:
        """A convolution, and what follows it."""
        stride = strides_of(self.widths, self.strides)[place]
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype, name=f"{name}_{place}")
        return Block(
            Conv(self.widths[place], self.kernel_size, stride, **options),
            constrain_fn=self.constrain_fn,
            norm_fn=self.norm_fn if place > 0 else None,
            activation_fn=self.activation_fn,
            dropout_rate=self.dropout_rate,
            dtype=self.dtype,
            remat=self.remat,
            name=f"{name}_{place}_block",
        )


def _own(own_layers: int, layers: int) -> int:
    if not 1 <= own_layers <= layers:
        raise ValueError(
            f"own_layers must be 1 to {layers}, the number of widths, got {own_layers}: domains that share "
            "all layers are one domain"
        )
    return own_layers
