"""The data of an experiment: where examples come from, and what is made of them, in one value.

Whatever looks at data takes this: the training loop, evaluators, baselines and tables. So all of
them see the same fields, made by the experiment's own ``prepare_fn``.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, Literal

import jax
import numpy as np

from gan_jax.data.arrays import Source, fingerprint, read_many
from gan_jax.data.batches import Batches
from gan_jax.data.draws import Draws
from gan_jax.data.named import beside
from gan_jax.data.prepare import ExampleFn, image_fields, prepare_examples
from gan_jax.data.subset import Subset

BLOCK = 240  # rows at a time, of what is looked at: shared out evenly by most numbers of devices
Part = Literal["training", "held_out"]
Rows = dict[str, Any]  # a tree of NumPy arrays with one leading axis
Sources = Source | Mapping[str, Source]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data:
    """Examples, and how they become what the game calls them. Building it reads nothing.

    Attributes:
        source_fn: reads the training examples. Unpaired data are a dict of sources, ``{"a": ...,
            "b": ...}``, each shuffled by itself; a batch then holds a batch of each. The fields of
            a source named ``""`` stand beside the names of the others.
        held_out_fn: reads examples that are never trained on.
        held_out_share: without ``held_out_fn``, this share of the source is set aside: which
            examples these are depends on their number alone.
        prepare_fn: ``(key, example) -> fields``: one example to what the game calls it (``real``,
            ``condition``, ``input``), on the device, in training and wherever data are looked at.
            Outside training its key is fixed by the example's place in the source.
        augment_fn: ``(key, fields) -> fields`` of one prepared example, in training only, such as
            ``augment.of_example(augment.flip)``; None takes them as they are.
        batches_fn: how examples are shuffled: :class:`gan_jax.data.Batches` or, for small games,
            :class:`gan_jax.data.draws.Draws`.
        num_workers: processes that read data which is not in memory; 0 reads in threads.
    """

    source_fn: Callable[[], Sources]
    held_out_fn: Callable[[], Sources] | None = None
    held_out_share: float = 0.0
    prepare_fn: ExampleFn = image_fields
    augment_fn: ExampleFn | None = None
    batches_fn: Callable[..., Batches | Draws] = Batches
    num_workers: int = 0

    def __post_init__(self):
        if self.num_workers < 0:
            raise ValueError(f"num_workers must not be negative, got {self.num_workers}")
        if not 0.0 <= self.held_out_share < 1.0:
            raise ValueError(f"held_out_share must be in [0, 1), got {self.held_out_share}")
        if self.held_out_share and self.held_out_fn is not None:
            raise ValueError("held_out_fn reads the held-out examples: leave held_out_share at 0")

    @cached_property
    def _read(self) -> tuple[Sources, Sources | None]:
        source = self.source_fn()
        if self.held_out_fn is not None:
            return source, self.held_out_fn()
        if not self.held_out_share:
            return source, None
        if isinstance(source, Mapping):
            parts = {name: _set_aside(each, self.held_out_share) for name, each in source.items()}
            return tuple({name: pair[i] for name, pair in parts.items()} for i in (0, 1))
        return _set_aside(source, self.held_out_share)

    @property
    def training(self) -> Sources:
        """The training examples, read at the first call."""
        return self._read[0]

    @property
    def held_out(self) -> Sources | None:
        """The held-out examples, read at the first call; None where there are none."""
        return self._read[1]

    @property
    def has_held_out(self) -> bool:
        """Whether some examples are never trained on."""
        return self.held_out_fn is not None or self.held_out_share > 0.0

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names of labels, from the source; those of ``label`` are the condition's too."""
        sources = self.training.values() if isinstance(self.training, Mapping) else [self.training]
        names = {k: v for source in sources for k, v in getattr(source, "names", {}).items()}
        return ({"condition": names["label"]} if "label" in names else {}) | names

    def fingerprint(self) -> dict:
        """What identifies the training examples."""
        return fingerprint(self.training)

    def fingerprints(self) -> dict:
        """What identifies all examples, the held-out ones among them."""
        return {part: fingerprint(self._part(part)[0]) for part in ("training", "held_out")}

    def size(self, part: Part, *, of: str | None = None) -> int:
        """How many rows :meth:`rows` can give."""
        sources, halved = self._part(part)
        if isinstance(sources, Mapping) and of is None:
            length = min(map(len, sources.values()))
        else:
            length = len(_one(sources, of))
        if not halved:
            return length
        return length // 2 if part == "held_out" else length - length // 2

    def rows(
        self, part: Part, num: int | None = None, *, of: str | None = None, seed: int = 0
    ) -> Iterator[Rows]:
        """Prepared rows, at most :data:`BLOCK` at a time, with their place in the source as ``id``.

        Without held-out examples the two parts are two halves of the training examples: ``held_out``
        then means "not those that it is compared with".

        Args:
            part: ``training`` or ``held_out``.
            num: how many; None is every row once.
            of: of several sources, one by its name; without it, rows of all of them side by side.
            seed: of the order.

        Raises:
            ValueError: there are not so many rows, or there is no such source.
        """
        size = self.size(part, of=of)
        num = size if num is None else num
        if not 0 < num <= size:
            raise ValueError(f"the {part} rows are {size}: expected 1 to {size}, got {num}")
        sources, halved = self._part(part)
        places = partial(_places, part=part if halved else None, num=num, seed=seed)
        if isinstance(sources, Mapping) and of is None:
            yield from self._side_by_side(sources, places)
            return
        source = _one(sources, of)
        for block in _blocks(places(len(source))):
            yield self._prepared(source, block)

    def first(self, num: int) -> Rows:
        """The first rows of the held-out examples, or else of the training examples, in their order.

        Args:
            num: how many, or as many as there are.
        """
        sources = self.training if self.held_out is None else self.held_out
        if not isinstance(sources, Mapping):
            return self._prepared(sources, np.arange(min(num, len(sources))))
        places = np.arange(min(num, *map(len, sources.values())))
        return beside({name: self._prepared(each, places) for name, each in sources.items()})

    def in_order(self) -> Iterator[Rows]:
        """Every training row in the order of its source, :data:`BLOCK` at a time."""
        source = _one(self.training, None)
        for block in _blocks(np.arange(len(source), dtype=np.uint32)):
            yield self._prepared(source, block)

    def _part(self, part: Part) -> tuple[Sources, bool]:
        """The sources of a part, and whether it is a half of them."""
        if part not in ("training", "held_out"):
            raise ValueError(f"part must be training or held_out, got {part!r}")
        if not self.has_held_out:
            return self.training, True
        return (self.held_out if part == "held_out" else self.training), False

    def _side_by_side(self, sources: Mapping[str, Source], places) -> Iterator[Rows]:
        blocks = {name: _blocks(places(len(source))) for name, source in sources.items()}
        for several in zip(*blocks.values(), strict=True):
            chosen = dict(zip(blocks, several, strict=True))
            yield beside({name: self._prepared(sources[name], chosen[name]) for name in chosen})

    def _prepared(self, source: Source, places: np.ndarray) -> Rows:
        filled = np.resize(places, BLOCK) if len(places) <= BLOCK else places
        examples = read_many(source, places)
        fields = {
            name: np.resize(
                np.stack([example[name] for example in examples]),
                (len(filled), *np.shape(examples[0][name])),
            )
            for name in examples[0]
        }  # filled up: one shape, one compilation
        rows = jax.tree.map(lambda a: np.asarray(a)[: len(places)], self._prepare(filled, fields))
        return {**rows, "id": places}

    @cached_property
    def _prepare(self) -> Callable:
        return jax.jit(partial(prepare_examples, self.prepare_fn, None, jax.random.key(0)))


