"""The batch of step n, as a pure function of (source, seed, n).

The order is Grain's: ``MapDataset.range(len(source)).seed(seed).shuffle().repeat()``, a new
permutation in every epoch, batches running across the border of epochs. Since the batch is
addressed by the step, a resumed run has nothing to replay.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import grain
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.arrays import ArraySource, Source, read_many
from gan_jax.data.prepare import ExampleFn, prepare_examples

Tree = dict[str, np.ndarray]


class Feed(NamedTuple):
    """How batches reach the device.

    Attributes:
        resident: arrays that live on the device for the whole run.
        feed_fn: ``(step, count) -> tree`` of host arrays ``[count, steps_per_round, B, ...]``.
        load_fn: ``(resident, one step of that tree, key) -> batch``; pure, runs on the device. The
            key is the data's, the same at every step.
        streamed: whether ``feed_fn`` reads examples, so that it is worth reading ahead.
    """

    resident: Any
    feed_fn: Callable[[int, int], Any]
    load_fn: Callable[[Any, Any, jax.Array], dict[str, Any]]
    streamed: bool = False


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
        self.source = source
        self.shape = (steps_per_round, batch_size)
        self._rows = share(batch_size, process_index, process_count)
        self._order = grain.MapDataset.range(len(source)).seed(seed).shuffle().repeat()

    def indices(self, step: int, count: int = 1) -> np.ndarray:
        """Which examples steps ``step .. step + count - 1`` take: ``[count, rounds, B]`` int32."""
        size = self.shape[0] * self.shape[1]
        order = [self._order[i] for i in range(step * size, (step + count) * size)]
        return np.array(order, np.int32).reshape(count, *self.shape)[:, :, self._rows]

    def __getitem__(self, step: int) -> Tree:
        return _read(self.source, self.indices(step)[0])

    def places(self, step: int, count: int = 1) -> np.ndarray:
        """Where the examples of :meth:`indices` stand in the run's stream; uint32, that shape."""
        return stream_places(self.shape, step, count)[:, :, self._rows]

    def feed(self, prepare_fn: ExampleFn, *, augment_fn: ExampleFn | None = None) -> Feed:
        """Batches for the device: gathered there if the source is in memory, else sent there.

        Args:
            prepare_fn: ``(key, example) -> fields``, one example of the source to what the game
                calls it: ``real``, ``condition``, ``input``. On the device.
            augment_fn: ``(key, fields) -> fields``, one prepared example, in training only.

        Each example gets keys of its own place in the stream, so that what is drawn for it is a
        function of (key, step) whatever the devices are.
        """
        resident = self.source.arrays if isinstance(self.source, ArraySource) else None

        def feed_fn(step: int, count: int) -> Any:
            indices, places = self.indices(step, count), self.places(step, count)
            examples = indices if resident is not None else _read(self.source, indices)
            return {"examples": examples, "places": places}

        def load_fn(resident: Any, tree: Any, key: jax.Array) -> dict[str, Any]:
            examples = tree["examples"]
            if resident:
                examples = {name: jnp.take(a, examples, 0) for name, a in resident.items()}
            return prepare_examples(prepare_fn, augment_fn, key, tree["places"], examples)

        return Feed(resident or {}, feed_fn, load_fn, streamed=resident is None)


def share(batch_size: int, process_index: int, process_count: int) -> slice:
    """The rows of a batch that a process reads.

    Raises:
        ValueError: the processes do not divide it.
    """
    if batch_size % process_count:
        raise ValueError(
            f"batch_size {batch_size} must be a multiple of the {process_count} processes"
        )
    size = batch_size // process_count
    return slice(process_index * size, (process_index + 1) * size)


def stream_places(shape: tuple[int, int], step: int, count: int) -> np.ndarray:
    """Where the examples of ``count`` steps stand in a stream of batches: ``[count, *shape]`` uint32."""
    size = shape[0] * shape[1]
    stream = np.arange(step * size, (step + count) * size, dtype=np.uint64).astype(np.uint32)
    return stream.reshape(count, *shape)


def side_by_side(feeds: list[Feed]) -> Feed:
    """The feeds of several seeds of one source: a leading axis for the seeds, the data only once."""

    def feed_fn(step: int, count: int) -> Any:
        trees = [feed.feed_fn(step, count) for feed in feeds]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)

    return feeds[0]._replace(feed_fn=feed_fn)


def _read(source: Source, indices: np.ndarray) -> Tree:
    if isinstance(source, ArraySource):
        return source[indices]
    examples = read_many(source, indices.ravel())
    return {
        name: np.stack([example[name] for example in examples]).reshape(
            *indices.shape, *np.shape(examples[0][name])
        )
        for name in examples[0]
    }
