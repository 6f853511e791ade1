"""Files of weights from elsewhere: PyTorch's, read without PyTorch; safetensors; and npz.

Such a file may be damaged, or made to do harm. A ``.pth`` file is a pickle, and a pickle can call any function:
here it finds three names, and what they stand for are markers that nothing can be done with. Numbers are only
read after all places and sizes were compared, as Python's integers, with what the file really holds.
"""

import io
import json
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_DTYPES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "BoolStorage": np.bool_,
}
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_SAFETENSORS = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64}
_LIMIT = 2**30  # bytes that a file's arrays may take; those of the Inception network take 91 MiB
# What PyTorch writes its trees with. Other operations, or far more of these, can use up memory or the stack.
_OPERATIONS = frozenset(
    "PROTO FRAME STOP MARK GLOBAL STACK_GLOBAL BINPERSID REDUCE BUILD EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1 "
    "TUPLE2 TUPLE3 SETITEM SETITEMS APPEND APPENDS BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET NEWTRUE NEWFALSE "
    "NONE BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE".split()
)
_MOST = 50_000  # tuples, and remembered values: of 10,000 tensors
_MOST_TREE = 64 * 2**20  # bytes of a tree without its numbers


def read_weights(file: Path, *, limit: int = _LIMIT) -> dict[str, np.ndarray]:
    """Name -> array, as the file's program named them.

    Args:
        file: ``.npz``, ``.safetensors``, or PyTorch's (``.pth``, ``.pt``), of today or before version 1.6.
        limit: bytes that its arrays may take, unpacked.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is none of these, is damaged, is larger than the limit, or holds more than weights.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: expected a file of weights")
    try:
        _check_size(file.stat().st_size, limit)
        stream = io.BytesIO(content := file.read_bytes())
        if file.suffix == ".npz":
            return _read_npz(stream, limit)
        if file.suffix == ".safetensors":
            return _read_safetensors(content)
        if zipfile.is_zipfile(stream):
            return _read_zip(stream, limit)
        stream.seek(0)
        return _read_legacy(stream, len(content), limit)
    except Exception as error:  # whatever damage makes a parser stumble over
        said = str(error) or type(error).__name__
        raise ValueError(f"{file} is no whole file of weights: {said}") from error


def _check_size(needed: int, limit: int) -> None:
    if needed > limit:
        raise ValueError(
            f"unpacked it takes {needed / 2**20:,.0f} MiB, more than {limit / 2**20:,.0f}"
        )


def _view(values: np.ndarray, shape: Any, strides: Any, offset: Any) -> np.ndarray:
    """A copy of the numbers that a tensor takes of its storage; strides and offset count numbers."""
    for given in (shape, strides):
        if not isinstance(given, tuple | list) or not all(_is_count(each) for each in given):
            raise ValueError(f"a shape or strides must be whole numbers, got {given!r:.80}")
    if not _is_count(offset) or len(shape) != len(strides) or len(shape) > 32:
        raise ValueError("a tensor's place makes no sense")
    if 0 in shape:
        return np.zeros(shape, values.dtype)
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if last >= len(values) or math.prod(shape) > len(values):
        raise ValueError("a tensor reaches beyond its numbers")
    step = values.itemsize
    strided = np.lib.stride_tricks.as_strided(
        values[offset:], tuple(shape), [step * stride for stride in strides]
    )
    return strided.copy()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48


def _read_npz(stream: BinaryIO, limit: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(stream) as archive:
        _check_size(sum(entry.file_size for entry in archive.infolist()), limit)
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as arrays:
        return dict(arrays)


def _read_safetensors(content: bytes) -> dict[str, np.ndarray]:
    length = int.from_bytes(content[:8], "little")
    if not 0 < length <= len(content) - 8:
        raise ValueError("its header reaches beyond its end")
    header = json.loads(content[8 : 8 + length])
    body, found = memoryview(content)[8 + length :], {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in _SAFETENSORS:
            raise ValueError(f"{name} has the unknown type {entry['dtype']}")
        begin, end = entry["data_offsets"]
        if not (_is_count(begin) and _is_count(end) and begin <= end <= len(body)):
            raise ValueError(f"{name} reaches beyond the file's end")
        values = np.frombuffer(body[begin:end], _SAFETENSORS[entry["dtype"]])
        if not all(_is_count(n) for n in entry["shape"]) or math.prod(entry["shape"]) != len(
            values
        ):
            raise ValueError(f"{name} has {len(values)} numbers for the shape {entry['shape']}")
        found[name] = values.reshape(entry["shape"]).copy()
    return found


class _Marker:
    """What a name of the pickle stands for. A pickle may set its state or call it: both are refused."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: type):
        object.__setattr__(self, "dtype", dtype)

    def __setattr__(self, name: str, value: Any) -> None:
        raise pickle.UnpicklingError("it changes the type of a storage, which no weights need")


