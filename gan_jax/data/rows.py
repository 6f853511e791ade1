"""Data sets whose examples are tuples, as those of PyTorch, as a source."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Tuples(Protocol):
    """A map-style data set: a length, and a tuple of values by index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sequence[Any]: ...


class Rows:
    """Names the values of each example: ``Rows(dataset, fields=("image", "label"))``.

    Values become NumPy arrays as they are: images must be ``[H, W, C]`` (a Pillow image is; PyTorch's
    ``ToTensor`` makes ``[C, H, W]`` floats in [0, 1], so leave it out).

    Args:
        dataset: ``len(dataset)`` and ``dataset[i] -> (value, ...)``, such as torchvision's.
        fields: a name for each value, in their order.

    Raises:
        ValueError: there is no example, a name comes twice, or examples have another number of values.
    """

    def __init__(self, dataset: Tuples, *, fields: Sequence[str]):
        if isinstance(fields, str) or not fields or len(set(fields)) != len(fields):
            raise ValueError(
                f"fields must be different names, such as ('image', 'label'), got {fields!r}"
            )
        if not len(dataset):
            raise ValueError("the data set is empty: expected at least one example")
        self._dataset, self.fields = dataset, tuple(fields)
        self[0]  # so that a wrong number of names is said at once

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        values = self._dataset[int(index)]
        if not isinstance(values, tuple | list) or len(values) != len(self.fields):
            got = len(values) if isinstance(values, tuple | list) else type(values).__name__
            raise ValueError(
                f"expected examples of {len(self.fields)} values, for {', '.join(self.fields)}; example "
                f"{int(index)} is {f'a tuple of {got}' if isinstance(got, int) else f'of type {got}'}: "
                "name each of its values in fields=..."
            )
        return {n: np.asarray(value) for n, value in zip(self.fields, values, strict=True)}
