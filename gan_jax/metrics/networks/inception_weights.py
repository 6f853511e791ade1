"""The published weights of the Inception network, from a file to the variables of the module."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax.metrics.networks.inception import SIZE, InceptionV3
from gan_jax.metrics.networks.torch_weights import read_weights

# What PyTorch calls a layer's arrays -> (collection, name, order of the axes) of Flax.
_CONV = {"weight": ("params", "kernel", (2, 3, 1, 0))}
_NORM = {
    "weight": ("params", "scale", (0,)),
    "bias": ("params", "bias", (0,)),
    "running_mean": ("batch_stats", "mean", (0,)),
    "running_var": ("batch_stats", "var", (0,)),
}
_DENSE = {"weight": ("params", "kernel", (1, 0))}
_UNUSED = ("num_batches_tracked", "fc.bias")


def inception_variables(file: Path) -> dict[str, Any]:
    """What ``InceptionV3().apply`` takes, from the weights of 2015-12-05 under PyTorch's names.

    Args:
        file: such as ``pt_inception-2015-12-05-6726825d.pth``; see
            :func:`gan_jax.metrics.networks.torch_weights.read_weights`.

    Raises:
        ValueError: the file holds other layers, or layers of other shapes.
    """
    found = {}
    for name, array in read_weights(file).items():
        if name.endswith(_UNUSED):
            continue
        *layers, last = name.split(".")
        kind = _DENSE if layers == ["fc"] else _NORM if layers[-1:] == ["bn"] else _CONV
        if last not in kind or array.ndim != len(kind[last][2]):
            raise ValueError(_unfit(file, f"it has {name} of shape {array.shape}"))
        collection, renamed, axes = kind[last]
        found[(collection, *layers, renamed)] = array.transpose(axes).astype(np.float32)
    expected = flatten_dict(_abstract_variables())
    if missing := sorted(set(expected) - set(found)):
        raise ValueError(_unfit(file, f"{len(missing)} arrays are missing, such as {missing[0]}"))
    if more := sorted(set(found) - set(expected)):
        raise ValueError(_unfit(file, f"it has {len(more)} more arrays, such as {more[0]}"))
    for path, leaf in expected.items():
        if found[path].shape != leaf.shape:
            raise ValueError(
                _unfit(file, f"{path} has shape {found[path].shape}, expected {leaf.shape}")
            )
    return unflatten_dict(jax.tree.map(jnp.asarray, found))


def _unfit(file: Path, what: str) -> str:
    return (
        f"{file} does not hold the Inception network of the Frechet inception distance: {what}; "
        "expected the weights of 2015-12-05 under PyTorch's names"
    )


def _abstract_variables() -> dict[str, Any]:
    images = jax.ShapeDtypeStruct((1, SIZE, SIZE, 3), jnp.float32)
    return jax.eval_shape(InceptionV3().init, jax.random.key(0), images)
