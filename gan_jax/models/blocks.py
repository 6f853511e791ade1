"""Layers that both players share.

What varies in a network is passed to it as a function: how a layer's weights are constrained
(:func:`plain` or :func:`spectral`), the normalisation (:class:`BatchNorm` or ``None``), the
activation. One :class:`Block` serves the generator and the discriminator.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax

from gan_jax.models import convolutions

leaky_relu = partial(nn.leaky_relu, negative_slope=0.2)
DEVICE_AXIS = "batch"  # the name of the axis over devices under pmap and shard_map


def maxout(pieces: int) -> Callable[[jax.Array], jax.Array]:
    """The activation that keeps the largest of each ``pieces`` neighbours: ``[B, F] -> [B, F / pieces]``.

    A layer of maxout units is a layer of ``pieces`` times as many features before it.

    References:
        Goodfellow et al. 2013, arXiv 1302.4389, section 3.
    """

    def activation_fn(inputs: jax.Array) -> jax.Array:
        return inputs.reshape(*inputs.shape[:-1], -1, pieces).max(-1)

    return activation_fn


class Conv(nn.Module):
    """``nn.Conv`` with "SAME" padding and a square kernel: same parameters, same result.

    Attributes:
        groups: into so many runs the channels are divided, each of which sees itself alone; more
            than one with a stride of 1 only.
    """

    features: int
    kernel_size: int
    stride: int = 1
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()
    dtype: Any = None
    apply_fn: Callable = convolutions.conv
    groups: int = 1

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """``[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), features]``."""
        inputs = _group_size(self.groups, images.shape[-1], self.features)
        shape = (self.kernel_size, self.kernel_size, inputs, self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = (
            self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else None
        )
        images, kernel, bias = nn.dtypes.promote_dtype(images, kernel, bias, dtype=self.dtype)
        if self.groups > 1:
            images = convolutions.grouped_conv(images, kernel, self.groups)
        else:
            images = self.apply_fn(images, kernel, self.stride)
        return images if bias is None else images + bias[None, None, None]


def _group_size(groups: int, inputs: int, outputs: int) -> int:
    if groups < 1 or inputs % groups or outputs % groups:
        raise ValueError(
            f"groups must divide a convolution's channels, got {groups} groups for {inputs} channels "
            f"to {outputs}"
        )
    return inputs // groups


class ConvTranspose(Conv):
    """``nn.ConvTranspose`` with "SAME" padding: ``[B, H, W, C] -> [B, stride H, stride W, features]``.

    Attributes:
        size: of the output, at most ``(stride H, stride W)``, which it is if None: the first rows
            and columns are cut off.
    """

    size: tuple[int, int] | None = None
    apply_fn: Callable = convolutions.conv_transpose

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """``[B, H, W, C] -> [B, *size, features]``."""
        images = super().__call__(images)
        height, width = self.size or images.shape[1:3]
        return images[:, images.shape[1] - height :, images.shape[2] - width :]


class UpsampleConv(Conv):
    """Nearest-neighbour enlargement by ``stride``, then ``nn.Conv`` with "SAME" padding.

    References:
        Odena et al. 2016, Distill, doi 10.23915/distill.00003 (against the checkerboard of
        transposed convolutions).
    """

    apply_fn: Callable = convolutions.upsample_conv


class BatchNorm(nn.Module):
    """Batch normalisation over the global batch.

    Under ``jit`` on a mesh the batch is global by itself; under ``pmap`` or ``shard_map`` the
    statistics are averaged over the axis of devices. Running averages (momentum 0.9) serve
    ``train=False``.

    Attributes:
        dtype: of the computation.
        epsilon: added to the variance.
        affine: whether it learns a gain and a bias for each channel.

    References:
        Ioffe and Szegedy 2015, arXiv 1502.03167, algorithms 1 and 2.
    """

    dtype: Any = None
    epsilon: float = 1e-5
    affine: bool = True

    @nn.compact
    def __call__(self, inputs: jax.Array, *, train: bool) -> jax.Array:
        """``[B, ..., C] -> [B, ..., C]``."""
        return nn.BatchNorm(
            use_running_average=not train,
            momentum=0.9,
            axis_name=None if self.is_initializing() else _bound_axis(),
            dtype=self.dtype,
            epsilon=self.epsilon,
            use_scale=self.affine,
            use_bias=self.affine,
        )(inputs)


def _bound_axis() -> str | None:
    """The axis of devices, where this is traced within ``pmap`` or ``shard_map`` over one."""
    try:
        jax.lax.axis_size(DEVICE_AXIS)
    except NameError:
        return None
    return DEVICE_AXIS


def plain(layer: nn.Module) -> Callable[..., jax.Array]:
    """The layer as it is, as ``(inputs, *, train) -> outputs``."""
    return lambda inputs, *, train: layer(inputs)


def spectral(layer: nn.Module) -> Callable[..., jax.Array]:
    """The layer with its kernel divided by its largest singular value.

    One power iteration per call with ``train=True``; the vectors live in the player's variables.

    References:
        Miyato et al. 2018, arXiv 1802.05957, equation 8 and algorithm 1.
    """
    normalized = nn.SpectralNorm(layer)
    return lambda inputs, *, train: normalized(inputs, update_stats=train)


class Block(nn.Module):
    """Layer, normalisation, activation, dropout: the unit of both players.

    Attributes:
        layer: the module that does the linear work.
        constrain_fn: :func:`plain` or :func:`spectral`.
        norm_fn: ``(dtype=) -> module(inputs, train=)``, or None.
        activation_fn: elementwise, or None.
        dropout_rate: in ``[0, 1)``; 0 has no dropout.
        dtype: of the computation; the layer brings its own.
        remat: whether the inside is computed anew for the gradient, which saves its memory.
    """

    layer: nn.Module
    constrain_fn: Callable = plain
    norm_fn: Callable | None = None
    activation_fn: Callable | None = leaky_relu
    dropout_rate: float = 0.0
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(self, inputs: jax.Array, *, train: bool) -> jax.Array:
        """``[B, ...] -> [B, ...]``."""

        def inside(block, inputs):
            outputs = block.constrain_fn(block.layer)(inputs, train=train)
            if block.norm_fn is not None:
                norm = block.norm_fn(dtype=block.dtype)
                outputs = norm(outputs, train=train)
            if block.activation_fn is not None:
                outputs = block.activation_fn(outputs)
            if block.dropout_rate > 0.0:
                outputs = nn.Dropout(block.dropout_rate, deterministic=not train)(outputs)
            return outputs

        return (nn.remat(inside) if self.remat else inside)(self, inputs)


class Residual(nn.Module):
    """``activation(x + F(x))`` with F = layer, norm, activation, layer, norm.

    Attributes:
        layer_fn: ``features -> module``; it keeps the shape of its input.
        constrain_fn: as in :class:`Block`, and so are the others.

    References:
        He et al. 2016, arXiv 1512.03385, equation 1 and figure 2.
    """

    layer_fn: Callable[[int], nn.Module]
    constrain_fn: Callable = plain
    norm_fn: Callable | None = None
    activation_fn: Callable = leaky_relu
    dtype: Any = None
    remat: bool = False

    @nn.compact
    def __call__(self, inputs: jax.Array, *, train: bool) -> jax.Array:
        """``[B, ..., C] -> [B, ..., C]``."""
        hidden = inputs
        for activation_fn in (self.activation_fn, None):
            hidden = Block(
                self.layer_fn(inputs.shape[-1]),
                constrain_fn=self.constrain_fn,
                norm_fn=self.norm_fn,
                activation_fn=activation_fn,
                dtype=self.dtype,
                remat=self.remat,
            )(hidden, train=train)
        return self.activation_fn(inputs + hidden)


def times(residual_blocks: int) -> range:
    """To repeat a residual block; refuses a negative number."""
    if residual_blocks < 0:
        raise ValueError(f"residual_blocks must not be negative, got {residual_blocks}")
    return range(residual_blocks)
