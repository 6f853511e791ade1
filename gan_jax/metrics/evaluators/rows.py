"""What an evaluator of one's own is made of: means of values for each row, and figures of all rows.

The accuracy of whatever a draw function says of each row, with its error, in one line::

    by_row(lambda drawn: {"accuracy": drawn.samples == drawn.rows["condition"]})
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.drawing import Drawn, Sampler
from gan_jax.drawing.blocks import num_rows
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Measured

Tree = Any  # of arrays with one leading axis


def by_row(fn: Callable[[Drawn], Mapping[str, Any]]) -> Callable[[Sampler], Measured]:
    """A ``measure_fn``: means over rows, with their errors; the values themselves are kept.

    The error is ``std / sqrt(n)``, over n - 1; a single row has none.

    Args:
        fn: ``drawn -> {name: values [n]}`` of one block of n rows; a name is that of a figure.

    Returns:
        ``sampler -> Measured``; its rows hold ``id``, too, where the rows of the data do.
    """

    def measure_fn(sampler: Sampler) -> Measured:
        values, ids = gathered(sampler, fn)
        return Measured({name: _mean(name, each) for name, each in values.items()}, values | ids)

    return measure_fn


def of_rows(
    fn: Callable[[Tree], Mapping[str, float]],
    observe_fn: Callable[[Drawn], Tree],
    resamples: int = 200,
    *,
    counts: Collection[str] = (),
    keep: Collection[str] = (),
    groups: str | None = None,
) -> Callable[[Sampler], Measured]:
    """A ``measure_fn``: figures of all rows together, with errors by the bootstrap over rows.

    Rows that are drawn twice lie at distance 0 of each other, so the error of a figure of nearest
    neighbours among the rows themselves is not to be had in this way.

    Args:
        fn: ``all rows -> {name: value}``; called once, and once for each resample.
        observe_fn: ``drawn -> tree`` of arrays ``[n, ...]`` of one block: what is kept of it until
            all blocks are drawn.
        resamples: sets of rows, drawn with replacement, always the same; 0 takes no errors.
        counts: figures that have no error, such as the number of classes found.
        keep: names of observed arrays that are kept for each row, beside the ``id``.
        groups: name of an observed array ``[n]``: each resample holds as many rows of each of its
            values as there are.

    Raises:
        ValueError: one resample has no scatter.

    References:
        Efron 1979, The Annals of Statistics 7(1), section 2.
    """
    if resamples < 0 or resamples == 1:
        raise ValueError(f"resamples must be 0 or at least 2, got {resamples}")

    def measure_fn(sampler: Sampler) -> Measured:
        rows, ids = gathered(sampler, observe_fn)
        places = resampled(num_rows(rows), resamples, None if groups is None else rows[groups])
        again = [fn(jax.tree.map(lambda leaf, at=at: leaf[at], rows)) for at in places]

        def error(name: str) -> float | None:
            none = name in counts or not again or num_rows(rows) < 2
            return None if none else float(np.std([each[name] for each in again], ddof=1))

        figures = {name: Estimate(float(value), error(name)) for name, value in fn(rows).items()}
        return Measured(figures, {name: rows[name] for name in keep} | (ids if keep else {}))

    return measure_fn


def gathered(
    sampler: Sampler, observe_fn: Callable[[Drawn], Tree]
) -> tuple[Tree, dict[str, np.ndarray]]:
    """What is observed of every row, and the ``id`` of the rows where they have one.

    Raises:
        ValueError: a value is not one for each row.
    """
    blocks = [(_observed(observe_fn, drawn), _ids(drawn)) for drawn in sampler()]
    return jax.tree.map(lambda *parts: np.concatenate(parts), *blocks)


def resampled(num: int, resamples: int, groups: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Places of rows drawn with replacement, always the same ones.

    Args:
        num: of rows.
        resamples: how many sets.
        groups: ``[num]``; rows are drawn within each of its values.
    """
    random = np.random.default_rng(0)
    places = np.arange(num)
    parts = [places] if groups is None else [places[groups == value] for value in np.unique(groups)]
    for _ in range(resamples):
        yield np.concatenate([random.choice(part, len(part)) for part in parts])


def _observed(observe_fn: Callable[[Drawn], Tree], drawn: Drawn) -> Tree:
    observed = jax.tree.map(np.asarray, observe_fn(drawn))
    count = num_rows(drawn.samples)
    for leaf in jax.tree.leaves(observed):
        if leaf.ndim == 0 or len(leaf) != count:
            raise ValueError(
                f"expected a value for each of the {count} rows of a block, got shape {leaf.shape}: "
                "means over rows are taken afterwards"
            )
    return observed


def _ids(drawn: Drawn) -> dict[str, np.ndarray]:
    return {"id": drawn.rows["id"]} if "id" in drawn.rows else {}


def _mean(name: str, values: np.ndarray) -> Estimate:
    if values.ndim != 1:
        raise ValueError(f"{name} must be one number for each row, got shape {values.shape}")
    values = values.astype(np.float64)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else None
    return Estimate(float(values.mean()), None if error is None else float(error))
