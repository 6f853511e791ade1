"""Trees of rows in blocks of one size: one shape, one compilation."""

from collections.abc import Iterable, Iterator, Mapping
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


def from_place(start: int, count: int, rows: Mapping[str, Any]) -> dict[str, Any]:
    """So many rows from a place on; from the first on again where there are no more.

    Rows without any field get their places as ``id``: they are of samples of latents alone.
    """
    places, length = np.arange(start, start + count), num_rows(rows)
    if not length:
        return {"id": places.astype(np.uint32)}
    return jax.tree.map(lambda leaf: leaf[places % length], rows)
