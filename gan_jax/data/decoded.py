"""A source decoded once into arrays on disk, for data that memory does not hold."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gan_jax.data.arrays import ArraySource, Source, fingerprint, read_many

_PART = 1000  # examples that are in memory at a time


class MappedSource:
    """Arrays on disk as a source: an example is read when it is asked for.

    Args:
        folder: written by :func:`decoded`.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._record = json.loads((folder / "record.json").read_text())
        names = self._record["fields"]
        self.arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
        labels = self._record.get("names", {})
        self.names = {name: tuple(each) for name, each in labels.items()}

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {name: np.array(array[index]) for name, array in self.arrays.items()}

    def __reduce__(self):
        return MappedSource, (self._folder,)  # to another process goes the path, not the data

    def fingerprint(self) -> dict:
        """That of the source it was decoded from."""
        return self._record["fingerprint"]


def decoded(
    source: Source, cache_dir: Path | None, *, fields: tuple[str, ...] | None = None
) -> Source:
    """The same examples, from arrays under a folder; written there once, under a progress bar.

    They are found again by the source's fingerprint (:func:`gan_jax.data.arrays.fingerprint`) and the fields.

    Args:
        source: the examples, all of one shape.
        cache_dir: the folder; None returns the source as it is, and so does a source in memory.
        fields: which of their fields to keep; None keeps all.

    Raises:
        ValueError: a field is missing, or the examples differ in shape.
        OSError: the folder cannot be written, or has no room.
    """
    if cache_dir is None or isinstance(source, ArraySource):
        return source
    identity = fingerprint(source)
    key = hashlib.sha256(json.dumps([identity, fields]).encode()).hexdigest()[:16]
    folder = Path(cache_dir) / key
    if not (folder / "record.json").is_file():
        _write(source, folder, fields, identity)
    return MappedSource(folder)


def _write(source: Source, folder: Path, fields: tuple[str, ...] | None, identity: dict) -> None:
    """Into a draft that is moved to its place when it is whole."""
    first = source[0]
    names = list(fields or first)
    if missing := [name for name in names if name not in first]:
        raise ValueError(f"no field {missing[0]!r} in the data, only {sorted(first)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}_", dir=folder.parent))
    try:
        _check_room(draft, sum(np.asarray(first[name]).nbytes for name in names) * len(source))
        arrays = {
            name: np.lib.format.open_memmap(
                draft / f"{name}.npy",
                mode="w+",
                dtype=np.asarray(first[name]).dtype,
                shape=(len(source), *np.shape(first[name])),
            )
            for name in names
        }
        with tqdm(
            total=len(source), desc="decoding", unit="example", leave=False, disable=None
        ) as bar:
            for start in range(0, len(source), _PART):
                part = range(start, min(start + _PART, len(source)))
                for index, example in zip(part, read_many(source, part), strict=True):
                    for name, array in arrays.items():
                        array[index] = _fitting(name, example[name], array, index)
                bar.update(len(part))
        for array in arrays.values():
            array.flush()
        record = {"fields": names, "fingerprint": identity, "names": getattr(source, "names", {})}
        (draft / "record.json").write_text(json.dumps(record))
        if not (folder / "record.json").is_file():  # else another process was quicker
            draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fitting(name: str, value: np.ndarray, array: np.ndarray, index: int) -> np.ndarray:
    if np.shape(value) != array.shape[1:]:
        raise ValueError(
            f"the examples' {name!r} must have one shape, got {array.shape[1:]} first and "
            f"{np.shape(value)} at index {index}: resize or crop them to one size first"
        )
    return value


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"{folder.parent} has no room for the decoded examples: they take {needed / 2**20:.0f} MiB and "
            f"{free / 2**20:.0f} MiB are free; choose another with --cache-dir"
        )
