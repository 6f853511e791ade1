"""Several sources in one batch, each in its own order: unpaired data."""

from collections.abc import Mapping
from typing import Any

import jax

from gan_jax.data.batches import Feed
from gan_jax.data.named import BESIDE, beside
from gan_jax.game.keys import named


def merged(feeds: Mapping[str, Feed], unnamed: Feed | None = None) -> Feed:
    """One feed of several: the batch holds, under each name, the batch of that feed.

    The feeds may have different lengths and different numbers of rows, and each keeps its own
    order. Give their :class:`gan_jax.data.Batches` the seeds of :func:`gan_jax.data.named.seed_of`:
    with one seed two sources of equal length would be shuffled alike.

    Args:
        feeds: name -> feed; ``{"a": ..., "b": ...}`` makes ``{"a": {"real": ...}, "b": {"real":
            ...}}``.
        unnamed: a feed whose fields stand beside those names, such as ``real``.

    Raises:
        ValueError: there is no feed.
    """
    if not feeds and unnamed is None:
        raise ValueError(
            "merged needs at least one feed, got none: merged({'a': feed_a, 'b': feed_b})"
        )
    feeds = dict(feeds) | ({} if unnamed is None else {BESIDE: unnamed})

    def feed_fn(step: int, count: int) -> dict[str, Any]:
        return {name: feed.feed_fn(step, count) for name, feed in feeds.items()}

    def load_fn(resident: Any, tree: Any, key: jax.Array) -> dict[str, Any]:
        batch = {
            name: feed.load_fn(resident[name], tree[name], named(key, name))
            for name, feed in feeds.items()
        }
        return beside(batch)

    return Feed(
        resident={name: feed.resident for name, feed in feeds.items()},
        feed_fn=feed_fn,
        load_fn=load_fn,
        streamed=any(feed.streamed for feed in feeds.values()),
    )
