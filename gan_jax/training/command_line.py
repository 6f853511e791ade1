"""The command line of an experiment, made by tyro from the signature of its function."""

import dataclasses
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import jax
import tyro

from gan_jax.training.alone import check_alone
from gan_jax.training.experiment import INTERVALS, Experiment
from gan_jax.training.interruption import Interrupted
from gan_jax.training.loop import NonFiniteError
from gan_jax.training.measuring import EvaluatorError
from gan_jax.training.processes import LOST, TOGETHER, OtherProcessError, join, lost
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
# What the border raises with a message for the user; anything else is a bug and keeps its traceback.
_USER_ERRORS = (
    ValueError,
    TypeError,
    ImportError,
    OSError,
    EvaluatorError,
    NonFiniteError,
    OtherProcessError,
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
    known = {*inspect.signature(experiment).parameters, *inspect.signature(_run_options).parameters}
    if unknown := sorted(set(tiny) - known):
        raise TypeError(f"tiny names {', '.join(unknown)}, which is no flag")
    file = Path(inspect.getfile(experiment))
    parser = _with_run_options(experiment)
    options = tyro.cli(parser, prog=file.name, args=_with_tiny(sys.argv[1:], tiny))
    arguments = {name: options[name] for name in inspect.signature(experiment).parameters}
    run_dir = options["run_dir"] or Path("runs") / (
        file.stem + ("_tiny" if options["tiny"] else "")
    )

    def call():
        check_alone(file)
        join(options["coordinator"], options["num_processes"], options["process_id"])
        if jax.distributed.is_initialized() and jax.process_count() > 1:
            _say(TOGETHER.format(index=jax.process_index(), count=jax.process_count()), 0)
        built = experiment(**arguments)
        given = {name: options[name] for name in _FIELDS if options[name] is not None}
        if options["num_workers"] is not None:
            given["data"] = dataclasses.replace(built.data, num_workers=options["num_workers"])
        if options["micro_batches"] is not None:
            given["game"] = dataclasses.replace(built.game, micro_batches=options["micro_batches"])
        run(
            dataclasses.replace(built, **given),
            run_dir=run_dir,
            experiment_file=file,
            arguments={name: _as_json(value) for name, value in arguments.items()},
            parallel=options["parallel"],
            parameter_shards=options["parameter_shards"],
            allow_changed=options["allow_changed"],
            from_step=options["from_step"],
        )

    exit_with_message(call, debug=options["debug"])


def exit_with_message(call: Callable[[], None], *, debug: bool = False) -> None:
    """Calls; an error that is the user's to mend becomes one message and exit code 1 (or a signal's).

    Args:
        call: what to do.
        debug: keeps the traceback.
    """
    try:
        call()
    except Interrupted as interrupted:
        sys.exit(_say(str(interrupted), interrupted.exit_code))
    except KeyboardInterrupt:
        sys.exit(_say("stopped by Ctrl-C before training began; nothing was changed", 130))
    except _USER_ERRORS as error:
        if debug:
            _end_all(traceback.format_exc())
            raise
        message = f"error: {str(error) or type(error).__name__}\n(--debug shows where)"
        _end_all(message)
        sys.exit(_say(message, 1))
    except Exception as error:
        _end_all(traceback.format_exc() if debug or not lost(error) else LOST)
        raise


def _end_all(message: str) -> None:
    """One of several processes ends at once: those that wait for it then find it gone, and end too."""
    if jax.distributed.is_initialized():
        _say(message, 1)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)  # at a usual exit JAX would wait for the others


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code


def _run_options(
    *,
    run_dir: Path | None = None,
    num_seeds: int | None = None,
    num_workers: int | None = None,
    parallel: Literal["jit", "shard_map", "pmap"] = "jit",
    parameter_shards: int = 1,
    micro_batches: int | None = None,
    steps_per_call: int | None = None,
    log_every_steps: int | None = None,
    sample_every_steps: int | None = None,
    evaluate_every_steps: int | None = None,
    save_every_steps: int | None = None,
    keep_every_steps: int | None = None,
    allow_changed: tuple[str, ...] = (),
    from_step: int | None = None,
    coordinator: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    best_metric: str | None = None,
    patience: int | None = None,
    tiny: bool = False,
    debug: bool = False,
) -> None:
    """.

    Args:
        run_dir: the run folder (runs/<experiment> by default); an old run there goes on.
        num_seeds: runs of so many seeds side by side, from --seed on; figures with error bars.
        num_workers: processes that read data which is not in memory; 0 reads in threads.
        parallel: how the step is laid over all devices.
        parameter_shards: over how many devices each network is cut, where one is too small for it.
        micro_batches: parts in which gradients are computed, for less memory.
        steps_per_call: rounds in one call of the device.
        log_every_steps: when metrics leave the device.
        sample_every_steps: when artefacts are made.
        evaluate_every_steps: when the evaluators measure the EMA; the best step is kept.
        save_every_steps: when a checkpoint is written; the newest three are kept.
        keep_every_steps: of those, the ones that are kept for good.
        allow_changed: fields in which this command may differ from the run that it resumes.
        from_step: goes back to this checkpoint first; what is later is set aside, not deleted.
        coordinator: HOST:PORT of process 0, for multi-process runs that JAX does not detect by
            itself.
        num_processes: how many they are.
        process_id: which this one is, from 0.
        best_metric: the figure that says which step is best, such as quality/frechet.
        patience: measurements without a new best after which the run stops.
        tiny: shrink the experiment to seconds, to see that it runs.
        debug: show the traceback of an error.
    """


def _with_run_options(experiment: Callable[..., Experiment]) -> Callable[..., dict[str, Any]]:
    """A function whose signature is the experiment's and the run's options, for tyro to read."""

    def parser(**options: Any) -> dict[str, Any]:
        return options

    parameters = [
        parameter
        for function in (experiment, _run_options)
        for parameter in inspect.signature(function).parameters.values()
    ]
    parser.__signature__ = inspect.Signature(parameters)
    parser.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    options_help = inspect.getdoc(_run_options).split("Args:\n")[1]
    parser.__doc__ = f"{_args_section(inspect.getdoc(experiment))}\n{options_help}"
    return parser


def _args_section(docstring: str | None) -> str:
    """The docstring up to the end of its ``Args:``, which the run's options are appended to."""
    docstring = docstring or "."
    if "Args:" not in docstring:
        return f"{docstring}\n\nArgs:"
    head, arguments = docstring.split("Args:", 1)
    return f"{head}Args:{arguments.split(chr(10) + chr(10))[0]}"


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
