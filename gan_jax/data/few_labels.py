"""Batches of a data set of which only a few examples are labelled."""

from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.arrays import ArraySource
from gan_jax.data.batches import Batches, Feed
from gan_jax.data.named import seed_of
from gan_jax.data.prepare import ExampleFn
from gan_jax.game.keys import named

LABELED = "labeled"  # the batch's field


def few_labeled(labels: np.ndarray, num_labels: int, *, seed: int) -> np.ndarray:
    """Places of labelled examples, equally many of each class, at random.

    Args:
        labels: of every example, integers ``[N]``; the classes are 0 to the greatest of them.
        num_labels: how many keep their label: a multiple of the number of classes.
        seed: which ones.

    Returns:
        ``[num_labels]``, class by class.

    Raises:
        ValueError: a class has no example, or fewer than its share; fewer labels than classes; or no
            equal share for each.
    """
    counts = np.bincount(np.asarray(labels))
    if missing := np.flatnonzero(counts == 0).tolist():
        raise ValueError(
            f"the classes are 0 to {len(counts) - 1}, but {missing} have no example: give the classes "
            "consecutive numbers, or examples of each"
        )
    if num_labels < len(counts) or num_labels % len(counts):
        raise ValueError(
            f"num_labels must be a multiple of the {len(counts)} classes, at least one label each, got "
            f"{num_labels}"
        )
    share = num_labels // len(counts)
    if (least := int(counts.min())) < share:
        raise ValueError(
            f"{num_labels} labels are {share} of each class, but class {int(counts.argmin())} has "
            f"{least} examples: take at most {least * len(counts)} labels"
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    shuffled = np.asarray(labels)[order]
    return np.concatenate([order[shuffled == each][:share] for each in range(len(counts))])


class FewLabels(Batches):
    """Batches of all examples without their labels, and beside them batches of the few labelled ones.

    A batch is ``{"real": [rounds, B, ...], ..., "labeled": {"real": [rounds, L, ...], "label": ...}}``.
    Where there are no more than B labelled examples, each batch holds them all, class by class; else a
    shuffled B of them. Which examples are labelled follows from the seed, so seeds side by side have
    each their own. The data are on the device once.

    Args:
        source: all examples, in memory, with the field ``label``.
        batch_size: B, of the unlabelled ones.
        seed: of the order, and of which examples are labelled.
        num_labels: how many are, as of :func:`few_labeled`.
        label: name of the field of the labels, in the source and among what ``prepare_fn`` makes.
        **options: as of :class:`gan_jax.data.batches.Batches`.

    Raises:
        TypeError: the source is not in memory.
        ValueError: as of :func:`few_labeled`; or there is no such field.
    """

    def __init__(
        self,
        source: ArraySource,
        *,
        batch_size: int,
        seed: int,
        num_labels: int,
        label: str = "label",
        **options: Any,
    ):
        if not isinstance(source, ArraySource):
            raise TypeError(
                f"FewLabels takes a source in memory, got {type(source).__name__}: wrap it in in_memory(...)"
            )
        if label not in source.arrays:
            raise ValueError(f"no field {label!r} in the data, only {sorted(source.arrays)}")
        super().__init__(source, batch_size=batch_size, seed=seed, **options)
        self.label = label
        self.labeled_places = few_labeled(source.arrays[label], num_labels, seed=seed)
        self._few = Batches(
            ArraySource({"place": self.labeled_places}),
            batch_size=min(batch_size, num_labels),
            seed=seed_of(seed, LABELED),
            **options,
        )
        self._all_at_once = num_labels <= batch_size

    @cached_property
    def labeled(self) -> ArraySource:
        """The labelled examples, class by class."""
        return ArraySource(self.source[self.labeled_places], names=self.source.names)

    def feed(self, prepare_fn: ExampleFn, *, augment_fn: ExampleFn | None = None) -> Feed:
        """As :meth:`gan_jax.data.batches.Batches.feed`; augmented are both kinds of rows."""
        every = super().feed(prepare_fn, augment_fn=augment_fn)

        def feed_fn(step: int, count: int) -> Any:
            places = self._few.places(step, count)
            # in one order, where all are there: a permutation costs as much as reading a batch
            within = places % len(self.labeled_places)
            within = within if self._all_at_once else self._few.indices(step, count)
            few = {"examples": self.labeled_places[within].astype(np.int32), "places": places}
            return {"all": every.feed_fn(step, count), LABELED: few}

        def load_fn(resident: Any, tree: Any, key: jax.Array) -> dict[str, Any]:
            few = every.load_fn(resident, tree[LABELED], named(key, LABELED))
            rows = every.load_fn(resident, tree["all"], key)
            rows.pop(self.label, None)  # no term can look at a label that the game does not have
            return {**rows, LABELED: jax.tree.map(jnp.asarray, few)}

        return every._replace(feed_fn=feed_fn, load_fn=load_fn)
