"""The players of this library in PyTorch, to be compared with: functions of Flax's parameters.

``p`` is a tree of tensors under the names that Flax gives its parameters, in PyTorch's own layout: images and kernels
channels last. Needs PyTorch (``pip install 'gan-jax[torch]'``).
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import torch
import torch.nn.functional as F

from gan_jax.models.dcgan import (
    DCGANDiscriminator,
    DCGANGenerator,
    growing_sizes,
    strides_of,
)
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.models.upsampling import UpsamplingGenerator

Tensors = Any  # a tree of tensors


def tensors_of(params: Any) -> Tensors:
    """A network's parameters as leaves of PyTorch."""
    return jax.tree_util.tree_map_with_path(_tensor_of, params)


def arrays_of(tensors: Tensors) -> Any:
    """The way back, of parameters or of their gradients."""
    return jax.tree_util.tree_map_with_path(_array_of, tensors)


def images_of(real: np.ndarray) -> torch.Tensor:
    """Images ``[B, H, W, C]`` in PyTorch's order of axes, channels last in memory; vectors as they are."""
    if real.ndim != 4:
        return torch.tensor(real)
    moved = torch.tensor(np.moveaxis(real, -1, 1))
    return moved.contiguous(memory_format=torch.channels_last)


def twin_of(module: Any) -> Callable[[Tensors, torch.Tensor], torch.Tensor]:
    """The function ``(p, inputs) -> outputs`` in PyTorch that equals a module in training, but for dropout's draws.

    Images are NCHW, channels last in memory.

    Args:
        module: a DCGAN player, an MLP, or an upsampling generator, without labels or residual blocks.

    Raises:
        ValueError: there is no twin.
    """
    twins = {
        DCGANGenerator: dcgan_generator,
        DCGANDiscriminator: dcgan_discriminator,
        UpsamplingGenerator: upsampling_generator,
        MLPGenerator: mlp_generator,
        MLPDiscriminator: mlp_discriminator,
    }
    if type(module) not in twins or module.residual_blocks or module.num_classes:
        raise ValueError(
            f"{type(module).__name__} has no twin in PyTorch: expected one of "
            f"{', '.join(each.__name__ for each in twins)}, without labels and residual blocks"
        )
    return lambda p, inputs: twins[type(module)](module, p, inputs)


def dense(p: Tensors, x: torch.Tensor) -> torch.Tensor:
    """A dense layer."""
    return F.linear(x, p["kernel"], p.get("bias"))


