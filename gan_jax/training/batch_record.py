"""The shapes and dtypes of a batch as JSON, as a run folder keeps them: what draws needs no data."""

from typing import Any

import jax
import numpy as np


def shapes_as_json(batch: Any) -> Any:
    """``{"real": {"shape": [1, 64, 8, 8, 1], "dtype": "float32"}}``."""
    return jax.tree.map(lambda leaf: {"shape": list(leaf.shape), "dtype": str(leaf.dtype)}, batch)


def shapes_from_json(tree: Any) -> Any:
    """The inverse of :func:`shapes_as_json`."""
    if isinstance(tree, list):
        return tuple(map(shapes_from_json, tree))
    if set(tree) == {"shape", "dtype"}:
        return jax.ShapeDtypeStruct(tuple(tree["shape"]), np.dtype(tree["dtype"]))
    return {name: shapes_from_json(branch) for name, branch in tree.items()}
