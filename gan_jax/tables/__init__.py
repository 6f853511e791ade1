"""Tables over runs: rows that are trained one after another, and columns with errors over seeds.

A file with ``def table() -> Table`` is run by ``python -m gan_jax table FILE``.
"""

from gan_jax.tables.cells import Comparison, collect
from gan_jax.tables.comparison import Measured, compare
from gan_jax.tables.plan import Planned, plan
from gan_jax.tables.render import write
from gan_jax.tables.row_cells import RowCells
from gan_jax.tables.running import run_rows, train_here
from gan_jax.tables.statistics import Cell
from gan_jax.tables.table import Column, Row, Table, with_seeds_and_steps

__all__ = [
    "Cell",
    "Column",
    "Comparison",
    "Measured",
    "Planned",
    "Row",
    "RowCells",
    "Table",
    "collect",
    "compare",
    "plan",
    "run_rows",
    "train_here",
    "with_seeds_and_steps",
    "write",
]