def _set_aside(source: Source, share: float) -> tuple[Source, Source]:
    num = max(1, round(share * len(source)))
    if num >= len(source):
        raise ValueError(
            f"held_out_share={share} of {len(source)} examples leaves none to train on"
        )
    order = np.random.default_rng(0).permutation(len(source))
    return Subset.of(source, np.sort(order[num:])), Subset.of(source, np.sort(order[:num]))


def _one(sources: Sources, of: str | None) -> Source:
    if not isinstance(sources, Mapping):
        if of:
            raise ValueError(f"the data are one source, so there is none of the name {of!r}")
        return sources
    if of is None or of not in sources:
        raise ValueError(f"expected one of the sources {', '.join(sources)}, got {of!r}")
    return sources[of]


def _places(length: int, *, part: Part | None, num: int, seed: int) -> np.ndarray:
    """Which rows are taken; the halves are the same two for every seed, which only orders a half."""
    order = np.random.default_rng(seed).permutation(length)
    if part is not None:
        halved = np.random.default_rng(0).permutation(length)
        training, held_out = np.split(halved, [length - length // 2])
        order = order[np.isin(order, training if part == "training" else held_out)]
    return order[:num].astype(np.uint32)


def _blocks(places: np.ndarray) -> list[np.ndarray]:
    return [places[start : start + BLOCK] for start in range(0, len(places), BLOCK)]
