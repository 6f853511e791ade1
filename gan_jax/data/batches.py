"""The batch of step n, as a pure function of (source, seed, n).

The order is Grain's: ``MapDataset.range(len(source)).seed(seed).shuffle().repeat()``, a new
permutation in every epoch, batches running across the border of epochs. Since the batch is
addressed by the step, a resumed run has nothing to replay.
"""

from collections.abc import Callable
from typing import NamedTuple

import grain
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.arrays import ArraySource, Source

Tree = dict[str, np.ndarray]


class Feed(NamedTuple):
    """How batches reach the device.

    Attributes:
        resident: arrays that live on the device for the whole run.
        feed_fn: ``(step, count) -> tree`` of host arrays ``[count, steps_per_round, B, ...]``.
        load_fn: ``(resident, one step of that tree) -> batch``; pure, runs on the device.
    """

    resident: Tree
    feed_fn: Callable[[int, int], Tree]
    load_fn: Callable[[Tree, dict[str, jax.Array]], dict[str, jax.Array]]


class Batches:
    """``batches[n] -> dict`` of arrays ``[steps_per_round, batch_size, ...]``.

    Args:
        source: the examples.
        batch_size: B, the global batch; at most ``len(source)``.
        seed: of the order.
        steps_per_round: batches per step of the game (its discriminator steps).
        process_index: this process reads rows ``[i B / P, (i + 1) B / P)`` of every batch.
        process_count: P, which divides the batch size.

    Raises:
        ValueError: the batch is empty, larger than the source, or not divisible.
    """

    def __init__(
        self,
        source: Source,
        *,
        batch_size: int,
        seed: int,
        steps_per_round: int = 1,
        process_index: int = 0,
        process_count: int = 1,
    ):
        if not 1 <= batch_size <= len(source):
            raise ValueError(
                f"batch_size must be between 1 and the {len(source)} examples of the data set, "
                f"got {batch_size}"
            )
        if batch_size % process_count:
            raise ValueError(
                f"batch_size {batch_size} must be a multiple of the {process_count} processes"
            )
        self.source = source
        self.shape = (steps_per_round, batch_size)
        share = batch_size // process_count
        self._rows = slice(process_index * share, (process_index + 1) * share)
        self._order = grain.MapDataset.range(len(source)).seed(seed).shuffle().repeat()

    def indices(self, step: int, count: int = 1) -> np.ndarray:
        """Which examples steps ``step .. step + count - 1`` take: ``[count, rounds, B]`` int32."""
        size = self.shape[0] * self.shape[1]
        order = [self._order[i] for i in range(step * size, (step + count) * size)]
        return np.array(order, np.int32).reshape(count, *self.shape)[:, :, self._rows]

    def __getitem__(self, step: int) -> Tree:
        return _read(self.source, self.indices(step)[0])

    def feed(self, prepare_fn: Callable[[dict], dict]) -> Feed:
        """Batches for the device: gathered there if the source is in memory, else sent there.

        Args:
            prepare_fn: fields of the source ``[rounds, B, ...]`` -> ``real`` and ``condition``;
                on the device.
        """
        if isinstance(self.source, ArraySource):
            return Feed(
                resident=self.source.arrays,
                feed_fn=lambda step, count: {"index": self.indices(step, count)},
                load_fn=lambda resident, feed: prepare_fn(
                    {name: jnp.take(array, feed["index"], 0) for name, array in resident.items()}
                ),
            )
        return Feed(
            resident={},
            feed_fn=lambda step, count: _read(self.source, self.indices(step, count)),
            load_fn=lambda resident, feed: prepare_fn(feed),
        )


def _read(source: Source, indices: np.ndarray) -> Tree:
    if isinstance(source, ArraySource):
        return source[indices]
    examples = [source[int(i)] for i in indices.ravel()]
    return {
        name: np.stack([example[name] for example in examples]).reshape(
            *indices.shape, *np.shape(examples[0][name])
        )
        for name in examples[0]
    }
