"""Ahead-of-time compilation of the training step for devices that are not attached: memory, FLOPs, collectives.

JAX compiles ahead of time for a described TPU slice on any machine where ``libtpu`` is installed:
the program of each chip, its memory, its work and its collectives, without a chip.
"""

import math
import os
import re
from collections import Counter
from functools import partial
from typing import Any, NamedTuple

import jax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from gan_jax.game import from_latents, make_train_step
from gan_jax.game.initial import shapes_of_samples
from gan_jax.game.scan import traced_for
from gan_jax.training.experiment import Experiment, feed_of
from gan_jax.training.first_batch import batch_shapes
from gan_jax.training.restore import abstract_state
from gan_jax.training.sharding import device_mesh, shard_rows, state_sharding


class Chip(NamedTuple):
    """One chip, as its maker describes it.

    Attributes:
        memory: bytes.
        flops: per second, of bfloat16 products.
        bandwidth: bytes of memory per second.
    """

    memory: float
    flops: float
    bandwidth: float


# cloud.google.com/tpu/docs: the pages of the versions
CHIPS = {
    "v4": Chip(32e9, 275e12, 1228e9),
    "v5e": Chip(16e9, 197e12, 819e9),
    "v5p": Chip(95e9, 459e12, 2765e9),
    "v6e": Chip(32e9, 918e12, 1640e9),
}
_COLLECTIVES = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
_WIDTHS = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s32": 4, "u32": 4, "f32": 4, "f64": 8}


class Compiled(NamedTuple):
    """What one chip does in one step.

    Attributes:
        num_chips: of the slice.
        memory: bytes that the program holds at once: arguments, results and temporaries.
        flops: floating point operations.
        bytes_accessed: of memory, read and written.
        collectives: kind -> (how many, bytes of their results).
    """

    num_chips: int
    memory: int
    flops: float
    bytes_accessed: float
    collectives: dict[str, tuple[int, int]]

    def seconds(self, chip: Chip) -> float:
        """The roofline: no step is faster than its work and its memory allow."""
        return max(self.flops / chip.flops, self.bytes_accessed / chip.bandwidth)


def slice_devices(topology: str) -> list[Any]:
    """The devices of a slice such as ``v5e:4x4``.

    Raises:
        ImportError: there is no TPU compiler.
        ValueError: there is no such slice.
    """
    from jax.experimental import topologies

    version = topology.split(":")[0]
    if version not in CHIPS:
        raise ValueError(
            f"--topology is VERSION:SHAPE with a version of {', '.join(CHIPS)}, such as v5e:4x4, got {topology!r}"
        )
    os.environ.setdefault(
        "TPU_SKIP_MDS_QUERY", "1"
    )  # this is no TPU machine: do not ask for its data
    os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
    os.environ.setdefault(
        "ALLOW_MULTIPLE_LIBTPU_LOAD", "1"
    )  # no chip is taken: others may compile too
    os.environ.setdefault("TPU_ACCELERATOR_TYPE", "v5litepod-16")  # any: the slice is named below
    try:
        import libtpu  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "no TPU compiler on this machine: pip install 'gan-jax[tpu-test]' (any x86 machine will do)"
        ) from error
    try:
        described = topologies.get_topology_desc(platform="tpu", topology_name=topology)
    except Exception as error:  # the compiler's own kinds
        raise ValueError(f"no slice {topology!r}: {str(error).splitlines()[0]}") from error
    return list(described.devices)


def compile_step(
    experiment: Experiment, devices: list[Any], *, parameter_shards: int = 1
) -> Compiled:
    """Compiles the training step for a mesh of devices, as ``jit_arrangement`` lays it out.

    Args:
        experiment: its ``batch_size`` is that of the whole slice.
        devices: of a described slice, or real ones.
        parameter_shards: over how many devices each network is cut.

    Raises:
        ValueError: the devices do not divide the batch.
    """
    game = experiment.game
    if experiment.rows % len(devices):
        raise ValueError(
            f"batch_size {experiment.rows} must be a multiple of the {len(devices)} chips, such as "
            f"{math.ceil(experiment.rows / len(devices)) * len(devices)}"
        )
    mesh = device_mesh(devices, parameter_shards)
    whole, rows = NamedSharding(mesh, P()), NamedSharding(mesh, P(None, mesh.axis_names))

    def place(sharding, leaf):
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    key = jax.eval_shape(lambda: jax.random.key(0))
    shapes = _batch(experiment)
    state = abstract_state(experiment, shapes)
    state = jax.tree.map(lambda leaf: place(state_sharding(mesh, leaf), leaf), state)
    step = make_train_step(game, experiment.play, shard_fn=shard_rows(mesh))
    out_shardings = (jax.tree.map(lambda leaf: leaf.sharding, state), whole)
    batch = jax.tree.map(partial(place, rows), shapes)
    run = jax.jit(step, donate_argnums=0, out_shardings=out_shardings)
    with traced_for(devices[0].platform):
        compiled = run.lower(state, batch, place(whole, key)).compile()
    memory, cost = compiled.memory_analysis(), compiled.cost_analysis()
    return Compiled(
        num_chips=len(devices),
        memory=memory.argument_size_in_bytes
        + memory.output_size_in_bytes
        + memory.temp_size_in_bytes
        - memory.alias_size_in_bytes,
        flops=float(cost["flops"]),
        bytes_accessed=float(cost["bytes accessed"]),
        collectives=collectives(compiled.as_text()),
    )


def _batch(experiment: Experiment) -> Any:
    """The shapes of a batch: in the default game without labels those of what the generator draws, else the data's."""
    game = experiment.game
    if game.show_fn is from_latents and not getattr(game.generator, "num_classes", None):
        return shapes_of_samples(game, experiment.rows)
    return batch_shapes(experiment, feed_of(experiment))


def collectives(program: str) -> dict[str, tuple[int, int]]:
    """Kind -> (how many, bytes of their results) in a compiled program's text."""
    counts, sizes = Counter(), Counter()
    kinds = "|".join(_COLLECTIVES)
    for results, kind in re.findall(rf"= (.*?) ({kinds})(?:-start)?\(", program):
        counts[kind] += 1
        sizes[kind] += sum(
            _WIDTHS.get(dtype, 4) * math.prod(map(int, filter(None, shape.split(","))))
            for dtype, shape in re.findall(r"(\w+)\[([\d,]*)\]", results)
        )
    return {kind: (counts[kind], sizes[kind]) for kind in _COLLECTIVES if counts[kind]}
