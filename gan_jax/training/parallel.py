"""Where the step runs: the only file that knows devices.

An :class:`Arrangement` puts the same pure step on one device or on several. It runs ``count`` steps
in one call, which saves the host's work between steps: the leading axis of a feed.

- :func:`jit_arrangement`: one device, or a mesh over which the batch is sharded (the default).
- :func:`pmap_arrangement`: one program per device with collectives.
- :func:`seeds_arrangement`: independent runs side by side on one device, by ``vmap``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from gan_jax.data.batches import Feed
from gan_jax.game import Game, GANState, make_train_step
from gan_jax.game.loops import scan
from gan_jax.game.step import Metrics, TrainStep

AXIS = "batch"
MakeStep = Callable[..., TrainStep]  # (game, axis_name=None, *, shard_fn=) -> step


class Arrangement(NamedTuple):
    """How a run's arrays lie on devices, and the function that trains on them.

    Attributes:
        put_state: a :class:`GANState` from the host or one device, for ``train``; donated by it.
        get_state: the state as one logical array per leaf, for checkpoints and sampling.
        train: ``(state, feed, key) -> (state, metrics)`` with a feed ``[count, rounds, B, ...]`` of
            host arrays, the run's root key and metrics ``[count]``; compiled once per count. With
            several seeds all of them have a leading axis.
    """

    put_state: Callable[[GANState], GANState]
    get_state: Callable[[GANState], GANState]
    train: Callable[[GANState, dict[str, np.ndarray], jax.Array], tuple[GANState, Metrics]]


def jit_arrangement(
    game: Game,
    feed: Feed,
    devices: list[jax.Device] | None = None,
    *,
    make_step: MakeStep = make_train_step,
) -> Arrangement:
    """``jit`` over a mesh of the devices: parameters replicated, the batch sharded.

    Args:
        game: the game.
        feed: how batches reach the devices.
        devices: all of them by default; their number divides the batch.
        make_step: the kind of play.
    """
    mesh = Mesh(np.array(devices or jax.devices()), (AXIS,))
    replicated, by_rows = NamedSharding(mesh, P()), NamedSharding(mesh, P(None, None, AXIS))

    def shard_rows(rows):
        return jax.lax.with_sharding_constraint(rows, NamedSharding(mesh, P(AXIS)))

    step = make_step(game, shard_fn=shard_rows)
    run = jax.jit(_run_steps(step, feed.load_fn), donate_argnums=0)
    resident = jax.device_put(feed.resident, replicated)

    def train(state, chunk, key):
        _check_divisible(chunk, mesh.size)
        return _settle(run(state, resident, jax.device_put(chunk, by_rows), key), mesh.size)

    put_state = partial(jax.device_put, device=replicated)
    return Arrangement(put_state, lambda state: state, train)


def rows_over_devices(devices: list[jax.Device] | None = None) -> Callable[[Any], jax.Array]:
    """Host arrays to the devices, their rows shared out among as many as divide them evenly."""
    devices = devices or jax.devices()

    def put(rows: np.ndarray) -> jax.Array:
        num = max(count for count in range(1, len(devices) + 1) if len(rows) % count == 0)
        mesh = Mesh(np.array(devices[:num]), (AXIS,))
        return jax.device_put(rows, NamedSharding(mesh, P(AXIS)))

    return put


def pmap_arrangement(
    game: Game,
    feed: Feed,
    devices: list[jax.Device] | None = None,
    *,
    make_step: MakeStep = make_train_step,
) -> Arrangement:
    """``pmap``: the state once per device, the batch in equal parts.

    Latents are those of one device; dropout, augmentation and penalty points are drawn per device.

    Args:
        game: the game.
        feed: how batches reach the devices.
        devices: all of them by default; their number divides the batch.
        make_step: the kind of play.
    """
    devices = devices or jax.devices()
    by_device = NamedSharding(Mesh(np.array(devices), (AXIS,)), P(AXIS))
    run = jax.pmap(
        _run_steps(make_step(game, AXIS), feed.load_fn),
        axis_name=AXIS,
        in_axes=(0, 0, 2, None),
        devices=devices,
        donate_argnums=0,
    )

    def replicate(tree):
        stacked = jax.tree.map(lambda leaf: jnp.stack([leaf] * len(devices)), tree)
        return jax.device_put(stacked, by_device)

    resident = replicate(feed.resident)

    def split_rows(leaf):
        parts = (len(devices), leaf.shape[2] // len(devices))
        return leaf.reshape(*leaf.shape[:2], *parts, *leaf.shape[3:])

    def train(state, chunk, key):
        _check_divisible(chunk, len(devices))
        results = run(state, resident, jax.tree.map(split_rows, chunk), key)
        state, metrics = _settle(results, len(devices))
        return state, jax.tree.map(lambda leaf: leaf[0], metrics)

    return Arrangement(replicate, partial(jax.tree.map, lambda leaf: leaf[0]), train)


def seeds_arrangement(
    game: Game,
    feed: Feed,
    devices: list[jax.Device] | None = None,
    *,
    make_step: MakeStep = make_train_step,
) -> Arrangement:
    """``vmap`` over seeds: state, feed and key have a leading axis, the data lies there once.

    Args:
        game: the game.
        feed: of all seeds, :func:`gan_jax.data.batches.side_by_side`.
        devices: the first is used; the first of all by default.
        make_step: the kind of play.
    """
    device = (devices or jax.devices())[0]
    one_seed = _run_steps(make_step(game), feed.load_fn)
    run = jax.jit(jax.vmap(one_seed, in_axes=(0, None, 0, 0)), donate_argnums=0)
    resident = jax.device_put(feed.resident, device)

    def train(state, chunk, key):
        return run(state, resident, jax.device_put(chunk, device), key)

    return Arrangement(partial(jax.device_put, device=device), lambda state: state, train)


def _run_steps(train_step: TrainStep, load_fn: Callable[[Any, Any], Any]) -> Callable:
    """``(state, resident, feed, root key) -> (state, metrics [count])``, ``count`` steps."""

    def run(state, resident, feed, key):
        step_key, data_key = jax.random.fold_in(key, 1), jax.random.fold_in(key, 3)

        def one_step(state, feed):
            return train_step(state, load_fn(resident, feed, data_key), step_key)

        return scan(one_step, state, feed)

    return run


def _settle(results: Any, num_devices: int) -> Any:
    """Waits for fake devices: on a CPU, collectives of two calls in flight can deadlock."""
    if num_devices > 1 and jax.default_backend() == "cpu":
        jax.block_until_ready(results)
    return results


def _check_divisible(chunk: dict[str, np.ndarray], num_devices: int) -> None:
    batch_size = jax.tree.leaves(chunk)[0].shape[2]
    if batch_size % num_devices:
        raise ValueError(
            f"batch_size {batch_size} must be a multiple of the {num_devices} devices, such as "
            f"{-(-batch_size // num_devices) * num_devices}"
        )
