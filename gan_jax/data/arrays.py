"""Arrays in memory as a source."""

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
from tqdm import tqdm


class Source(Protocol):
    """What ``tfds.data_source`` gives: a length, and examples by index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> dict[str, np.ndarray]: ...


class ArraySource:
    """A dict of arrays with one leading axis, checked once.

    Args:
        arrays: name -> ``[N, ...]``. Floating point arrays are kept as float32.
        names: of the labels in an array: ``{"label": ("cat", "dog")}``.

    Raises:
        ValueError: no arrays, no examples, lengths that differ, or values that are not finite.
        TypeError: an array that is neither numbers nor booleans.
    """

    def __init__(
        self,
        arrays: dict[str, np.ndarray],
        *,
        names: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ):
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        lengths = {name: len(array) if array.ndim else None for name, array in arrays.items()}
        if not arrays or len(set(lengths.values())) != 1 or None in lengths.values():
            raise ValueError(f"arrays must share one leading axis, got lengths {lengths}")
        if 0 in lengths.values():
            raise ValueError("the data set is empty: expected at least one example")
        self.arrays = {name: _checked(name, array) for name, array in arrays.items()}
        self.names = dict(names)

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, index) -> dict[str, np.ndarray]:
        return {name: array[index] for name, array in self.arrays.items()}

    def fingerprint(self) -> dict:
        """What identifies the data: length, shapes, and the SHA-256 of every byte."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays.items()):
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        shapes = {name: [str(array.dtype), *array.shape[1:]] for name, array in self.arrays.items()}
        return {"examples": len(self), "arrays": shapes, "sha256": digest.hexdigest()}


def joined(*sources: ArraySource) -> ArraySource:
    """The examples of sources with the same arrays, one source after the other."""
    names = sources[0].arrays
    return ArraySource(
        {name: np.concatenate([source.arrays[name] for source in sources]) for name in names}
    )


def in_memory(
    source: Source, *, fields: tuple[str, ...] | None = None, description: str = "reading"
) -> ArraySource:
    """Reads a whole source once, under a progress bar.

    Args:
        source: the examples.
        fields: which of their fields to keep; None keeps all.
        description: of the progress bar.

    Raises:
        ValueError: a field is missing, the examples differ in shape, or as :class:`ArraySource`.
    """
    if isinstance(source, ArraySource):
        return source
    if (arrays := getattr(source, "arrays", None)) is not None:  # on disk already
        arrays = {name: np.array(arrays[name]) for name in fields or arrays}
        return ArraySource(arrays, names=getattr(source, "names", {}))
    examples: dict[str, list] = {}
    with tqdm(
        total=len(source), desc=description, unit="example", leave=False, disable=None
    ) as bar:
        for start in range(0, len(source), 1000):
            indices = range(start, min(start + 1000, len(source)))
            for example in read_many(source, indices):
                for name in fields or example:
                    if name not in example:
                        raise ValueError(f"no field {name!r} in the data, only {sorted(example)}")
                    examples.setdefault(name, []).append(example[name])
            bar.update(len(indices))
    arrays = {name: _stack(name, values) for name, values in examples.items()}
    return ArraySource(arrays, names=getattr(source, "names", {}))


def read_many(source: Source, indices: Iterable[int]) -> list[dict[str, np.ndarray]]:
    """The examples at some indices."""
    # TFDS reads a list of records three times faster than one after the other
    read = getattr(source, "__getitems__", None)
    indices = [int(index) for index in indices]
    return read(indices) if read else [source[index] for index in indices]


def fingerprint(source: Source | Mapping[str, Source]) -> dict:
    """What identifies the data: the source's own ``fingerprint()``, or its length and some examples.

    The latter are 16 spread evenly, the first and the last among them: all of it may be too much to
    read.
    """
    if isinstance(source, Mapping):
        return {name: fingerprint(each) for name, each in source.items()}
    if hasattr(source, "fingerprint"):
        return source.fingerprint()
    spread = np.unique(np.linspace(0, len(source) - 1, 16).astype(int))
    digest = hashlib.sha256()
    for example in read_many(source, spread):
        for name, value in sorted(example.items()):
            value = np.asarray(value)
            digest.update(f"{name} {value.dtype} {value.shape}".encode())
            digest.update(value.tobytes())
    return {"examples": len(source), "sha256 of 16": digest.hexdigest()}


def _stack(name: str, values: list) -> np.ndarray:
    shapes = {np.shape(value) for value in values}
    if len(shapes) > 1:
        raise ValueError(
            f"the examples' {name!r} must have one shape, got {sorted(shapes)[:5]}: resize or crop "
            "them to one size first"
        )
    return np.stack(values)


def _checked(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "buif":
        raise TypeError(f"array {name!r} must hold numbers, got dtype {array.dtype}")
    if array.dtype.kind != "f":
        return array
    array = array.astype(np.float32)
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if bad.any():
        raise ValueError(
            f"array {name!r} holds NaN or infinity in {bad.sum()} of {len(array)} examples, the "
            f"first at index {int(np.argmax(bad))}: remove or mend them"
        )
    return array
