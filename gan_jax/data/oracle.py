"""A random recurrent network as the truth about text: whatever a model writes, its likelihood is known exactly.

References:
    Yu et al. 2017, arXiv 1609.05473, section 5 (the oracle: an LSTM whose parameters are standard normal).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.data.arrays import ArraySource
from gan_jax.models.sequences import SequenceGenerator, keys_of_rows

_BLOCK = 1000


class Oracle(NamedTuple):
    """What is known of the truth.

    Attributes:
        sample_fn: ``(key, num) -> tokens`` int32 ``[num, T]``.
        log_probs_fn: tokens ``[B, T]`` -> ``log p(x_t | x_1 .. x_{t-1})`` ``[B, T]``.
        vocabulary: how many tokens there are.
    """

    sample_fn: Callable[[jax.Array, int], np.ndarray]
    log_probs_fn: Callable[[jax.Array], jax.Array]
    vocabulary: int


def random_oracle(
    *, vocabulary: int = 200, length: int = 20, width: int = 32, seed: int = 0
) -> Oracle:
    """An LSTM whose parameters are standard normal.

    Args:
        vocabulary: how many tokens there are.
        length: T.
        width: of its embedding and state.
        seed: of the parameters.
    """
    network = SequenceGenerator(vocabulary, length, width)
    shapes = jax.eval_shape(
        lambda: network.init(jax.random.key(0), keys_of_rows(jax.random.key(0), (1,)))
    )
    random = np.random.default_rng(seed)
    variables = jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(leaf.dtype), shapes)
    sample = jax.jit(lambda keys: network.apply(variables, keys, method="sample"))

    def sample_fn(key: jax.Array, num: int) -> np.ndarray:
        keys = keys_of_rows(key, (num,))
        blocks = [np.asarray(sample(keys[i : i + _BLOCK])) for i in range(0, num, _BLOCK)]
        return np.concatenate(blocks)

    log_probs = jax.jit(lambda tokens: network.apply(variables, tokens, method="log_probs"))
    return Oracle(sample_fn, log_probs, vocabulary)


def written_by(oracle: Oracle, num: int, *, seed: int) -> ArraySource:
    """Sequences of an oracle: ``tokens`` int32 ``[num, T]``.

    Args:
        oracle: of them.
        num: how many.
        seed: of the sequences.
    """
    return ArraySource({"tokens": oracle.sample_fn(jax.random.key(seed), num)})
