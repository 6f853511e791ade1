"""How the step runs on devices; :mod:`gan_jax.training.sharding` says where arrays lie.

An :class:`Arrangement` puts the same pure step on one device or on several. It runs ``count`` steps
in one call, which saves the host's work between steps: the leading axis of a feed. Several seeds
run side by side by ``vmap``, in each arrangement alike.

- :func:`jit_arrangement`: one device, or a mesh over which the batch is sharded (the default); the
  parameters are on every device, or sharded over a second axis of the mesh.
- :func:`shard_map_arrangement`, :func:`pmap_arrangement`: one program per device with collectives.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, Sharding, SingleDeviceSharding
from jax.sharding import PartitionSpec as P

from gan_jax.data.batches import Feed
from gan_jax.game import Game, GANState, alternating, make_train_step
from gan_jax.game.keys import run_keys
from gan_jax.game.objective import Metrics
from gan_jax.game.scan import scan
from gan_jax.game.step import TrainStep
from gan_jax.game.update import Play
from gan_jax.models.blocks import DEVICE_AXIS
from gan_jax.training.sharding import (
    check_divisible,
    device_mesh,
    put,
    put_leaf,
    put_rows,
    shard_rows,
    state_sharding,
)


class Arrangement(NamedTuple):
    """How a run's arrays lie on devices, and the function that trains on them.

    Attributes:
        place_fn: an array of the state (or its shape) -> the sharding with which ``put_state``
            takes it.
        put_state: a :class:`GANState` from the host or one device, for ``train``; donated by it.
        get_state: the state as one logical array per leaf, for checkpoints and sampling.
        train: ``(state, feed, key) -> (state, metrics)`` with a feed ``[count, rounds, B, ...]`` of
            host arrays (of several processes, each with its rows), the run's root key and metrics
            ``[count]``; compiled once per count. With several seeds all of them have a leading
            axis.
    """

    place_fn: Callable[[Any], Sharding]
    put_state: Callable[[GANState], GANState]
    get_state: Callable[[GANState], GANState]
    train: Callable[[GANState, dict[str, np.ndarray], jax.Array], tuple[GANState, Metrics]]


def jit_arrangement(
    game: Game,
    feed: Feed,
    devices: list[jax.Device] | None = None,
    *,
    play: Play = alternating,
    num_seeds: int = 1,
    parameter_shards: int = 1,
) -> Arrangement:
    """``jit`` over a mesh of the devices: the batch sharded, the state replicated or sharded too.

    Args:
        game: the game.
        feed: how batches reach the devices.
        devices: all of them by default; their number divides the batch.
        play: the kind of play.
        num_seeds: runs side by side, of which everything has a leading axis.
        parameter_shards: of the networks and their optimisers, for those that are too large for one
            device; divides the number of devices. They are gathered where a layer needs them.

    Raises:
        ValueError: the devices do not form such a mesh.
    """
    mesh = device_mesh(devices, parameter_shards)
    by_rows = NamedSharding(mesh, _rows_spec(num_seeds, mesh.axis_names))
    place_fn = partial(state_sharding, mesh)

    steps = _run_steps(
        make_train_step(game, play, shard_fn=shard_rows(mesh)), feed.load_fn, num_seeds
    )

    def run(state, resident, chunk, key):
        state, metrics = steps(state, resident, chunk, key)
        kept = jax.lax.with_sharding_constraint(state, jax.tree.map(place_fn, state))
        return kept, jax.lax.with_sharding_constraint(metrics, NamedSharding(mesh, P()))

    run = jax.jit(run, donate_argnums=0)
    resident = put(feed.resident, NamedSharding(mesh, P()))

    def train(state, chunk, key):
        return _settle(run(state, resident, put_rows(chunk, by_rows), key), mesh.size)

    def put_state(state):
        return jax.tree.map(lambda leaf: put_leaf(leaf, place_fn(leaf)), state)

    return Arrangement(place_fn, put_state, lambda state: state, train)


def shard_map_arrangement(
    game: Game,
    feed: Feed,
    devices: list[jax.Device] | None = None,
    *,
    play: Play = alternating,
    num_seeds: int = 1,
) -> Arrangement:
    """``shard_map``: one program per device, the state on each, the batch in equal parts.

    Latents are those of one device; dropout, augmentation and the draws of terms are per device.

    Args:
        game: the game.
        feed: how batches reach the devices.
        devices: all of them by default; their number divides the batch.
        play: the kind of play.
        num_seeds: runs side by side, of which everything has a leading axis.
    """
    mesh = Mesh(device_mesh(devices).devices[:, 0], (DEVICE_AXIS,))
    whole, by_rows = P(), _rows_spec(num_seeds, DEVICE_AXIS)
    run = jax.jit(
        jax.shard_map(
            _run_steps(make_train_step(game, play, DEVICE_AXIS), feed.load_fn, num_seeds),
            mesh=mesh,
            in_specs=(whole, whole, by_rows, whole),
            out_specs=(whole, whole),
            check_vma=False,  # checked, it would sum the gradients itself: the step takes their mean
        ),
        donate_argnums=0,
    )
    replicated = NamedSharding(mesh, whole)
    resident = put(feed.resident, replicated)

    def train(state, chunk, key):
        chunk = put_rows(chunk, NamedSharding(mesh, by_rows))
        return _settle(run(state, resident, chunk, key), mesh.size)

    return Arrangement(
        lambda leaf: replicated, lambda state: put(state, replicated), lambda state: state, train
    )


def pmap_arrangement(
    game: Game,
    feed: Feed,
    devices: list[jax.Device] | None = None,
    *,
    play: Play = alternating,
    num_seeds: int = 1,
) -> Arrangement:
    """``pmap``: the state once per device, the batch in equal parts; in one process.

    Randomness as in :func:`shard_map_arrangement`.

    Args:
        game: the game.
        feed: how batches reach the devices.
        devices: all of them by default; their number divides the batch.
        play: the kind of play.
        num_seeds: runs side by side, of which everything has a leading axis.

    Raises:
        ValueError: there are several processes.
    """
    if jax.process_count() > 1:
        raise ValueError("pmap runs in one process: take --parallel jit or shard_map on several")
    devices = devices or jax.devices()
    by_device = NamedSharding(Mesh(np.array(devices), (DEVICE_AXIS,)), P(DEVICE_AXIS))
    rows_axis = _rows_axis(num_seeds)
    run = jax.pmap(
        _run_steps(make_train_step(game, play, DEVICE_AXIS), feed.load_fn, num_seeds),
        axis_name=DEVICE_AXIS,
        in_axes=(0, 0, rows_axis, None),
        devices=devices,
        donate_argnums=0,
    )

    def replicate(tree):
        stacked = jax.tree.map(lambda leaf: jnp.stack([leaf] * len(devices)), tree)
        return jax.device_put(stacked, by_device)

    resident = replicate(feed.resident)

    def split_rows(leaf):
        before, after = leaf.shape[:rows_axis], leaf.shape[rows_axis + 1 :]
        return leaf.reshape(*before, len(devices), leaf.shape[rows_axis] // len(devices), *after)

    def train(state, chunk, key):
        check_divisible(chunk, rows_axis, len(devices))
        results = run(state, resident, jax.tree.map(split_rows, chunk), key)
        state, metrics = _settle(results, len(devices))
        return state, jax.tree.map(lambda leaf: leaf[0], metrics)

    first = SingleDeviceSharding(devices[0])
    get_state = partial(jax.tree.map, lambda leaf: leaf[0])
    return Arrangement(lambda leaf: first, replicate, get_state, train)


def _run_steps(
    train_step: TrainStep, load_fn: Callable[[Any, Any], Any], num_seeds: int
) -> Callable:
    """``(state, resident, feed, root key) -> (state, metrics [count])``, ``count`` steps."""

    def run(state, resident, feed, key):
        keys = run_keys(key)

        def one_step(state, feed):
            return train_step(state, load_fn(resident, feed, keys.data), keys.step)

        return scan(one_step, state, feed)

    return run if num_seeds == 1 else jax.vmap(run, in_axes=(0, None, 0, 0))


def _rows_axis(num_seeds: int) -> int:
    """Which axis of a feed is the batch."""
    return 2 if num_seeds == 1 else 3


def _rows_spec(num_seeds: int, names: str | tuple[str, ...]) -> P:
    return P(*[None] * _rows_axis(num_seeds), names)


def _settle(results: Any, num_devices: int) -> Any:
    """Waits for fake devices: on a CPU, collectives of two calls in flight can deadlock."""
    if num_devices > 1 and jax.default_backend() == "cpu":
        jax.block_until_ready(results)
    return results
