"""What a table over runs is: its rows, its columns, and what of them cannot be."""

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, Literal

from gan_jax.metrics.estimate import Estimate

_FIGURE = re.compile(r"(metrics:)?[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)+")
_ROW = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # a folder is called so
_AT = re.compile(r"last|best|seconds<=\d+(\.\d+)?")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a table: a run, a function, a reference of another row, or a published result.

    It is exactly one of ``experiment``, ``measure_fn`` and ``reference_of``, or has ``published``
    values alone.

    Attributes:
        experiment: a file with ``def experiment(...)``, seen from the folder of the table's file.
        arguments: what its function (or ``measure_fn``) is called with, beside ``seed``; JSON.
        options: fields of the Experiment that this row sets, such as ``steps_per_call``.
        measure_fn: ``(seed, **arguments, **needs) -> {figure: Estimate}``, once for each seed: a
            baseline that is no run, or something that is measured on the runs of other rows.
        needs: argument -> name of the row whose run folder it is given. It is that of the same
            seed, or the only one. Rows that are needed are trained first.
        reference_of: (row, what was measured beside it): the ceiling, the floor, a classical
            method, or a further setting of the run such as ``temperature 0.5``.
        published: figure -> what a paper says of it.
        source: where ``published`` stands.
        control: the row that differences are taken to, seed by seed.
        at: which step's figures: ``last``, ``best``, or ``seconds<=1200``, the last evaluation
            within so many seconds of training (never a later one).
        seeds: how many, from 0 on; a run for each.
        side_by_side: all seeds in one run (``num_seeds`` of an Experiment).
        group: the heading that the row stands under; a column is one protocol within a group.
    """

    experiment: str | None = None
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    measure_fn: Callable[..., Mapping[str, Estimate]] | None = None
    needs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reference_of: tuple[str, str] | None = None
    published: Mapping[str, Estimate | str] = dataclasses.field(default_factory=dict)
    source: str = ""
    control: str | None = None
    at: str = "last"
    seeds: int = 1
    side_by_side: bool = False
    group: str = ""

    def __post_init__(self):
        kinds = [
            name
            for name in ("experiment", "measure_fn", "reference_of")
            if getattr(self, name) is not None
        ]
        if len(kinds) > 1 or not (kinds or self.published):
            raise ValueError(
                "a row is exactly one of experiment, measure_fn and reference_of, or published "
                f"alone; this one is {' and '.join(kinds) or 'none of them'}"
            )
        if not _AT.fullmatch(self.at):
            raise ValueError(f"at must be last, best or seconds<=NUMBER, got {self.at!r}")
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, got {self.seeds}")
        if self.side_by_side and self.experiment is None:
            raise ValueError("side_by_side belongs to a row with an experiment")
        if taken := {"seed", *self.needs} & set(self.arguments):
            raise ValueError(
                f"the table itself sets {', '.join(sorted(taken))}: leave it out of arguments"
            )
        if "num_seeds" in self.options:
            raise ValueError("num_seeds is no option of a row: say seeds and side_by_side")
        if self.published and not self.source:
            raise ValueError("published values need their source: name the paper and its table")

    @property
    def kind(self) -> Literal["experiment", "measure_fn", "reference_of", "published"]:
        """Which of the four it is."""
        for name in ("experiment", "measure_fn", "reference_of"):
            if getattr(self, name) is not None:
                return name
        return "published"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """A figure of every row.

    Attributes:
        figure: ``EVALUATOR/FIGURE`` of ``figures.jsonl``, such as ``quality/frechet``, or
            ``metrics:NAME`` of ``metrics.jsonl``, such as ``metrics:discriminator/loss``.
        label: for people; the evaluator's own by default.
        better: ``less`` or ``more``; the evaluator's own by default. It says which seed is worst.
        digits: after the point, of the mean; the evaluator's own by default.
    """

    figure: str
    label: str | None = None
    better: Literal["less", "more"] | None = None
    digits: int | None = None

    def __post_init__(self):
        if not _FIGURE.fullmatch(self.figure):
            raise ValueError(
                f"a column is EVALUATOR/FIGURE or metrics:NAME, such as quality/frechet or "
                f"metrics:discriminator/loss, got {self.figure!r}"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A comparison over runs.

    Attributes:
        name: of the folder under ``runs/``.
        rows: name -> row; the name is that of the row's folder.
        columns: the figures.
        title: a heading.
        over: argument -> values: every run is made once for each (each combination, of several
            arguments), and a seed's value is the mean over them. So errors are over seeds, never
            over digits or tasks.
        plane: two of the columns' figures, which are drawn against each other too, in ``plane.png``:
            what one costs in the other.
        one_machine: refuse to stand figures of two machines side by side, as in tables of speed.
    """

    name: str
    rows: Mapping[str, Row]
    columns: Sequence[Column]
    title: str = ""
    over: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)
    plane: tuple[str, str] | None = None
    one_machine: bool = False

    def __post_init__(self):
        if not self.rows or not self.columns:
            raise ValueError("a table has at least one row and one column")
        figures = [column.figure for column in self.columns]
        if len(set(figures)) < len(figures):
            raise ValueError(f"two columns hold one figure: {', '.join(figures)}")
        if lost := [figure for figure in self.plane or () if figure not in figures]:
            raise ValueError(f"the plane's {', '.join(lost)} is of no column")
        if empty := [name for name, values in self.over.items() if not values]:
            raise ValueError(f"over has no value of {', '.join(empty)}")
        folders = [f"{key}_{value}" for key, values in self.over.items() for value in values]
        if wrong := [folder for folder in folders if not _ROW.fullmatch(folder)]:
            raise ValueError(f"over: {', '.join(wrong)} cannot be the name of a folder")
        for name, row in self.rows.items():
            try:
                self._check(name, row, figures)
            except ValueError as error:
                raise ValueError(f"row {name}: {error}") from None
        for name in self.rows:
            self.needed([name])  # raises where rows need each other

    def _check(self, name: str, row: Row, figures: Sequence[str]) -> None:
        if not _ROW.fullmatch(name):
            raise ValueError("a row's name is that of a folder: letters, digits, '.', '_' and '-'")
        if twice := set(self.over) & set(row.arguments):
            raise ValueError(f"its argument {', '.join(sorted(twice))} is in the table's over, too")
        if unknown := sorted(set(row.published) - set(figures)):
            raise ValueError(f"published {', '.join(unknown)} is of no column")
        if row.reference_of is not None:
            self._check_run(row.reference_of[0], f"reference_of {row.reference_of[0]!r}")
        for argument, needed in row.needs.items():
            self._check_run(needed, f"needs {argument}={needed!r}")
            if self.rows[needed].seeds not in (1, row.seeds):
                raise ValueError(
                    f"it has {row.seeds} seeds and needs {needed}, which has "
                    f"{self.rows[needed].seeds}: expected as many, or one"
                )
        if row.control is not None:
            self._check_control(row)

    def _check_run(self, name: str, said: str) -> None:
        if name not in self.rows or self.rows[name].experiment is None:
            raise ValueError(f"{said} is no row with an experiment")

    def _check_control(self, row: Row) -> None:
        control = self.rows.get(row.control)
        if control is None:
            raise ValueError(f"its control {row.control!r} is no row of this table")
        if control.kind not in ("experiment", "measure_fn") or control.kind == "published":
            raise ValueError(f"its control {row.control!r} has no seeds to pair with")
        if row.kind in ("experiment", "measure_fn") and row.seeds != control.seeds:
            raise ValueError(
                f"it has {row.seeds} seeds and its control {row.control} has {control.seeds}: "
                "differences are taken seed by seed, so give both as many"
            )
        if row.group != control.group:
            raise ValueError(f"its control {row.control} stands in another group")

    def tasks(self) -> list[dict[str, Any]]:
        """Every combination of the values of ``over``; one empty one without them."""
        return [
            dict(zip(self.over, values, strict=True)) for values in product(*self.over.values())
        ]

    def needed(self, names: Sequence[str]) -> list[str]:
        """These rows and those that they need, each after what it needs.

        Raises:
            ValueError: no such row, or rows that need each other.
        """
        order: list[str] = []
        for name in names or self.rows:
            self._visit(name, order, ())
        return order

    def _visit(self, name: str, order: list[str], above: tuple[str, ...]) -> None:
        if name not in self.rows:
            near = difflib.get_close_matches(name, self.rows, n=1)
            advice = f"did you mean {near[0]}? " if near else ""
            raise ValueError(f"no row {name}: {advice}expected some of {', '.join(self.rows)}")
        if name in above:
            raise ValueError(f"rows need each other: {' -> '.join([*above, name])}")
        row = self.rows[name]
        reference = [row.reference_of[0]] if row.reference_of else []
        for needed in (*row.needs.values(), *reference):
            self._visit(needed, order, (*above, name))
        if name not in order:
            order.append(name)


def with_seeds_and_steps(
    table: Table, *, num_seeds: int | None = None, steps: int | None = None
) -> Table:
    """The same table with other numbers of seeds and steps in every row of its own runs.

    Args:
        table: the table.
        num_seeds: seeds of every row; its own without it.
        steps: rounds of every run; its own without it.
    """

    def changed(row: Row) -> Row:
        if row.kind in ("reference_of", "published"):
            return row
        if num_seeds is not None:
            row = dataclasses.replace(row, seeds=num_seeds)
        if steps is not None and row.kind == "experiment":
            row = dataclasses.replace(row, arguments={**row.arguments, "steps": steps})
        return row

    return dataclasses.replace(table, rows={name: changed(row) for name, row in table.rows.items()})