class _Storage:
    """The numbers of one or more tensors; of a legacy file they come after the pickle."""

    __slots__ = ("dtype", "values")

    def __init__(self, dtype: type, values: np.ndarray | None = None):
        self.dtype, self.values = dtype, values


class _Tensor:
    """Where a tensor lies in its storage."""

    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any):
        self.place = (storage, offset, shape, strides)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes a tensor afterwards, which no weights need")

    def num_bytes(self) -> int:
        """What its copy takes."""
        storage, _, shape, _ = self.place
        if not isinstance(storage, _Storage) or not all(_is_count(length) for length in shape):
            raise ValueError("a tensor's place makes no sense")
        return math.prod(shape) * np.dtype(storage.dtype).itemsize

    def array(self) -> np.ndarray:
        """Them, copied."""
        storage, offset, shape, strides = self.place
        if storage.values is None:
            raise ValueError("a tensor has no numbers")
        return _view(storage.values, shape, strides, offset)


class _Weights(pickle.Unpickler):
    """Lets through what weights are made of, and nothing else."""

    def __init__(self, file: BinaryIO, storage_fn: Callable[[str, type], _Storage]):
        super().__init__(file, encoding="utf-8")
        self._storage_fn = storage_fn

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in _DTYPES:
            return _Marker(_DTYPES[name])
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no weights need")

    def persistent_load(self, identifier: Any) -> _Storage:
        _, marker, key, *_ = identifier
        if not isinstance(marker, _Marker) or not isinstance(key, str):
            raise pickle.UnpicklingError("it names a storage of no type")
        return self._storage_fn(key, marker.dtype)


def _load(stream: BinaryIO, storage_fn: Callable[[str, type], _Storage]) -> Any:
    """The next tree of a stream, after a look at how it is made."""
    start, tuples = stream.tell(), 0
    for operation, argument, place in pickletools.genops(stream):
        name = operation.name
        if name not in _OPERATIONS:
            raise pickle.UnpicklingError(f"it uses {name}, which no weights need")
        tuples += name.startswith("TUPLE") or name == "MEMOIZE"
        far = name.endswith("PUT") and argument > _MOST
        if tuples > 2 * _MOST or far or place - start > _MOST_TREE:
            raise pickle.UnpicklingError("it is larger than any network's")
    stream.seek(start)
    return _Weights(stream, storage_fn).load()


def _read_zip(stream: BinaryIO, limit: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(stream) as archive:
        _check_size(sum(entry.file_size for entry in archive.infolist()), limit)
        pickled = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickled) != 1:
            raise ValueError("it is a zip file, but not of PyTorch")
        folder = pickled[0].removesuffix("data.pkl")
        storages: dict[str, _Storage] = {}  # many tensors may name one: it is read once

        def storage_fn(key: str, dtype: type) -> _Storage:
            if key not in storages:
                content = archive.read(f"{folder}data/{key}")
                storages[key] = _Storage(dtype, np.frombuffer(content, dtype))
            return storages[key]

        return _arrays(_load(io.BytesIO(archive.read(pickled[0])), storage_fn), limit)


def _read_legacy(opened: BinaryIO, size: int, limit: int) -> dict[str, np.ndarray]:
    """Magic number, version, system, the tree, the storages' keys, and the numbers of each."""
    storages: dict[str, _Storage] = {}

    def storage_fn(key: str, dtype: type) -> _Storage:
        return storages.setdefault(key, _Storage(dtype))

    def load() -> Any:
        return _load(opened, storage_fn)

    if load() != _LEGACY_MAGIC:
        raise ValueError("it is none of .npz, .safetensors and PyTorch's files")
    _, _, tree, keys = load(), load(), load(), load()
    for key in keys:
        count = int.from_bytes(opened.read(8), "little")
        storage = storages[key]
        length = count * np.dtype(storage.dtype).itemsize
        if length > size - opened.tell():
            raise ValueError("its numbers reach beyond its end")
        storage.values = np.frombuffer(opened.read(length), storage.dtype, count)
    return _arrays(tree, limit)


def _arrays(tree: Any, limit: int) -> dict[str, np.ndarray]:
    if not isinstance(tree, dict) or not all(
        isinstance(name, str) and isinstance(leaf, _Tensor) for name, leaf in tree.items()
    ):
        raise ValueError("expected a dictionary of names and tensors, a state_dict")
    _check_size(sum(tensor.num_bytes() for tensor in tree.values()), limit)
    return {name: tensor.array() for name, tensor in tree.items()}
