"""The rows that a run's samples are made from, kept in its folder: what draws needs no data then."""

import io
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
    """The rows; none where the folder holds no such file, as that of an older version."""
    if not file.is_file():
        return {}
    tree: dict[str, Any] = {}
    with np.load(file, allow_pickle=False) as arrays:
        for name in arrays.files:
            *parents, last = name.split("/")
            place = tree
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = arrays[name]
    return tree


def _flat(rows: Any):
    for path, leaf in jax.tree_util.tree_leaves_with_path(rows):
        yield "/".join(str(getattr(key, "key", getattr(key, "idx", key))) for key in path), leaf
