"""The rows that a run's samples are made from, kept in its folder: what draws needs no data then."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

NUM_GIVEN = 64


def save_given(file: Path, rows: dict[str, Any]) -> None:
    """Writes a tree of rows as ``.npz``, its names joined by ``/``; a kill leaves the old file or the new one."""
    draft = file.with_name(f".{file.name}")
    with draft.open("wb") as stream:
        np.savez_compressed(stream, **dict(_flat(rows)))
    draft.replace(file)


def load_given(file: Path) -> dict[str, Any]:
    """The rows; none where the folder holds no such file, as that of an older version.

    Raises:
        ValueError: the file is damaged; it is named.
    """
    if not file.is_file():
        return {}
    tree: dict[str, Any] = {}
    try:
        # opened here: np.load leaves a damaged file open
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            for name in arrays.files:
                *parents, last = name.split("/")
                place = tree
                for parent in parents:
                    place = place.setdefault(parent, {})
                place[last] = arrays[name]
    except (
        ValueError,
        EOFError,
        AttributeError,
        TypeError,
        zlib.error,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f"{file} is no whole file of rows ({type(error).__name__}): put the run's own file back, or remove it, "
            "and train on to have it written again"
        ) from error
    return tree


def _flat(rows: Any):
    for path, leaf in jax.tree_util.tree_leaves_with_path(rows):
        yield "/".join(str(getattr(key, "key", getattr(key, "idx", key))) for key in path), leaf
