"""The rows that a run's samples are made from, kept in its folder: what draws needs no data then."""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_jax.drawing.whole_files import replace_file

NUM_GIVEN = 64


def save_given(file: Path, rows: dict[str, Any]) -> None:
    """Writes a tree of rows as ``.npz``, its names joined by ``/``; a kill leaves the old file or the new one."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **dict(_flat(rows)))
    replace_file(file, stream.getvalue())


def load_given(file: Path) -> dict[str, Any]:
    """The rows; none where the folder holds no such file, as that of an older version.

    Raises:
        ValueError: the file is damaged; it is named.
    """
    if not file.is_file():
        return {}
    try:
        # opened here: np.load leaves a damaged file open
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            flat = dict(arrays)
    except (
        ValueError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(
            f"{file} is damaged ({type(error).__name__}): remove it, and the run's own command writes it anew"
        ) from error
    tree: dict[str, Any] = {}
    for name, rows in flat.items():
        *parents, last = name.split("/")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = rows
    return tree


def _flat(rows: Any):
    for path, leaf in jax.tree_util.tree_leaves_with_path(rows):
        yield "/".join(str(getattr(key, "key", getattr(key, "idx", key))) for key in path), leaf
