"""Which runs a row is made of, where they lie, and whether what lies there is this row's."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.tables.table import Row, Table
from gan_jax.training.json_files import read_json

RECORD = (
    "row.json"  # what a folder was made for, and on which machine; written before its run begins
)
MEASURED = "measured.json"  # the figures of a row without a run
_FREE = ("steps", "data_dir", "cache_dir")  # they may change: more steps continue a run


class Planned(NamedTuple):
    """One run of a row, or one call of its ``measure_fn``.

    Attributes:
        name: of the row.
        row: the row.
        task: which values of ``over``; ``""`` without them.
        arguments: of the experiment's function or of ``measure_fn``, ``seed`` among them.
        num_seeds: side by side, from ``arguments["seed"]`` on.
        path: of its folder.
        file: of the experiment; None without.
        needs: argument -> folder of the run that it is given.
        data_dir: where data sets lie, for an experiment that has such an argument.
    """

    name: str
    row: Row
    task: str
    arguments: Mapping[str, Any]
    num_seeds: int
    path: Path
    file: Path | None
    needs: Mapping[str, Path]
    data_dir: Path | None = None

    @property
    def seed(self) -> int:
        """The first."""
        return self.arguments["seed"]

    @property
    def finished(self) -> bool:
        """Whether its figures are there, and neither it nor what it needs went on since."""
        if not (self.path / self.figures_name).is_file():
            return False
        made = self.recorded
        return not made or (made["finished"] and made["needs"] == needed_states(self))

    @property
    def recorded(self) -> dict[str, Any]:
        """What its folder was made for; empty of a new one and of a run that was made by hand."""
        file = self.path / RECORD
        return read_json(file) if file.is_file() else {}

    @property
    def figures_name(self) -> str:
        """The file that is written last."""
        return MEASURED if self.file is None else "summary.json"


def plan(
    table: Table, name: str, out: Path, *, folder: Path = Path(), data_dir: Path | None = None
) -> list[Planned]:
    """The runs of a row; none of a row that is only read or published.

    A row's runs lie in ``out/NAME/seed_0`` and so on, or in ``out/NAME`` side by side; where the
    table averages over tasks, in ``out/NAME/digit_3/seed_0`` or ``out/NAME/digit_3``.

    Args:
        table: the table.
        name: of a row.
        out: the table's folder.
        folder: that the rows' files are seen from.
        data_dir: where data sets lie.
    """
    row = table.rows[name]
    if row.kind in ("reference_of", "published"):
        return []
    return [
        Planned(
            name=name,
            row=row,
            task=", ".join(f"{key}={value}" for key, value in task.items()),
            arguments=as_json({**row.arguments, **task, "seed": seed}),
            num_seeds=row.seeds if row.side_by_side else 1,
            path=_path(out, name, row, task, seed),
            file=None if row.experiment is None else folder / row.experiment,
            needs={
                argument: _path(out, needed, table.rows[needed], task, seed)
                for argument, needed in row.needs.items()
            },
            data_dir=data_dir,
        )
        for task in table.tasks()
        for seed in range(1 if row.side_by_side else row.seeds)
    ]


def _path(out: Path, name: str, row: Row, task: Mapping[str, Any], seed: int) -> Path:
    """Of the run of a seed, or of the only one."""
    path = out / name
    for key, value in task.items():
        path = path / f"{key}_{value}"
    return path if row.side_by_side else path / f"seed_{seed if row.seeds > 1 else 0}"


def record(planned: Planned) -> dict[str, Any]:
    """What a folder is made for: a later call compares it.

    Args:
        planned: a run that is about to be made.
    """
    made = {"row": planned.name, "arguments": dict(planned.arguments)}
    made |= {"options": as_json(planned.row.options), "num_seeds": planned.num_seeds}
    made["needs"] = needed_states(planned)
    if planned.file is None:
        function = planned.row.measure_fn
        made["measure_fn"] = getattr(function, "__qualname__", type(function).__qualname__)
    else:
        made["experiment"] = planned.file.stem
        made["experiment_sha256"] = _sha256(planned.file)
    return made


def needed_states(planned: Planned) -> dict[str, str | None]:
    """Of the runs that another one needs: a run has another state once it went on.

    Args:
        planned: the run that needs them.
    """
    return {name: _sha256(path / "summary.json") for name, path in planned.needs.items()}


def _sha256(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else None


def check_unchanged(planned: Planned, *, seeds: bool) -> None:
    """Sees that what lies in the folder was made with this row's arguments.

    Args:
        planned: the run.
        seeds: the number of seeds side by side is compared too.

    Raises:
        ValueError: it was made with others.
    """
    before, now = _recorded(planned), _compared(record(planned))
    keys = [key for key in sorted(now.keys() | before.keys()) if seeds or key != "num_seeds"]
    rows = [
        f"  {key}: the folder has {before.get(key, '(nothing)')}, the table now "
        f"{now.get(key, '(nothing)')}"
        for key in keys
        if now.get(key) != before.get(key)
    ]
    if before and rows:
        raise ValueError(
            f"row {planned.name} has changed since {planned.path} was made:\n"
            + "\n".join(rows)
            + "\nundo the change, move that folder away, or choose another with --out"
        )


def _recorded(planned: Planned) -> dict[str, Any]:
    """Of ``row.json``; of a run that was made by hand, what its configuration says of the row."""
    if planned.recorded:
        return _compared(planned.recorded)
    if planned.file is None or not (planned.path / "config.json").is_file():
        return {}
    config, now = read_json(planned.path / "config.json"), record(planned)
    theirs = {key: config["arguments"].get(key) for key in now["arguments"]}
    return _compared(
        now
        | {key: config[key] for key in ("experiment", "num_seeds") if key in config}
        | {"arguments": theirs}
    )


def _compared(made: Mapping[str, Any]) -> dict[str, Any]:
    flat = {key: made[key] for key in ("experiment", "measure_fn", "num_seeds") if made.get(key)}
    for group in ("arguments", "options"):
        for key, value in made.get(group, {}).items():
            if key not in _FREE:
                flat[f"{group}.{key}"] = value
    return flat


def as_json(tree: Any) -> Any:
    """The tree as JSON gives it back: lists for tuples, strings for paths, numbers for NumPy's.

    Args:
        tree: of dicts, lists, tuples, text, numbers, booleans, None and paths.

    Raises:
        TypeError: it holds something else.
    """
    return json.loads(json.dumps(tree, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"arguments and options of a row are JSON, and {value!r} is of type {type(value).__name__}"
    )
