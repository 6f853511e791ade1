"""Whether a checkpoint holds the arrays of a game: compared by their paths, before anything is read."""

from pathlib import Path
from typing import Any

import jax

_SHOWN = 8  # differences in one message


def array_paths(tree: Any) -> dict[str, str]:
    """``{"generator/params/Dense_0/kernel": "float32[3, 8]"}``.

    Args:
        tree: of arrays, of their shapes, or of a checkpoint's metadata.
    """
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): f"{leaf.dtype}{list(leaf.shape)}"
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def check_same_arrays(saved: Any, wanted: Any, folder: Path) -> None:
    """Refuses a checkpoint of other arrays: the code has changed since, its files are not broken.

    Args:
        saved: the metadata of the checkpoint.
        wanted: the state that it is read into.
        folder: of the checkpoint, for the message.

    Raises:
        ValueError: some array is in one of them only, or has another shape or dtype; all are named.
    """
    there, here = array_paths(saved), array_paths(wanted)
    rows = [
        f"  {path}: the checkpoint has {there.get(path, 'none')}, the experiment {here.get(path, 'none')}"
        for path in sorted(there.keys() | here.keys())
        if there.get(path) != here.get(path)
    ]
    if rows:
        more = [f"  and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
        raise ValueError(
            f"{folder} was saved by other networks or optimizers:\n"
            + "\n".join(rows[:_SHOWN] + more)
            + "\nundo the change of the code, or begin anew with another --run-dir"
        )
