"""What is saved in a folder of checkpoints, and whether its files are what was saved. Reads files only.

``checkpoints/STEP/`` holds a state; ``checksums/STEP.json`` beside it the SHA-256 of each of its files.
"""

import hashlib
from pathlib import Path

from gan_jax.training.json_files import read_json


def saved_steps(folder: Path) -> list[int]:
    """The steps that were saved to the end, ascending; none where the folder is not there.

    Args:
        folder: holds one subfolder per step.
    """
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())


def checksum_file(folder: Path, step: int) -> Path:
    """Where the checksums of a step lie."""
    return folder.parent / "checksums" / f"{step}.json"


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its path there."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def fault_of(folder: Path, step: int) -> str | None:
    """What is wrong with the files of a checkpoint; None where they are what was saved.

    A checkpoint without checksums has no fault: a kill came between the two.

    Args:
        folder: holds one subfolder per step.
        step: one of :func:`saved_steps`.
    """
    if not checksum_file(folder, step).is_file():
        return None
    try:
        expected = read_json(checksum_file(folder, step))
    except ValueError as error:
        return str(error)
    if not isinstance(expected, dict):
        return f"{checksum_file(folder, step)} must hold an object: file -> SHA-256"
    found = checksums(folder / str(step))
    changed = sorted(name for name in expected | found if expected.get(name) != found.get(name))
    return f"{changed[0]} is not what was saved (SHA-256)" if changed else None
