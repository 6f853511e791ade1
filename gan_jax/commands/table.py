"""Runs a table over runs: ``python -m gan_jax table FILE --rows a b --num-seeds 3``.

Its options: ``[--rows ...] [--num-seeds N] [--steps N] [--out DIR] [--data-dir DIR]``.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from gan_jax.commands.command import as_command
from gan_jax.tables import Table, run_rows, with_seeds_and_steps, write


@as_command
def table(
    file: Annotated[Path, tyro.conf.Positional],
    *,
    rows: tuple[str, ...] = (),
    num_seeds: int | None = None,
    steps: int | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
) -> None:
    """Runs the rows of a table, one after another, and writes it; what is finished is not run again.

    Args:
        file: a Python file with ``def table() -> Table``.
        rows: names of rows, which are run with those that they need; all of them by default.
        num_seeds: of each row; the table's own without it.
        steps: a shorter budget for every run of these rows; the table's own without it.
        out: folder of the runs and of table.md, table.json and table.png; runs/NAME by default.
        data_dir: a folder of prepared data sets, for experiments that have this argument.
    """
    if num_seeds is not None and num_seeds < 1:
        raise ValueError(f"--num-seeds must be at least 1, got {num_seeds}")
    made = with_seeds_and_steps(load_table(file), num_seeds=num_seeds, steps=steps)
    out = out or Path("runs") / made.name
    made.needed(rows)  # an unknown row, before anything is written
    write(made, out)  # what cannot stand side by side, before anything is trained
    where = dict(folder=file.parent, data_dir=data_dir)
    run_rows(made, out, rows=rows, **where, after_row_fn=lambda name: write(made, out))
    print(f"table    {out / 'table.md'}")


def main(table_fn: Callable[[], Table]) -> None:
    """The command of one table, at the end of its file: ``main(table)``.

    Args:
        table_fn: the file's function ``table``.
    """
    file = inspect.getfile(table_fn)
    tyro.cli(table, args=[file, *sys.argv[1:]], prog=Path(file).name)


def load_table(file: Path) -> Table:
    """The table that a Python file defines.

    Args:
        file: with ``def table() -> Table``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it has no ``table``.
        TypeError: ``table()`` gives something else.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} is missing: expected a Python file with `def table() -> Table`"
        )
    if file.suffix != ".py":
        raise ValueError(f"{file} is no Python file: expected one with `def table() -> Table`")
    spec = importlib.util.spec_from_file_location(f"gan_jax_table_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "table"):
        raise ValueError(f"{file} defines no function `table() -> Table`")
    made = module.table()
    if not isinstance(made, Table):
        raise TypeError(f"{file}: table() gave {type(made).__name__}, expected a Table")
    return made
