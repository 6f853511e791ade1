"""Batches drawn with replacement, on the device: no work of the host between two steps."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.augment import AugmentFn
from gan_jax.data.arrays import ArraySource
from gan_jax.data.batches import Feed, share, stream_positions


class Draws:
    """As :class:`gan_jax.data.batches.Batches`, but every example is drawn independently.

    Which one follows from the run's key and its position in the stream, so a resume has nothing to
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

    def positions(self, step: int, count: int = 1) -> np.ndarray:
        """Where the examples of ``count`` steps stand in the run's stream; ``[count, rounds, B]`` uint32."""
        return stream_positions(self.shape, step, count)[:, :, self._rows]

    def feed(
        self, prepare_fn: Callable[[dict], dict], *, augment_fn: AugmentFn | None = None
    ) -> Feed:
        """Batches for the device, gathered there.

        Args:
            prepare_fn: fields of the source ``[rounds, B, ...]`` -> ``real`` and ``condition``.
            augment_fn: ``(key, images) -> images``, made to each example of ``real``.
        """
        num = len(self.source)

        def draw_one(key, position):
            return jax.random.randint(jax.random.fold_in(key, position), (), 0, num)

        def augment_one(key, position, example):
            own = jax.random.fold_in(jax.random.fold_in(key, position), 1)
            return augment_fn(own, example[None])[0]

        def each(function, key):
            return jax.vmap(jax.vmap(partial(function, key)))

        def load_fn(resident, positions, key):
            index = each(draw_one, key)(positions)
            batch = prepare_fn({name: jnp.take(a, index, 0) for name, a in resident.items()})
            if augment_fn is not None:
                batch["real"] = each(augment_one, key)(positions, batch["real"])
            return batch

        return Feed(self.source.arrays, self.positions, load_fn)
