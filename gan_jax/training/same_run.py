"""Whether a folder holds the run of this command: compared before anything in it is changed."""

import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from gan_jax.training.checksums import checksum_file, saved_steps
from gan_jax.training.history import notes, start
from gan_jax.training.json_files import read_json, write_json
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.trust import vouch

# These may differ between two commands of one run: more steps continue it, and the data is
# compared by its content and not by where it lies.
_NOT_COMPARED = ("steps", "data_dir", "cache_dir")
_SHOWN = 12  # differences in one message


def adopt(
    folder: RunFolder,
    config: dict[str, Any],
    experiment_file: Path | None,
    *,
    allow_changed: Collection[str] = (),
) -> dict[str, Any]:
    """Writes the configuration of a new run, or of an old one if it is the same.

    A run that has saved no checkpoint is new: a command that failed before can be mended.

    Args:
        folder: of the run.
        config: of :func:`gan_jax.training.configuration.configuration`; JSON.
        experiment_file: copied into the folder, so that the run can be rebuilt from it; None of a
            run that has no file.
        allow_changed: fields that may differ, by their names in the message (the last part is
            enough, ``data`` is all of the data).

    Returns:
        The line of the run's history that this start is: what has changed is in it.

    Raises:
        ValueError: the folder holds a run of another configuration or other data, or a field
            that is allowed to change is none of it.
    """
    _check_whole(folder)
    _check_named(allow_changed, config)
    line = start(config)
    if folder.config_file.is_file() and saved_steps(folder.checkpoints):
        old = read_json(folder.config_file)
        changed = _differences(folder, old, config, allow_changed)
        line = start(config, old, changed, folder.experiment_file, experiment_file)
        for note in notes(folder.path, line, experiment_file, old):
            print(f"note: {note}", file=sys.stderr)
    write_json(folder.config_file, config)
    if experiment_file and experiment_file.resolve() != folder.experiment_file.resolve():
        shutil.copyfile(experiment_file, folder.experiment_file)
        vouch(experiment_file)
    return line


def _check_named(allow_changed: Collection[str], config: dict[str, Any]) -> None:
    """Refuses a field that is none, of a new run too: a misspelt name would be found at the resume only.

    Raises:
        ValueError: with the names that there are.
    """
    names = sorted(_compared(config))
    if unknown := [name for name in allow_changed if not any(_means(name, n) for n in names)]:
        raise ValueError(
            f"--allow-changed {' '.join(unknown)}: no such field, expected some of {', '.join(names)}"
        )


def _check_whole(folder: RunFolder) -> None:
    """Refuses a run of which a part was removed: what goes on would be another run.

    Raises:
        ValueError: there are checkpoints of a run that nobody knows, or the reverse.
    """
    steps = saved_steps(folder.checkpoints)
    if steps and not folder.config_file.is_file():
        raise ValueError(
            f"{folder.path} holds checkpoints (the last of step {steps[-1]:,}) but no {folder.config_file.name}, so it "
            "is not known which run they are of: put the file back, or choose another folder with --run-dir"
        )
    kept = checksum_file(folder.checkpoints, 0).parent
    if not steps and not folder.unreadable.is_dir() and any(kept.glob("*.json")):
        raise ValueError(
            f"{folder.path} holds a run whose checkpoints are gone ({folder.checkpoints.name}/ is empty): put them "
            "back, or choose another folder with --run-dir to begin anew"
        )


def _differences(
    folder: RunFolder, old: dict[str, Any], new: dict[str, Any], allow_changed: Collection[str]
) -> list[dict[str, Any]]:
    """What differs and is allowed to; refuses what is not."""
    before, after = _compared(old), _compared(new)
    names = sorted(before.keys() | after.keys())
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
            f"{folder.path} holds a run that differs from this command:\n"
            + "\n".join(rows[:_SHOWN] + more)
            + "\nchoose another folder with --run-dir, repeat the run's own arguments, or say "
            "--allow-changed with the names of the fields"
        )
    return [{"field": name, "from": before.get(name), "to": after.get(name)} for name in allowed]


def _means(given: str, name: str) -> bool:
    """Whether a field of the message is meant: by its name, its last part, or its group."""
    return given in (name, name.split(".", 1)[-1], name.split(".", 1)[0])


def _compared(config: dict[str, Any]) -> dict[str, Any]:
    """``{"experiment": ..., "arguments.lr": ..., "data.sha256": ...}``."""
    compared = ("experiment", "num_seeds", "micro_batches")
    flat = {"micro_batches": 1} | {name: config[name] for name in compared if name in config}
    for group in ("arguments", "data", "state"):
        for name, value in config.get(group, {}).items():
            if name not in _NOT_COMPARED:
                flat[f"{group}.{name}"] = value
    return flat
