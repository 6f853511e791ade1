"""The options of a run on the command line, beside the arguments of its experiment."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal


def run_options(
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
    quiet: bool = False,
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
        quiet: show no progress; warnings and the final figures are printed all the same.
        tiny: shrink the experiment to seconds, to see that it runs.
        debug: show the traceback of an error.
    """


def joined(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """A function whose parameters are those of two, for tyro to read; it gives what it was called with.

    A parameter of both is the first one's.

    Args:
        first: with a docstring, which says what the command does.
        second: whose documented arguments follow.
    """

    def parser(**options: Any) -> dict[str, Any]:
        return options

    parameters = {
        **inspect.signature(second).parameters,
        **inspect.signature(first).parameters,
    }
    order = dict.fromkeys([*inspect.signature(first).parameters, *parameters])
    parser.__signature__ = inspect.Signature([parameters[name] for name in order])
    parser.__annotations__ = {name: parameters[name].annotation for name in order}
    parser.__doc__ = f"{_until_arguments_end(inspect.getdoc(first))}\n{_arguments(second)}"
    return parser


def _until_arguments_end(docstring: str | None) -> str:
    """The docstring up to the end of its ``Args:``, which other arguments are appended to."""
    docstring = docstring or "."
    if "Args:" not in docstring:
        return f"{docstring}\n\nArgs:"
    head, arguments = docstring.split("Args:", 1)
    return f"{head}Args:{arguments.split(chr(10) + chr(10))[0]}"


def _arguments(function: Callable[..., Any]) -> str:
    """The lines of its docstring's ``Args:``."""
    _, found, arguments = (inspect.getdoc(function) or "").partition("Args:\n")
    return arguments.split("\n\n")[0] if found else ""
