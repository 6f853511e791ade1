"""Batches drawn with replacement, on the device: no work of the host between two steps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.arrays import ArraySource
from gan_jax.data.batches import Feed, share, stream_places
from gan_jax.data.prepare import ExampleFn, prepare_examples
from gan_jax.game.keys import example_keys


class Draws:
    """As :class:`gan_jax.data.batches.Batches`, but every example is drawn independently.

    Which one follows from the run's key and its place in the stream, so a resume has nothing to
    replay. For small games, where the host's shuffling would take longer than the step.

    Args:
        source: the examples, in memory.
        batch_size: B, at least 1.
        seed: not used: the order follows from the key that ``load_fn`` is given.
        steps_per_round: batches per step of the game.
        process_index: this process draws rows ``[i B / P, (i + 1) B / P)`` of every batch.
        process_count: P, which divides the batch size.

    Raises:
        ValueError: the batch is empty, or not divisible.
        TypeError: the source is not in memory.
    """

    def __init__(
        self,
        source: ArraySource,
        *,
        batch_size: int,
        seed: int = 0,
        steps_per_round: int = 1,
        process_index: int = 0,
        process_count: int = 1,
    ):
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if not isinstance(source, ArraySource):
            raise TypeError(
                f"Draws takes a source in memory, got {type(source).__name__}: wrap it in in_memory(...)"
            )
        self.source = source
        self.shape = (steps_per_round, batch_size)
        self._rows = share(batch_size, process_index, process_count)

    def places(self, step: int, count: int = 1) -> np.ndarray:
        """Where the examples of ``count`` steps stand in the run's stream; ``[count, rounds, B]`` uint32."""
        return stream_places(self.shape, step, count)[:, :, self._rows]

    def feed(self, prepare_fn: ExampleFn, *, augment_fn: ExampleFn | None = None) -> Feed:
        """As :meth:`gan_jax.data.batches.Batches.feed`, gathered on the device."""
        num = len(self.source)

        def choose(key: jax.Array, place: jax.Array) -> jax.Array:
            return jax.random.randint(example_keys(key, place).choice, (), 0, num)

        def load_fn(resident: Any, places: jax.Array, key: jax.Array) -> dict[str, Any]:
            index = jax.vmap(jax.vmap(choose, (None, 0)), (None, 0))(key, places)
            examples = {name: jnp.take(a, index, 0) for name, a in resident.items()}
            return prepare_examples(prepare_fn, augment_fn, key, places, examples)

        return Feed(self.source.arrays, self.places, load_fn)
