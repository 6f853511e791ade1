"""Trees of rows in blocks of one size: one shape, one compilation."""

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np

from gan_jax.data.dataset import BLOCK

Tree = Any  # of arrays with one leading axis


def num_rows(tree: Tree) -> int:
    """The length of the leading axis; 0 of a tree without leaves."""
    leaves = jax.tree.leaves(tree)
    return len(leaves[0]) if leaves else 0


def in_blocks(parts: Iterable[Tree]) -> Iterator[Tree]:
    """The same rows, 240 in each block but the last: row i stands in block i // 240.

    Args:
        parts: NumPy trees of any numbers of rows.
    """
    held = None
    for part in parts:
        held = part if held is None else jax.tree.map(lambda *a: np.concatenate(a), held, part)
        while num_rows(held) >= BLOCK:
            yield jax.tree.map(lambda leaf: leaf[:BLOCK], held)
            held = jax.tree.map(lambda leaf: leaf[BLOCK:], held)
    if num_rows(held):
        yield held


def filled(tree: Tree) -> Tree:
    """A whole block: rows from the first on again stand where there were none."""
    length = num_rows(tree)
    if length == BLOCK:
        return tree
    return jax.tree.map(lambda leaf: leaf[np.arange(BLOCK) % length], tree)
