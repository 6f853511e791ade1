"""The JSON files of a run: whole files that a kill leaves old or new, and files of lines that grow."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from gan_jax.drawing.whole_files import replace_file

_LIMIT = 256 * 2**20  # bytes of a file: a run's own are far below


def write_json(path: Path, tree: Any) -> None:
    """Writes JSON so that a kill leaves the old file or the new one."""
    _replace(path, json.dumps(tree, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Reads JSON.

    Raises:
        ValueError: the file holds none; it is named.
    """
    try:
        return json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}): mend it or remove it") from error


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        ValueError: the file holds none; it is named.
    """
    tree = read_json(path)
    if not isinstance(tree, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(tree).__name__}: mend it")
    return tree


def check_sizes(folder: Path) -> None:
    """Sees that no JSON file of a folder, which may be a stranger's, is larger than any run's.

    Raises:
        ValueError: one is; it is named.
    """
    for file in folder.glob("*.json*"):
        if (size := file.stat().st_size) > _LIMIT:
            raise ValueError(
                f"{file} has {size / 2**20:.0f} MiB, which no run writes (at most "
                f"{_LIMIT // 2**20}): is this its file?"
            )


def number(value: Any) -> float | None:
    """A finite number as it is; None for whatever else a file may hold."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if known else None


def whole(value: Any) -> int | None:
    """A whole number as it is; None for whatever else a file may hold."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_lines(path: Path) -> list[dict]:
    """The lines of a ``.jsonl`` file that are JSON objects; none where the file is not there.

    A last line that a kill cut short is left out.

    Raises:
        ValueError: the file is no text; it is named.
    """
    if not path.is_file():
        return []
    lines = []
    try:
        texts = path.read_text().splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is no text (byte {error.start}): put the run's own file back, or remove it"
        ) from error
    for text in texts:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if text.endswith("\n") and isinstance(line, dict):
            lines.append(line)
    return lines


def add_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Adds lines to a ``.jsonl`` file, in one write."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    whole = not path.is_file() or path.read_bytes()[-1:] in (b"", b"\n")
    with path.open("a") as file:
        file.write(text if whole else "\n" + text)  # a kill cut the last line short


def drop_lines(path: Path, is_dropped: Callable[[dict], bool]) -> list[dict]:
    """Drops some lines, and a last line that a kill cut short.

    Args:
        path: the ``.jsonl`` file; nothing happens where it is not there.
        is_dropped: of a line.

    Returns:
        The lines that were dropped.
    """
    lines = read_lines(path)
    if path.is_file():
        kept = [line for line in lines if not is_dropped(line)]
        _replace(path, "".join(json.dumps(line) + "\n" for line in kept))
    return [line for line in lines if is_dropped(line)]


def _replace(path: Path, text: str) -> None:
    replace_file(path, text.encode())
