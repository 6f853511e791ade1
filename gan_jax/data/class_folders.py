"""Classes from folders: what lies in a folder of its own for each class, and what does not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def classes_of(
    folder: Path, files: Sequence[Path], *, what: str = "images"
) -> tuple[tuple[str, ...], np.ndarray]:
    """The class of every file: the first-level subfolder that it lies in.

    Args:
        folder: whose subfolders are the classes; hidden ones are passed over.
        files: the images below it.
        what: the files are, for messages.

    Returns:
        The names of the subfolders, sorted, and the place of each file's among them, int32 ``[N]``.

    Raises:
        ValueError: images lie beside the subfolders, a subfolder holds no image, there are fewer
            than two of them, or all images lie deeper: the folder is one level too high.
    """
    firsts = [path.relative_to(folder).parts[0] for path in files]
    names = tuple(sorted(path.name for path in folder.iterdir() if _is_class(path)))
    beside = [path.name for path in files if path.parent == folder]
    if beside:
        raise ValueError(
            f"{folder} holds {len(beside):,} {what} ({beside[0]}, ...) beside {len(names)} "
            "subfolders, so their class is not known: move each into the folder of its class, or "
            "ask for no labels"
        )
    if sentence := too_high(folder, files, what=what):
        raise ValueError(f"{folder}: {sentence}")
    if empty := sorted(set(names) - set(firsts)):
        raise ValueError(
            f"{folder} holds class folders without {what}: {', '.join(empty)}: fill or remove them"
        )
    if len(names) < 2:
        raise ValueError(
            f"{folder} holds one class alone, {names[0]}: expected a subfolder for each of at least "
            "two classes; ask for no labels"
        )
    places = {name: place for place, name in enumerate(names)}
    return names, np.array([places[first] for first in firsts], np.int32)


def too_high(folder: Path, files: Sequence[Path], *, what: str = "images") -> str:
    """A sentence where every file lies at least two folders down; else nothing."""
    parts = [path.relative_to(folder).parts for path in files]
    if min(map(len, parts)) < 3:
        return ""
    above = sorted({each[0] for each in parts})
    return (
        f"all {what} lie two folders down or deeper, such as {'/'.join(parts[0])}: if the subfolders "
        f"of {above[0]} are classes, name {folder / above[0]}"
    )


def _is_class(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")