def same_conv(p: Tensors, x: torch.Tensor, stride: int) -> torch.Tensor:
    """A convolution with "SAME" padding."""
    size, taps = x.shape[2], p["kernel"].shape[2]
    total = max((-(-size // stride) - 1) * stride + taps - size, 0)
    before, after = total // 2, total - total // 2
    if before == after:
        return F.conv2d(x, p["kernel"], p.get("bias"), stride, padding=before)
    return F.conv2d(F.pad(x, (before, after) * 2), p["kernel"], p.get("bias"), stride)


def same_conv_transpose(p: Tensors, x: torch.Tensor, stride: int) -> torch.Tensor:
    """A transposed convolution with "SAME" padding, as Flax places it."""
    taps, size = p["kernel"].shape[2], x.shape[2] * stride
    before = taps - 1 if stride > taps - 1 else -(-(taps + stride - 2) // 2)
    x = F.conv_transpose2d(x, p["kernel"], p.get("bias"), stride, padding=taps - 1 - before)
    return x[:, :, :size, :size]


def block(module: Any, p: Tensors, name: str, x: torch.Tensor, norm_fn: Any) -> torch.Tensor:
    """Batch norm in training where there is one, leaky ReLU, dropout where there is some."""
    if norm_fn is not None:
        own = p[name]["BatchNorm_0"]["BatchNorm_0"]
        x = F.batch_norm(x, None, None, own["scale"], own["bias"], training=True, eps=1e-5)
    x = F.leaky_relu(x, module.activation_fn.keywords["negative_slope"])
    rate = getattr(module, "dropout_rate", 0.0)
    return F.dropout(x, rate) if rate else x


def from_rows(x: torch.Tensor, channels: int) -> torch.Tensor:
    """Flax's rows are places first, channels last; so is PyTorch's memory here."""
    side = int((x.shape[1] // channels) ** 0.5)
    return x.reshape(-1, side, side, channels).permute(0, 3, 1, 2)


def dcgan_generator(module: DCGANGenerator, p: Tensors, z: torch.Tensor) -> torch.Tensor:
    """Latents to images."""
    strides = strides_of(module.widths, module.strides)
    _, *sizes = growing_sizes(module.image_shape[:2], strides)
    norms = [module.projection_norm_fn] + [module.norm_fn] * (len(strides) - 1)
    x = dense(p["Dense_0"], z)
    for index, (stride, norm_fn, size) in enumerate(zip(strides, norms, sizes, strict=True)):
        x = block(module, p, f"Block_{index}", x, norm_fn)
        x = x if index else from_rows(x, module.widths[0])
        x = same_conv_transpose(p[f"ConvTranspose_{index}"], x, stride)
        x = x[:, :, x.shape[2] - size[0] :, x.shape[3] - size[1] :]
    return torch.tanh(x)


def dcgan_discriminator(module: DCGANDiscriminator, p: Tensors, x: torch.Tensor) -> torch.Tensor:
    """Images to logits."""
    for index, stride in enumerate(strides_of(module.widths, module.strides)):
        x = same_conv(p[f"Conv_{index}"], x, stride)
        x = block(module, p, f"Block_{index}", x, module.norm_fn if index else None)
    return dense(p["Head_0"]["Dense_0"], x.permute(0, 2, 3, 1).flatten(1))[:, 0]


def upsampling_generator(module: UpsamplingGenerator, p: Tensors, z: torch.Tensor) -> torch.Tensor:
    """Latents to images."""
    x, layers = z, len(module.dense_widths) + 1
    for index in range(layers):
        x = block(module, p, f"Block_{index}", dense(p[f"Dense_{index}"], x), module.norm_fn)
    x = from_rows(x, module.start_channels)
    for index in range(len(module.widths)):
        x = same_conv(p[f"UpsampleConv_{index}"], F.interpolate(x, scale_factor=2), 1)
        x = block(module, p, f"Block_{layers + index}", x, module.norm_fn)
    return torch.tanh(same_conv(p["Conv_0"], x, 1))


def mlp_generator(module: MLPGenerator, p: Tensors, z: torch.Tensor) -> torch.Tensor:
    """Latents to vectors, or to images."""
    x, last = z, len(module.widths)
    for index in range(last):
        x = block(module, p, f"Block_{index}", dense(p[f"Dense_{index}"], x), module.norm_fn)
    x = dense(p[f"Dense_{last}"], x)
    if len(module.sample_shape) == 3:
        height, width, channels = module.sample_shape
        x = x.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
    return x if module.output_fn is None else torch.tanh(x)


def mlp_discriminator(module: MLPDiscriminator, p: Tensors, x: torch.Tensor) -> torch.Tensor:
    """Vectors or images to logits."""
    x = x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x
    for index in range(len(module.widths)):
        x = block(module, p, f"Block_{index}", dense(p[f"Dense_{index}"], x), module.norm_fn)
    return dense(p["Head_0"]["Dense_0"], x)[:, 0]


def _tensor_of(path: Any, array: Any) -> torch.Tensor:
    name, value = path[-2].key, torch.tensor(np.asarray(array))
    if path[-1].key != "kernel":
        return value.requires_grad_()
    if value.ndim == 2:
        return value.T.contiguous().requires_grad_()
    if name.startswith("ConvTranspose"):  # Flax does not turn its kernel
        value = value.flip(0, 1).permute(2, 3, 0, 1)
    else:
        value = value.permute(3, 2, 0, 1)
    return value.contiguous(memory_format=torch.channels_last).requires_grad_()


def _array_of(path: Any, tensor: torch.Tensor) -> np.ndarray:
    name, value = path[-2].key, tensor.detach()
    if path[-1].key != "kernel":
        return value.numpy()
    if value.ndim == 2:
        return value.T.numpy()
    if name.startswith("ConvTranspose"):
        return value.permute(2, 3, 0, 1).flip(0, 1).numpy()
    return value.permute(2, 3, 1, 0).numpy()
