"""A labelled data set as a problem of anomalies: what is normal is trained on, the rest is only tested."""

from collections.abc import Collection

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.arrays import ArraySource
from gan_jax.data.prepare import ExampleFn


def only_classes(
    source: ArraySource, classes: Collection[int], *, label: str = "label"
) -> ArraySource:
    """The examples of some classes, in their order.

    Args:
        source: with the field of the labels.
        classes: which.
        label: name of that field.

    Raises:
        ValueError: there is no such field, or a class has no example.
    """
    if label not in source.arrays:
        raise ValueError(f"no field {label!r} in the data, only {sorted(source.arrays)}")
    labels = source.arrays[label]
    if missing := [each for each in classes if not (labels == each).any()]:
        raise ValueError(
            f"class {missing[0]} has no example: the classes are {np.unique(labels).tolist()}"
        )
    return ArraySource(source[np.isin(labels, list(classes))], names=source.names)


def anomalies(prepare_fn: ExampleFn, normal: Collection[int], *, label: str = "label") -> ExampleFn:
    """A ``prepare_fn`` that adds ``anomalous``: whether the label is none of the normal ones.

    Args:
        prepare_fn: makes the other fields.
        normal: the normal classes.
        label: name of the field.
    """
    known = np.array(sorted(normal))

    def prepared(key: jax.Array, example: dict[str, jax.Array]) -> dict[str, jax.Array]:
        anomalous = (example[label].astype(jnp.int32) != known).all()
        return prepare_fn(key, example) | {"anomalous": anomalous}

    return prepared
