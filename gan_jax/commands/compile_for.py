"""Compiles an experiment for a TPU slice that is not there: ``python -m gan_jax compile_for FILE --topology v5e:4x4``."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import jax
import tyro

from gan_jax.commands.ahead_of_time import CHIPS, Chip, Compiled, compile_step, slice_devices
from gan_jax.commands.command import as_command
from gan_jax.training.experiment import built_by, load_experiment_function
from gan_jax.training.options import joined


def compile_for(
    experiment: Annotated[Path, tyro.conf.Positional],
    *,
    topology: str,
    micro_batches: int = 1,
    parameter_shards: int = 1,
) -> None:
    """Compiles the training step of an experiment for a TPU slice, and says what each chip would do.

    The experiment's own arguments are options too: ``compile_for FILE --help`` lists them. Its
    ``--batch-size`` is that of the whole slice.

    Args:
        experiment: its Python file.
        topology: the slice, such as v5e:4x4, v5e:16x16, v5p:2x2x4 or v6e:4x4.
        micro_batches: parts in which gradients are computed.
        parameter_shards: over how many chips each network is cut.
    """
    _compile_for(experiment, {}, topology, micro_batches, parameter_shards)


def with_arguments(args: Sequence[str]) -> Callable[..., None]:
    """The command for the experiment that is named on its command line, with that one's arguments as options.

    Args:
        args: of the command line.
    """
    file = next((Path(arg) for arg in args if arg.endswith(".py")), None)
    if file is None or not file.is_file():
        return as_command(compile_for)
    function = load_experiment_function(file)
    own = inspect.signature(compile_for).parameters
    parser = joined(compile_for, function)

    def called(**options: Any) -> None:
        arguments = {name: value for name, value in options.items() if name not in own}
        given = [options[name] for name in own if name != "experiment"]
        _compile_for(file, arguments, *given)

    called.__signature__ = inspect.signature(parser)
    called.__annotations__, called.__doc__ = parser.__annotations__, parser.__doc__
    return as_command(called)


def _compile_for(
    file: Path,
    arguments: dict[str, Any],
    topology: str,
    micro_batches: int,
    parameter_shards: int,
) -> None:
    jax.config.update("jax_platforms", "cpu")
    built = built_by(load_experiment_function(file), arguments)
    game = dataclasses.replace(built.game, micro_batches=micro_batches)
    built = dataclasses.replace(built, game=game)
    found = compile_step(built, slice_devices(topology), parameter_shards=parameter_shards)
    print(f"{file.name} on {topology}, {found.num_chips} chips, batch {built.batch_size}")
    print(_report(found, CHIPS[topology.split(":")[0]], built.rows))
    if micro_batches > 1:
        print(
            f"note      work, traffic and roofline count one of the {micro_batches} micro-batches"
        )


def _report(found: Compiled, chip: Chip, batch_size: int) -> str:
    seconds = found.seconds(chip)
    lines = [
        f"memory    {found.memory / 1e9:.3g} GB a chip of {chip.memory / 1e9:.3g}",
        f"work      {found.flops / 1e9:.4g} GFLOP and {found.bytes_accessed / 1e9:.4g} GB of memory traffic a chip",
        f"roofline  {1e3 * seconds:.3g} ms a step, {batch_size / seconds:,.0f} examples/s: no step is faster",
    ]
    lines += [
        f"{kind:<18}  {count} of {size / 1e6:.3g} MB in all"
        for kind, (count, size) in found.collectives.items()
    ]
    return "\n".join(lines)
