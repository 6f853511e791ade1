"""The figures of a run, read: ``figures.jsonl`` in long form, and ``protocols.json`` that says how."""

import json
from pathlib import Path
from typing import Any

_TEXTS = ("evaluator", "figure", "row", "protocol")


def read_figures(path: Path) -> list[dict[str, Any]]:
    """The lines of a ``figures.jsonl``, in their order.

    A line that a kill cut short is left out: the last one, or what a later line was appended to.

    Args:
        path: the file; without it there are no lines.

    Returns:
        One dict for each figure: ``evaluator, figure, row, seed, step, weights, value,
        standard_error, num, draw_seed, protocol``. A ``value`` of None: the measurement failed.
    """
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if text.endswith("\n") and _is_figure(line):
            lines.append(line)
    return lines


def _is_figure(line: Any) -> bool:
    return isinstance(line, dict) and all(isinstance(line.get(name), str) for name in _TEXTS)


def read_protocols(path: Path) -> dict[str, dict[str, Any]]:
    """How figures were measured: protocol -> ``{"evaluator", "protocol", "figures"}``.

    Args:
        path: a ``protocols.json``; without it there are none.

    Raises:
        ValueError: the file holds no such JSON; it is named.
    """
    if not path.is_file():
        return {}
    try:
        protocols = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}): mend it or remove it") from error
    if not isinstance(protocols, dict) or not all(
        isinstance(entry, dict) for entry in protocols.values()
    ):
        raise ValueError(f"{path} must hold an object of objects, one for each protocol")
    return protocols
