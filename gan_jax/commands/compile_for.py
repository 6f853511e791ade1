"""Compiles an experiment for a TPU slice that is not there: ``python -m gan_jax compile_for FILE --topology v5e:4x4``."""

import dataclasses
from pathlib import Path
from typing import Annotated

import jax
import tyro

from gan_jax.commands.ahead_of_time import CHIPS, Chip, Compiled, compile_step, slice_devices
from gan_jax.training.command_line import exit_with_message
from gan_jax.training.experiment import Experiment, load_experiment_function


def compile_for(
    experiment: Annotated[Path, tyro.conf.Positional],
    /,
    *,
    topology: str,
    batch_size: int | None = None,
    micro_batches: int = 1,
    parameter_shards: int = 1,
    debug: bool = False,
) -> None:
    """Compiles the training step of an experiment for a TPU slice, and says what each chip would do.

    Args:
        experiment: its Python file; with its defaults.
        topology: the slice, such as v5e:4x4, v5e:16x16, v5p:2x2x4 or v6e:4x4.
        batch_size: of the whole slice; the experiment's own without it.
        micro_batches: parts in which gradients are computed.
        parameter_shards: over how many chips each network is cut.
        debug: show the traceback of an error.
    """

    def call():
        built = load_experiment_function(experiment)()
        game = dataclasses.replace(built.game, micro_batches=micro_batches)
        size = batch_size or built.batch_size
        _compile_for(
            experiment.name,
            dataclasses.replace(built, game=game, batch_size=size),
            topology,
            parameter_shards,
        )

    jax.config.update("jax_platforms", "cpu")
    exit_with_message(call, debug=debug)


def _compile_for(name: str, built: Experiment, topology: str, parameter_shards: int) -> None:
    found = compile_step(built, slice_devices(topology), parameter_shards=parameter_shards)
    print(f"{name} on {topology}, {found.num_chips} chips, batch {built.batch_size}")
    print(_report(found, CHIPS[topology.split(":")[0]], built.batch_size))
    if (parts := built.game.micro_batches) > 1:
        print(f"note      work, traffic and roofline count one of the {parts} micro-batches")


def _report(found: Compiled, chip: Chip, batch_size: int) -> str:
    seconds = found.seconds(chip)
    lines = [
        f"memory    {found.memory / 1e9:.3g} GB a chip of {chip.memory / 1e9:.3g}",
        f"work      {found.flops / 1e9:.4g} GFLOP and {found.bytes_accessed / 1e9:.4g} GB of memory traffic a chip",
        f"roofline  {1e3 * seconds:.3g} ms a step, {batch_size / seconds:,.0f} images/s: no step is faster",
    ]
    lines += [
        f"{kind:<18}  {count} of {size / 1e6:.3g} MB in all"
        for kind, (count, size) in found.collectives.items()
    ]
    return "\n".join(lines)
