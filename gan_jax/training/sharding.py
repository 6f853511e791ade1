"""Where arrays lie: meshes of devices, and how arrays of the host reach them, from one process or several."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from gan_jax.models.blocks import DEVICE_AXIS

PARAMETER_AXIS = "parameters"


def device_mesh(devices: list[Any] | None = None, parameter_shards: int = 1) -> Mesh:
    """The mesh ``(batch, parameters)``, the rows of each process side by side.

    Args:
        devices: all by default.
        parameter_shards: length of the second axis.

    Raises:
        ValueError: it does not divide the number of devices.
    """
    devices = sorted(devices or jax.devices(), key=lambda device: (device.process_index, device.id))
    if parameter_shards < 1 or len(devices) % parameter_shards:
        raise ValueError(
            f"parameter_shards={parameter_shards} must divide the number of devices, {len(devices)}"
        )
    grid = np.array(devices).reshape(-1, parameter_shards)
    return Mesh(grid, (DEVICE_AXIS, PARAMETER_AXIS))


def state_sharding(mesh: Mesh, leaf: Any) -> NamedSharding:
    """Matrices and kernels are cut along their longest axis that the mesh divides; the rest is whole."""
    shards, shape = mesh.shape[PARAMETER_AXIS], np.shape(leaf)
    fitting = [axis for axis, length in enumerate(shape) if length % shards == 0]
    if shards == 1 or len(shape) < 2 or not fitting:
        return NamedSharding(mesh, P())
    longest = max(fitting, key=lambda axis: shape[axis])
    return NamedSharding(mesh, P(*[None] * longest, PARAMETER_AXIS))


def shard_rows(mesh: Mesh) -> Callable[[Any], Any]:
    """The ``shard_fn`` of a step on this mesh: rows that are drawn within it are shared out over all devices."""
    by_rows = NamedSharding(mesh, P(mesh.axis_names))
    return lambda rows: jax.lax.with_sharding_constraint(rows, by_rows)


def put(tree: Any, sharding: NamedSharding) -> Any:
    """Arrays that every process has whole."""
    return jax.tree.map(lambda leaf: put_leaf(leaf, sharding), tree)


def put_leaf(leaf: Any, sharding: NamedSharding) -> jax.Array:
    """An array that every process has whole, or one that lies on all of them already."""
    global_already = isinstance(leaf, jax.Array) and not leaf.is_fully_addressable
    if sharding.is_fully_addressable or global_already:
        return jax.device_put(leaf, sharding)
    leaf = np.asarray(leaf)
    return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])


def put_rows(chunk: dict[str, np.ndarray], sharding: NamedSharding) -> Any:
    """A feed, of which each process brings the rows of its own devices."""
    mine = sum(d.process_index == jax.process_index() for d in sharding.mesh.devices.ravel())
    check_divisible(chunk, len(sharding.spec) - 1, mine)
    if sharding.is_fully_addressable:
        return jax.device_put(chunk, sharding)
    return jax.tree.map(partial(jax.make_array_from_process_local_data, sharding), chunk)


def on_this_process(tree: Any) -> Any:
    """Arrays that lie on several processes, whole on this one; all processes call it together."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, jax.Array)]
    if all(leaf.is_fully_addressable for leaf in leaves):
        return tree
    replicated = NamedSharding(device_mesh(), P())
    whole = jax.jit(lambda tree: tree, out_shardings=replicated)(tree)
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), whole)


def rows_over_devices(devices: list[jax.Device] | None = None) -> Callable[[Any], jax.Array]:
    """Host arrays to the devices, their rows shared out among as many as divide them evenly."""
    devices = devices or jax.local_devices()

    def put(rows: np.ndarray) -> jax.Array:
        num = max(count for count in range(1, len(devices) + 1) if len(rows) % count == 0)
        mesh = Mesh(np.array(devices[:num]), (DEVICE_AXIS,))
        return jax.device_put(rows, NamedSharding(mesh, P(DEVICE_AXIS)))

    return put


def check_divisible(chunk: Any, axis: int, num_devices: int) -> None:
    """Refuses a feed of which a leaf has rows, along an axis, that the devices do not divide."""
    for leaf in jax.tree.leaves(chunk):
        batch_size = leaf.shape[axis]
        if batch_size % num_devices:
            raise ValueError(
                f"batch_size {batch_size} must be a multiple of the {num_devices} devices, such as "
                f"{-(-batch_size // num_devices) * num_devices}"
            )
