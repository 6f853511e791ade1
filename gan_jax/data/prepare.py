"""From an example of a source to the fields of the game, and the first of them for pictures."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.arrays import Source, read_many
from gan_jax.data.named import beside
from gan_jax.game.keys import example_keys

Example = dict[str, jax.Array]
ExampleFn = Callable[[jax.Array, Example], dict[str, Any]]  # (key, one example) -> fields


def image_fields(key: jax.Array, example: Example) -> dict[str, jax.Array]:
    """``image`` uint8 in 0..255 to ``real = image / 127.5 - 1`` in [-1, 1]; no other field is kept."""
    return {"real": example["image"].astype(jnp.float32) / 127.5 - 1.0}


def as_is(key: jax.Array, example: Example) -> Example:
    """The example's own fields."""
    return dict(example)


def prepare_examples(
    prepare_fn: ExampleFn,
    augment_fn: ExampleFn | None,
    key: jax.Array,
    places: jax.Array,
    examples: Example,
) -> dict[str, Any]:
    """Every example prepared, and augmented if there is an ``augment_fn``, with keys of its place.

    Args:
        prepare_fn: ``(key, example) -> fields``.
        augment_fn: ``(key, fields) -> fields``, or None.
        key: of the data.
        places: ``[..., B]``.
        examples: leaves ``[..., B, *shape]``.
    """

    def one(place, example):
        keys = example_keys(key, place)
        fields = prepare_fn(keys.preparation, example)
        return fields if augment_fn is None else augment_fn(keys.augmentation, fields)

    function = one
    for _ in range(places.ndim):
        function = jax.vmap(function)
    return function(places, examples)


def first_rows(
    source: Source | Mapping[str, Source], prepare_fn: ExampleFn, num: int
) -> dict[str, Any]:
    """The first ``num`` examples, or as many as there are, prepared with keys fixed by their places.

    Args:
        source: the examples; of several sources by name, as many are taken of each.
        prepare_fn: ``(key, example) -> fields``.
        num: how many.

    Returns:
        A tree of NumPy arrays ``[num, ...]``; of several sources, one such tree by name.
    """
    if isinstance(source, Mapping):
        num = min(num, *map(len, source.values()))
        return beside({name: first_rows(each, prepare_fn, num) for name, each in source.items()})
    examples = read_many(source, range(min(num, len(source))))
    fields = {name: np.stack([example[name] for example in examples]) for name in examples[0]}
    prepare = jax.jit(partial(prepare_examples, prepare_fn, None, jax.random.key(0)))
    return jax.tree.map(np.asarray, prepare(jnp.arange(len(examples)), fields))


def labeled_image_fields(key: jax.Array, example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """:func:`image_fields`, and the label as the ``condition`` that both players are told."""
    return image_fields(key, example) | {"condition": example["label"].astype(jnp.int32)}
