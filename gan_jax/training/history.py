"""The history of a run: ``history.jsonl``, one line for each start."""

import ast
import difflib
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SHOWN = 20  # lines of a changed file on the terminal; the history has them all
_UNSEEN = (
    "was begun without an experiment file: its arrays, data, seed and batch size are those of before, "
    "but a changed loss or learning rate cannot be seen"
)


def start(
    config: Mapping[str, Any],
    old: Mapping[str, Any] | None = None,
    changed: Sequence[Mapping[str, Any]] = (),
    before: Path | None = None,
    now: Path | None = None,
) -> dict[str, Any]:
    """One line of the history: how a run was started, and what had changed since the last start.

    Args:
        config: the configuration of now.
        old: that of the last start; None of a new run.
        changed: ``{"field", "from", "to"}`` of what ``--allow-changed`` let pass.
        before: the copy of the experiment file in the run folder.
        now: the file itself.
    """
    versions = {"python": platform.python_version(), **config["versions"]}
    changes = list(changed)
    for name, was in (old or {}).get("versions", {}).items():
        if versions.get(name) != was:
            changes.append({"field": f"versions.{name}", "from": was, "to": versions.get(name)})
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "argv": sys.argv,
        "arguments": config["arguments"],
        "options": config["options"],
        "versions": versions,
        "changed": changes,
        "experiment_diff": _diff(before, now) if old else [],
    }


def _diff(before: Path | None, now: Path | None) -> list[str]:
    """The lines that differ, where the code does: comments, docstrings and layout do not count."""
    if before is None or now is None or not before.is_file():
        return []
    old, new = before.read_text(), now.read_text()
    if _code(old) == _code(new):
        return []
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), "the run's", "now", n=0, lineterm=""
    )
    return list(lines)


def _code(source: str) -> str:
    """Python source without its comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def notes(
    path: Path, line: Mapping[str, Any], experiment_file: Path | None, old: Mapping[str, Any]
) -> Iterator[str]:
    """What a user should know before an old run goes on, a sentence each.

    Args:
        path: the run folder.
        line: the start.
        experiment_file: None of a run without one.
        old: the configuration of the last start.
    """
    if experiment_file is None:
        yield f"{path} {_UNSEEN}"
    for change in line["changed"]:
        if change["field"].startswith("versions."):
            name = change["field"].removeprefix("versions.")
            yield f"{name} was {change['from']} at the last start and is {change['to']} now"
    if diff := line["experiment_diff"]:
        more = [f"... and {len(diff) - _SHOWN} more lines"] if len(diff) > _SHOWN else []
        shown = "\n  ".join(diff[:_SHOWN] + more)
        yield (
            f"{experiment_file} has changed since this run began, and the run goes on with what it is "
            f"now:\n  {shown}"
        )
