"""A run's folder: where things lie, and whether it belongs to this command.

config.json  experiment.py  given.npz  metrics.jsonl  figures.jsonl  protocols.json  evaluations/
artefacts/NAME/step_00001000.png  samples.gif  curves.png  summary.json  checkpoints/  checksums/
best/  unreadable_checkpoints/  tensorboard/  .lock
"""

import ast
import difflib
import json
import os
import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from gan_jax.training.batch_record import shapes_from_json

# These may differ between two commands of one run: more steps continue it, and the data is
# compared by its content and not by where it lies.
_NOT_COMPARED = ("steps", "data_dir", "cache_dir")


_UNSEEN = (
    "was begun without an experiment file: its arrays, data, seed and batch size are those of before, "
    "but a changed loss or learning rate cannot be seen"
)
_SHOWN = 12  # differences in one message


class RunFolder:
    """The paths of one run, and its configuration file.

    Args:
        path: the folder; made by :meth:`prepare`.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config_file = self.path / "config.json"
        self.experiment_file = self.path / "experiment.py"
        self.given_file = self.path / "given.npz"
        self.metrics_file = self.path / "metrics.jsonl"
        self.summary_file = self.path / "summary.json"
        self.curves_file = self.path / "curves.png"
        self.figures_file = self.path / "figures.jsonl"
        self.protocols_file = self.path / "protocols.json"
        self.evaluations = self.path / "evaluations"
        self.artefacts = self.path / "artefacts"
        self.animation_file = self.path / "samples.gif"
        self.checkpoints = self.path / "checkpoints"
        self.best = self.path / "best" / "checkpoints"  # beside its own checksums
        self.tensorboard = self.path / "tensorboard"

    def kept_rows_file(self, evaluator: str, *parts: str) -> Path:
        """``evaluations/quality/generated_step_00001000.npz``: values of each example."""
        return self.evaluations / evaluator / f"{'_'.join(parts).replace('/', '_')}.npz"

    def artefact_files(self, step: int) -> list[Path]:
        """Every artefact of a step."""
        return sorted(self.artefacts.glob(f"*/step_{step:08d}.*"))

    def prepare(self) -> None:
        """Makes the folder and sees that files can be written in it.

        Raises:
            OSError: it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe_{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise OSError(
                f"the run folder {self.path} cannot be written ({error.strerror or error}): choose "
                "another with --run-dir"
            ) from error

    def adopt(
        self,
        config: dict[str, Any],
        experiment_file: Path | None,
        *,
        allow_changed: Collection[str] = (),
    ) -> dict[str, Any]:
        """Writes the configuration of a new run, or compares it with that of an old one.

        A run that has saved no checkpoint is new: a command that failed before can be mended.

        Args:
            config: ``{"experiment", "arguments", "data"}`` and what is only recorded.
            experiment_file: copied beside it, so that the run can be rebuilt from its folder; None of
                a run that has no file.
            allow_changed: fields that may differ, by their names in the message (the last part is
                enough, ``data`` is all of the data); each change is kept under ``changes``.

        Returns:
            The configuration as it was written, with the changes that it has seen.

        Raises:
            ValueError: the folder holds a run of another configuration or other data, or a field
                that is allowed to change is none of it.
        """
        config = json.loads(json.dumps(config))
        if self.config_file.is_file() and any(self.checkpoints.glob("*")):
            old = read_json(self.config_file)
            config["changes"] = old.get("changes", []) + self._compare(old, config, allow_changed)
            self._tell_changes(experiment_file)
        write_json(self.config_file, config)
        if experiment_file and experiment_file.resolve() != self.experiment_file.resolve():
            shutil.copyfile(experiment_file, self.experiment_file)
        return config

    def _tell_changes(self, experiment_file: Path | None) -> None:
        """A line that was changed in the file is no argument, so nothing else would show it."""
        if experiment_file is None:
            print(f"note: {self.path} {_UNSEEN}", file=sys.stderr)
            return
        if not self.experiment_file.is_file():
            return
        before, after = self.experiment_file.read_text(), experiment_file.read_text()
        if _code(before) != _code(after):
            changes = difflib.unified_diff(
                before.splitlines(), after.splitlines(), "the run's", "now", n=0, lineterm=""
            )
            shown = "\n  ".join(list(changes)[:20])
            print(
                f"note: {experiment_file} has changed since this run began, and the run goes on with "
                f"what it is now:\n  {shown}",
                file=sys.stderr,
            )

    def config(self) -> dict[str, Any]:
        """The run's configuration.

        Raises:
            FileNotFoundError: this is no run folder.
        """
        if not self.config_file.is_file():
            raise FileNotFoundError(
                f"{self.path} is no run folder: expected {self.config_file.name} in it, as an "
                "experiment writes"
            )
        return read_json(self.config_file)

    def batch_shapes(self) -> Any:
        """The shapes of a batch of the run; None in a folder of an older version."""
        recorded = self.config().get("batch")
        return None if recorded is None else shapes_from_json(recorded)

    def _compare(
        self, old: dict[str, Any], new: dict[str, Any], allow_changed: Collection[str]
    ) -> list[dict[str, Any]]:
        """What differs and is allowed to; refuses what is not."""
        before, after = _compared(old), _compared(new)
        names = sorted(before.keys() | after.keys())
        if unknown := [name for name in allow_changed if not any(_means(name, n) for n in names)]:
            raise ValueError(
                f"--allow-changed {' '.join(unknown)}: no such field, expected some of {', '.join(names)}"
            )
        differing = [name for name in names if before.get(name, ...) != after.get(name, ...)]
        allowed = [name for name in differing if any(_means(a, name) for a in allow_changed)]
        rows = [
            f"  {name}: the run has {before.get(name, '(nothing)')}, the command "
            f"{after.get(name, '(nothing)')}"
            for name in differing
            if name not in allowed
        ]
        if rows:
            more = [f"  and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
            raise ValueError(
                f"{self.path} holds a run that differs from this command:\n"
                + "\n".join(rows[:_SHOWN] + more)
                + "\nchoose another folder with --run-dir, repeat the run's own arguments, or say "
                "--allow-changed with the names of the fields"
            )
        step = max(
            (int(path.name) for path in self.checkpoints.iterdir() if path.name.isdecimal()),
            default=0,
        )
        return [
            {"after_step": step, "field": name, "from": before.get(name), "to": after.get(name)}
            for name in allowed
        ]


def _means(said: str, name: str) -> bool:
    """Whether a field of the message is meant: by its name, its last part, or its group."""
    return said in (name, name.split(".", 1)[-1], name.split(".", 1)[0])


def _code(source: str) -> str:
    """Python source without its comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def write_json(path: Path, tree: Any) -> None:
    """Writes JSON so that a kill leaves the old file or the new one."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(json.dumps(tree, indent=2) + "\n")
    draft.replace(path)


def read_json(path: Path) -> Any:
    """Reads JSON.

    Raises:
        ValueError: the file holds none; it is named.
    """
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}): mend it or remove it") from error


def _compared(config: dict[str, Any]) -> dict[str, Any]:
    """``{"experiment": ..., "arguments.lr": ..., "data.sha256": ...}``."""
    compared = ("experiment", "num_seeds", "micro_batches")
    flat = {"micro_batches": 1} | {name: config[name] for name in compared if name in config}
    for group in ("arguments", "data", "state"):
        for name, value in config.get(group, {}).items():
            if name not in _NOT_COMPARED:
                flat[f"{group}.{name}"] = value
    return flat
