"""A sampler draws what a game makes, block by block: for evaluators, artefacts and notebooks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.dataset import BLOCK, Data, Part
from gan_jax.drawing.players import DrawFn, Players, Rows, Tree
from gan_jax.drawing.walk import between

LatentsFn = Callable[[jax.Array, int], Tree]  # (key, num) -> a tree of num rows
BlockFn = Callable[[jax.Array, Tree, Rows], Tree]


class Drawn(NamedTuple):
    """Samples, with what they were made from; every leaf has one leading axis.

    Attributes:
        samples: what the draw function made; NumPy.
        rows: the fields that it was given: conditions, inputs, the paired truth; NumPy.
        latents: NumPy, but for PRNG keys.
    """

    samples: Tree
    rows: Rows
    latents: Tree


class Sampler:
    """Draws samples in blocks of 240, each of its own key: sample i is the same for every number.

    Args:
        block_fn: ``(key, latents, rows) -> samples`` of one block; the key is for networks that
            draw by themselves.
        latents_fn: ``(key, num) -> latents``; None gives each row a key of its own.
        key: that everything is drawn from.
        players: of a game, or None, as for a reference.
        data: whose rows samples are made from.
        given: other rows, taken again from the first on where more are drawn; then no data are
            read.
        num: how many samples, where a call names no number; None is every row once.
        options: fields of one number for all rows, such as ``{"truncation": 0.7}``.
    """

    def __init__(
        self,
        block_fn: BlockFn,
        latents_fn: LatentsFn | None,
        key: jax.Array,
        *,
        players: Players | None = None,
        data: Data | None = None,
        given: Rows | None = None,
        num: int | None = None,
        options: Mapping[str, float] | None = None,
    ):
        self.players, self.data, self.num = players, data, num
        self._block_fn, self._latents_fn, self._key = block_fn, latents_fn or one_key_a_row, key
        self._given, self._options = given, dict(options or {})

    def __call__(
        self,
        num: int | None = None,
        *,
        part: Part = "held_out",
        of: str | None = None,
        rows: Rows | None = None,
        **options: float,
    ) -> Iterator[Drawn]:
        """Blocks of samples, at most 240 in each.

        Args:
            num: how many; the sampler's own number without it.
            part: of the data, whose rows samples are made from: ``held_out`` or ``training``.
            of: of several sources, the rows of this one.
            rows: rows of your own instead.
            **options: fields of one number for all rows, beside the sampler's own.

        Raises:
            ValueError: there are no rows.
        """
        num = self.num if num is None else num
        for index, block in enumerate(self._blocks(num, part, of, rows)):
            yield self._block(index, block, self._options | options)

    def block(self, index: int, count: int = BLOCK) -> Drawn:
        """One block alone, of rows that are given: what a call gives at this place.

        Args:
            index: of the block, from 0.
            count: rows of it.
        """
        return self._block(index, self._turned(index * BLOCK, count, self._given), self._options)

    def _block(self, index: int, block: Rows, options: Mapping[str, float]) -> Drawn:
        count, latents = _length(block), self._latents(index)
        block = block | _same_in_all(options, count)
        samples = _first(self._drawn(index, latents, _filled(block)), count)
        return Drawn(samples, block, jax.tree.map(lambda a: a[:count], latents))

    def draw(self, num: int | None = None, **options: Any) -> Drawn:
        """All blocks at once; arguments as of a call, 64 samples where no number is named."""
        blocks = list(self(num or self.num or 64, **options))
        if len(blocks) == 1:
            return blocks[0]
        samples = jax.tree.map(lambda *a: np.concatenate(a), *(b.samples for b in blocks))
        rows = jax.tree.map(lambda *a: np.concatenate(a), *(b.rows for b in blocks))
        return Drawn(samples, rows, jax.tree.map(_joined, *(b.latents for b in blocks)))

    def walk(
        self, pairs: Sequence[tuple[int, int]], frames: int, *, rows: Rows | None = None,
        **options: float,
    ) -> Drawn:  # fmt: skip
        """Samples on the way from one to another: latents of floating point are interpolated.

        The ends are the samples of those numbers bit for bit, where the networks draw nothing by
        themselves. Rows (conditions, inputs), integers and keys stay those of the first.

        Args:
            pairs: numbers of samples: from, to.
            frames: of each pair, both ends among them; at least 2.
            rows: as of a call.
            **options: as of a call.

        Returns:
            ``len(pairs) * frames`` samples, pair by pair.

        Raises:
            ValueError: there is no such sample, no pair, or too few frames.
        """
        if frames < 2 or not len(pairs):
            raise ValueError(f"a walk needs a pair and 2 frames, got {len(pairs)} and {frames}")
        if (least := min(map(min, pairs))) < 0:
            raise ValueError(f"samples are numbered from 0, got {least}")
        first, second = (self._latents_of([pair[i] for pair in pairs]) for i in (0, 1))
        latents = jax.tree.map(lambda a, b: between(a, b, frames), first, second)
        chosen = self._rows_of([pair[0] for pair in pairs], rows)
        given = jax.tree.map(lambda leaf: np.repeat(leaf, frames, 0), chosen)
        return self._through(latents, given, options)

    def _through(self, latents: Tree, rows: Rows, options: Mapping[str, float]) -> Drawn:
        """Samples of latents that are there already."""
        total, parts = _length(latents), []
        rows = rows | _same_in_all(self._options | options, total)
        for start in range(0, total, BLOCK):
            part, given = (
                jax.tree.map(lambda a, s=start: a[s : s + BLOCK], tree) for tree in (latents, rows)
            )
            samples = self._drawn(0, _filled(part), _filled(given))
            parts.append(_first(samples, _length(part)))
        return Drawn(jax.tree.map(lambda *a: np.concatenate(a), *parts), rows, latents)

    def _block_key(self, index: int) -> jax.Array:
        return jax.random.fold_in(self._key, index)

    def _latents(self, index: int) -> Tree:
        latents = self._latents_fn(jax.random.split(self._block_key(index))[0], BLOCK)
        return jax.tree.map(_on_host, latents)

    def _latents_of(self, numbers: Sequence[int]) -> Tree:
        blocks = {index: self._latents(index) for index in {n // BLOCK for n in numbers}}
        rows = [
            jax.tree.map(lambda a, n=n: a[n % BLOCK : n % BLOCK + 1], blocks[n // BLOCK])
            for n in numbers
        ]
        return jax.tree.map(_joined, *rows)

    def _drawn(self, index: int, latents: Tree, rows: Rows) -> Tree:
        return self._block_fn(jax.random.split(self._block_key(index))[1], latents, rows)

    def _rows_of(self, numbers: Sequence[int], rows: Rows | None) -> Rows:
        last = max(numbers) + 1
        blocks = list(self._blocks(last, "held_out", None, rows))
        whole = jax.tree.map(lambda *a: np.concatenate(a), *blocks)
        return jax.tree.map(lambda leaf: leaf[list(numbers)], whole)

    def _blocks(
        self, num: int | None, part: Part, of: str | None, rows: Rows | None
    ) -> Iterator[Rows]:
        rows = self._given if rows is None else rows
        if rows is not None:
            length = _length(rows)
            num = length if num is None else num
            for start in range(0, num, BLOCK):
                yield self._turned(start, min(BLOCK, num - start), rows)
            return
        if self.data is None:
            raise ValueError("no rows to draw from: this sampler has neither data nor given rows")
        left = self.data.size(part, of=of) if num is None else num
        while left > 0:  # more than there are: from the first on
            for block in self.data.rows(part, min(left, self.data.size(part, of=of)), of=of):
                left -= _length(block)
                yield block

    @staticmethod
    def _turned(start: int, count: int, rows: Rows) -> Rows:
        """Given rows from a place on, from the first on where there are no more."""
        places, length = np.arange(start, start + count), _length(rows)
        if not length:  # no field: the place stands for the row, of samples of latents alone
            return {"id": places.astype(np.uint32)}
        return jax.tree.map(lambda leaf: leaf[places % length], rows)


def one_key_a_row(key: jax.Array, num: int) -> jax.Array:
    """Latents of a reference: whatever it draws for a row follows from that row's key."""
    return jax.random.split(key, num)


