"""One protocol in a column, and how the column is headed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan_jax.tables.run_files import flat
from gan_jax.training.json_files import whole


class Heading(NamedTuple):
    """How the column of a figure is headed, as its evaluator says it.

    Attributes:
        label: for people.
        better: ``less``, ``more``, or None.
        digits: after the point.
    """

    label: str
    better: str | None = None
    digits: int = 3


def heading(figure: str, protocols: Sequence[Mapping[str, Any]]) -> Heading:
    """The label, direction and digits of a figure; its name where no protocol says them.

    Args:
        figure: ``EVALUATOR/FIGURE`` or ``metrics:NAME``.
        protocols: of some runs, as in their ``protocols.json``.
    """
    evaluator, _, name = figure.partition("/")
    for entries in protocols:
        for entry in entries.values():
            if entry["evaluator"] == evaluator and (found := headings_in(entry).get(name)):
                return found
    return Heading(figure.removeprefix("metrics:"))


def headings_in(entry: Mapping[str, Any]) -> dict[str, Heading]:
    """Figure -> its heading, as far as an entry says it: it may be a stranger's.

    Args:
        entry: of a ``protocols.json``.
    """
    figures = entry.get("figures")
    figures = figures.items() if isinstance(figures, dict) else ()
    return {name: _heading(name, said) for name, said in figures if isinstance(said, dict)}


def _heading(name: str, said: Mapping[str, Any]) -> Heading:
    better, digits = said.get("better"), whole(said.get("digits"))
    return Heading(
        str(said.get("label") or name.replace("_", " ")),
        better if better in ("less", "more") else None,
        3 if digits is None else min(max(digits, 0), 12),
    )


def mixed_protocols(figure: str, rows: Mapping[str, Mapping[str, Any]]) -> str | None:
    """What is wrong with a column whose rows were measured under several protocols.

    Args:
        figure: the column.
        rows: row -> key of a protocol -> what ``protocols.json`` says of it.

    Returns:
        Which rows, and where the protocols differ; None of one protocol.
    """
    users: dict[str, list[str]] = {}
    entries: dict[str, Any] = {}
    for row, protocols in rows.items():
        for key, entry in protocols.items():
            users.setdefault(key, []).append(row)
            entries[key] = entry
    if len(users) < 2:
        return None
    (first, of_first), *others = users.items()
    lines = [f"column {figure} mixes {len(users)} protocols, so its values cannot be compared:"]
    for key, names in others:
        lines.append(f"  {', '.join(of_first)} against {', '.join(names)} differ in")
        lines += _differing(entries[first].get("protocol"), entries[key].get("protocol"))
    lines.append("measure the rows alike, or give them groups of their own (Row(group=...))")
    return "\n".join(lines)


def _differing(one: Any, other: Any) -> list[str]:
    """The keys that differ, with both values; the description only where nothing else does."""
    if one is None or other is None:
        return ["    something that was not recorded: protocols.json lacks one of them"]
    before, after = flat(one), flat(other)
    keys = [key for key in {**before, **after} if before.get(key, ...) != after.get(key, ...)]
    keys = [key for key in keys if key != "description"] or keys
    return [
        f"    {key}: {before.get(key, '(nothing)')} against {after.get(key, '(nothing)')}"
        for key in keys
    ]
