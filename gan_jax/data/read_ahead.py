"""Feeds that are read while the steps before them run, in order."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grain
from absl import flags

_THREADS = 4
_AHEAD = 4  # feeds that are ready at most, for each thread pool or worker process


def read_ahead(
    feed_fn: Callable[[int, int], Any], steps: range, *, num_workers: int = 0
) -> Iterator[Any]:
    """``feed_fn(step, steps.step)`` for each step of the range: what is read does not depend on how.

    Args:
        feed_fn: as of :class:`gan_jax.data.batches.Feed`.
        steps: the first step of each feed.
        num_workers: processes that read; 0 reads in threads of this one, which is enough where decoding
            leaves Python's lock, as Pillow's does.

    Raises:
        ValueError: a negative number of workers.
    """
    if num_workers < 0:
        raise ValueError(f"num_workers must not be negative, got {num_workers}")
    read = partial(_read, feed_fn, steps.step)
    dataset = grain.MapDataset.range(steps.start, steps.stop, steps.step).map(read)
    feeds = dataset.to_iter_dataset(grain.ReadOptions(_THREADS, _AHEAD))
    if num_workers:
        if not flags.FLAGS.is_parsed():  # Grain asks absl for a flag, and this is no absl program
            flags.FLAGS.mark_as_parsed()
        feeds = feeds.mp_prefetch(grain.MultiprocessingOptions(num_workers, _AHEAD))
    return iter(feeds)


def _read(feed_fn: Callable[[int, int], Any], count: int, step: int) -> Any:
    return feed_fn(int(step), count)
