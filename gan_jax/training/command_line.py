"""The command line of an experiment, made by tyro from the signature of its function."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import tyro

from gan_jax.training.alone import check_alone
from gan_jax.training.experiment import INTERVALS, Experiment, built_by
from gan_jax.training.messages import exit_with_message, say
from gan_jax.training.numbers import check_numbers
from gan_jax.training.options import joined, run_options
from gan_jax.training.processes import TOGETHER, join
from gan_jax.training.progress import Progress
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.runner import run

# The run's options that stand for fields of the experiment, where they are given.
_FIELDS = (
    "steps_per_call",
    *(f"{what}_every_steps" for what in INTERVALS),
    "keep_every_steps",
    "num_seeds",
    "best_metric",
    "patience",
)


def main(experiment: Callable[..., Experiment], *, tiny: Mapping[str, Any] | None = None) -> None:
    """Runs an experiment from the shell: ``main(experiment, tiny=dict(steps=4, ...))``.

    Every keyword of the function is a flag; beside them stand the run's own (``--run-dir``,
    ``--parallel``, ``--save-every-steps``, ..., ``--tiny``, ``--debug``).

    Args:
        experiment: keyword-only arguments with defaults -> :class:`Experiment`.
        tiny: arguments that make it a matter of seconds, for ``--tiny``.

    Raises:
        TypeError: ``experiment`` is no function, or ``tiny`` names what is none of its arguments.
    """
    tiny = tiny or {}
    if not inspect.isfunction(experiment):
        raise TypeError(
            f"main takes the function that makes the Experiment, got {type(experiment).__name__}: "
            "def experiment(*, steps: int = 1000) -> Experiment: ..., then main(experiment)"
        )
    known = {*inspect.signature(experiment).parameters, *inspect.signature(run_options).parameters}
    if unknown := sorted(set(tiny) - known):
        raise TypeError(f"tiny names {', '.join(unknown)}, which is no flag")
    file = Path(inspect.getfile(experiment))
    parser = joined(experiment, run_options)
    options = tyro.cli(parser, prog=file.name, args=_with_tiny(sys.argv[1:], tiny))
    exit_with_message(lambda: _train(experiment, file, options), debug=options["debug"])


def _train(experiment: Callable[..., Experiment], file: Path, options: Mapping[str, Any]) -> None:
    check_alone(file)
    join(options["coordinator"], options["num_processes"], options["process_id"])
    if jax.distributed.is_initialized() and jax.process_count() > 1:
        say(TOGETHER.format(index=jax.process_index(), count=jax.process_count()))
    if options["run_dir"] == Path() and not RunFolder(".").config_file.is_file():
        raise ValueError(
            "--run-dir must name a folder, got the one that you are in, which holds no run: the run's files would "
            "lie among yours"
        )
    arguments = {name: options[name] for name in inspect.signature(experiment).parameters}
    named = file.stem + ("_tiny" if options["tiny"] else "")
    check_numbers(experiment, arguments)
    run(
        _with_options(built_by(experiment, arguments), options),
        run_dir=options["run_dir"] or Path("runs") / named,
        experiment_file=file,
        arguments={name: _as_json(value) for name, value in arguments.items()},
        parallel=options["parallel"],
        parameter_shards=options["parameter_shards"],
        allow_changed=options["allow_changed"],
        from_step=options["from_step"],
        progress_fn=partial(Progress, quiet=options["quiet"]),
    )


def _with_options(experiment: Experiment, options: Mapping[str, Any]) -> Experiment:
    """The experiment with the fields that the command line sets."""
    given = {name: options[name] for name in _FIELDS if options[name] is not None}
    if options["num_workers"] is not None:
        given["data"] = dataclasses.replace(experiment.data, num_workers=options["num_workers"])
    if options["micro_batches"] is not None:
        given["game"] = dataclasses.replace(experiment.game, micro_batches=options["micro_batches"])
    made = dataclasses.replace(experiment, **given)
    if options["best_metric"] is not None and made.evaluate_every_steps is None:
        raise ValueError(
            f"--best-metric {options['best_metric']} chooses among measurements, and none are made: give "
            "--evaluate-every-steps too"
        )
    return made


def _with_tiny(args: list[str], tiny: Mapping[str, Any]) -> list[str]:
    """``--tiny`` stands for its flags, before the others, so that those win."""
    if "--tiny" not in args:
        return args
    flags = []
    for name, value in tiny.items():
        values = value if isinstance(value, tuple) else (value,)
        flags += [f"--{name.replace('_', '-')}", *map(str, values)]
    return flags + args


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_as_json(item) for item in value]
    return str(value) if isinstance(value, Path) else value
