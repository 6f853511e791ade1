"""The names of all random streams. Everything random is a function of (seed, step, purpose).

A run has one root key. Nothing is carried from step to step, and no two purposes share a key.
"""

import zlib
from typing import NamedTuple

import jax

MOST_SEED = 2**32 - 1  # jax.random.key takes what is beyond it modulo 2^32


def key_of_seed(seed: int) -> jax.Array:
    """The root key of a seed, from which all streams of a run come.

    Raises:
        ValueError: the seed is out of range.
    """
    if not 0 <= seed <= MOST_SEED:
        raise ValueError(f"a seed must be in 0 .. {MOST_SEED}, got {seed}")
    return jax.random.key(seed)


class RunKeys(NamedTuple):
    """The streams of a run, from its root key."""

    initialization: jax.Array
    step: jax.Array
    drawing: jax.Array
    data: jax.Array


class UpdateKeys(NamedTuple):
    """The streams of one update of one player.

    Attributes:
        latents: drawn for the global batch.
        generator: what the generator draws by itself: dropout, noise.
        real: the judgement of the real side: dropout.
        fake: the judgement of the fake side.
        terms: one stream for each term, by its name.
    """

    latents: jax.Array
    generator: jax.Array
    real: jax.Array
    fake: jax.Array
    terms: jax.Array


class ExampleKeys(NamedTuple):
    """The streams of one example, by its place in the run's stream of examples.

    Attributes:
        choice: which example it is, where examples are drawn with replacement.
        augmentation: of the data.
        preparation: what its preparation draws: a degradation, a crop.
    """

    choice: jax.Array
    augmentation: jax.Array
    preparation: jax.Array


def run_keys(root_key: jax.Array) -> RunKeys:
    """The streams of a run."""
    return RunKeys(*(jax.random.fold_in(root_key, index) for index in range(4)))


def example_keys(data_key: jax.Array, place: jax.Array) -> ExampleKeys:
    """The streams of the example at a place."""
    own = jax.random.fold_in(data_key, place)
    return ExampleKeys(own, jax.random.fold_in(own, 1), jax.random.fold_in(own, 2))


def update_keys(key: jax.Array) -> UpdateKeys:
    """The streams of one update: with one key both players see the same fakes and the same logits."""
    return UpdateKeys(*jax.random.split(key, 5))


def augmentation_key(judgement_key: jax.Array) -> jax.Array:
    """The augmentation of a side, beside the dropout of its judgement."""
    return jax.random.fold_in(judgement_key, 1)


def named(key: jax.Array, name: str) -> jax.Array:
    """The stream of a name: adding one leaves all others as they are."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))
