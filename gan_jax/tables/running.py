"""The rows of a table are run one after another; what was finished is not run again."""

import dataclasses
import inspect
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from gan_jax.metrics.estimate import Estimate
from gan_jax.tables.plan import MEASURED, RECORD, Planned, as_json, check_unchanged, plan, record
from gan_jax.tables.table import Row, Table
from gan_jax.training.experiment import load_experiment_function
from gan_jax.training.json_files import number, read_json, write_json
from gan_jax.training.loop import NonFiniteError
from gan_jax.training.runner import run


def run_rows(
    table: Table,
    out: Path,
    *,
    rows: Sequence[str] = (),
    folder: Path = Path(),
    data_dir: Path | None = None,
    train_fn: Callable[[Planned], None] | None = None,
    after_row_fn: Callable[[str], None] = lambda name: None,
) -> None:
    """Runs rows of a table and those that they need, or goes on with what a kill left of them.

    A run that meets a value which is not finite ends there; the other rows are still run.

    Args:
        table: the table.
        out: its folder; a run lies in a folder of its own below it.
        rows: which; all by default.
        folder: that the rows' experiments are seen from.
        data_dir: where data sets lie, for experiments that have such an argument.
        train_fn: trains one run, or goes on with it, and returns when its figures are written;
            :func:`train_here` by default.
        after_row_fn: called with the name of each row that is done.

    Raises:
        ValueError: no such row; a folder was made with other arguments, or on another machine; a run
            met a value that is not finite.
    """
    names = table.needed(rows)
    plans = {name: plan(table, name, out, folder=folder, data_dir=data_dir) for name in table.rows}
    for name, runs in plans.items():
        for planned in runs:
            check_unchanged(planned, seeds=name in names)
            if name in names:
                _check_steps(planned)
    failed: dict[str, str] = {}
    for name in names:
        try:
            _run_row(table.rows[name], plans[name], table, train_fn or train_here, failed)
        except NonFiniteError as error:
            failed[name] = str(error)
            print(f"row      {name} failed: {error}")
        after_row_fn(name)
    if failed:
        reasons = "\n".join(f"  {name}: {reason}" for name, reason in failed.items())
        raise ValueError(f"rows that failed (the others are done):\n{reasons}")


def _run_row(
    row: Row,
    runs: Sequence[Planned],
    table: Table,
    train_fn: Callable[[Planned], None],
    failed: Mapping[str, str],
) -> None:
    if needed := sorted(set(row.needs.values()) & failed.keys()):
        raise NonFiniteError(f"it needs {', '.join(needed)}, which failed")
    for planned in runs:
        _run(planned, table, train_fn)


def _check_steps(planned: Planned) -> None:
    steps, file = planned.arguments.get("steps"), planned.path / "summary.json"
    if planned.file is None or not isinstance(steps, int) or not file.is_file():
        return
    if (done := read_json(file)["steps"]) > steps:
        raise ValueError(
            f"row {planned.name}: {planned.path} has {done} steps and {steps} are asked for; a run "
            "does not go back: ask for no fewer, or choose another folder with --out"
        )


def _run(planned: Planned, table: Table, train_fn: Callable[[Planned], None]) -> None:
    """One run, with a record of what it is made for, before it begins and when it is done."""
    made, old = record(planned), planned.recorded
    if planned.finished and made == {key: old.get(key) for key in made}:
        print(f"row      {planned.name}: {planned.path} is finished")
        return
    if planned.file is not None and old.get("needs", made["needs"]) != made["needs"]:
        raise ValueError(
            f"row {planned.name}: the run that {planned.path} began from has gone on since; move that "
            "folder away to begin anew"
        )
    machines = _machines(planned, old, one=table.one_machine)
    planned.path.mkdir(parents=True, exist_ok=True)
    write_json(planned.path / RECORD, made | {"machines": machines, "finished": False})
    if planned.file is None:
        _measure(planned)
    else:
        train_fn(planned)
    write_json(planned.path / RECORD, made | {"machines": machines, "finished": True})


def _machines(
    planned: Planned, old: Mapping[str, Any], *, one: bool
) -> list[dict[str, Any] | None]:
    """On which the folder was made, and this one; None is an unknown one."""
    begun = any((planned.path / name).is_file() for name in ("config.json", MEASURED))
    before, now = old.get("machines", [None] if begun else []), this_machine()
    if one and any(machine != now for machine in before):
        raise ValueError(
            f"row {planned.name}: {planned.path} was made on {said(before[0])}, and this is "
            f"{said(now)}; this table compares figures of one machine: choose another folder with --out"
        )
    return before if now in before else [*before, now]


def _measure(planned: Planned) -> None:
    """Calls the row's function for one seed, and keeps its figures."""
    found = planned.row.measure_fn(**planned.arguments, **planned.needs)
    if wrong := [name for name, value in found.items() if not isinstance(value, Estimate)]:
        raise TypeError(
            f"row {planned.name}: measure_fn gives {{figure: Estimate}}, and {', '.join(wrong)} is none"
        )
    figures = {
        name: {"value": number(value if value is None else float(value)), "standard_error": error}
        for name, (value, error) in found.items()
    }
    write_json(planned.path / MEASURED, {"figures": figures})


def train_here(planned: Planned) -> None:
    """Trains one run in this process, as the experiment's own command line would.

    Args:
        planned: the run.

    Raises:
        ValueError: the experiment has no such argument or option.
    """
    experiment_fn = load_experiment_function(planned.file)
    given = {**planned.arguments, **{name: str(path) for name, path in planned.needs.items()}}
    known = inspect.signature(experiment_fn).parameters
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(
            f"row {planned.name}: {planned.file.name} has no argument {', '.join(unknown)}; expected "
            f"some of {', '.join(known)}"
        )
    if planned.data_dir is not None and "data_dir" in known:
        given["data_dir"] = str(planned.data_dir)
    arguments = {name: parameter.default for name, parameter in known.items()} | given
    built = experiment_fn(**{name: _tuples(value) for name, value in arguments.items()})
    run(
        _with_options(built, planned),
        run_dir=planned.path,
        experiment_file=planned.file,
        arguments=as_json(arguments),
    )
    jax.clear_caches()  # a row's programs are no other's


def _with_options(built: Any, planned: Planned) -> Any:
    fields = {field.name for field in dataclasses.fields(built)}
    if unknown := sorted(set(planned.row.options) - fields):
        raise ValueError(
            f"row {planned.name}: an Experiment has no field {', '.join(unknown)} that options could set"
        )
    options = {name: _tuples(value) for name, value in planned.row.options.items()}
    return dataclasses.replace(built, num_seeds=planned.num_seeds, **options)


def _tuples(value: Any) -> Any:
    """JSON has lists only, and arguments are hashed."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def this_machine() -> dict[str, Any]:
    """What times depend on: processor, cores and accelerators; no name."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "devices": sorted({device.device_kind for device in jax.devices()}),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def said(machine: Mapping[str, Any] | None) -> str:
    """In words.

    Args:
        machine: as :func:`this_machine` gives it; None of a run that was made by hand.
    """
    if machine is None:
        return "an unknown machine"
    return f"{machine['processor']} ({machine['cores']} cores; {', '.join(machine['devices'])})"