def real(players: Players | None, latents: Tree, rows: Rows) -> Tree:
    """A reference: the real examples themselves."""
    return rows["real"]


def noise(players: Players | None, latents: Tree, rows: Rows) -> Tree:
    """A reference: uniform noise in [-1, 1], in the shape of the real examples."""
    return uniform_noise(-1.0, 1.0)(players, latents, rows)


def uniform_noise(low: Any, high: Any) -> DrawFn:
    """A reference: uniform noise in the shape of the real examples.

    Args:
        low: the least value, a number or one for each place of an example.
        high: the greatest.
    """

    def draw_fn(players: Players | None, latents: Tree, rows: Rows) -> Tree:
        shape = np.shape(rows["real"])[1:]
        return jax.vmap(lambda key: jax.random.uniform(key, shape, minval=low, maxval=high))(
            latents
        )

    return draw_fn


def _length(tree: Any) -> int:
    leaves = jax.tree.leaves(tree)
    return len(leaves[0]) if leaves else 0


def _first(samples: Tree, num: int) -> Tree:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:num], samples)


def _same_in_all(fields: Mapping[str, float], num: int) -> dict[str, np.ndarray]:
    return {name: np.full(num, value, np.float32) for name, value in fields.items()}


def _filled(tree: Tree) -> Tree:
    """A whole block, by rows from the first on: one shape, one compilation."""
    length = _length(tree)
    if length == BLOCK:
        return tree
    return jax.tree.map(lambda leaf: leaf[np.arange(BLOCK) % length], tree)


def _on_host(leaf: jax.Array) -> Any:
    """NumPy's, but for PRNG keys, which NumPy does not know."""
    return leaf if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else np.asarray(leaf)


def _joined(*leaves: Any) -> Any:
    keys = jnp.issubdtype(leaves[0].dtype, jax.dtypes.prng_key)
    return jnp.concatenate(leaves) if keys else np.concatenate(leaves)
