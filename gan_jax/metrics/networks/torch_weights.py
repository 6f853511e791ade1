"""PyTorch's weight files, read without PyTorch; and safetensors and npz, which need no such care.

A ``.pth`` file is a pickle, and a pickle can call any function. Only the few names that weights are made of are
let through here; any other is refused.
"""

import json
import pickle
import zipfile
from collections import OrderedDict
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


def read_weights(file: Path) -> dict[str, np.ndarray]:
    """Name -> array, as the file's program named them.

    Args:
        file: ``.npz``, ``.safetensors``, or PyTorch's (``.pth``, ``.pt``), of today or before version 1.6.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is none of these, is damaged, or holds more than weights.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: expected a file of weights")
    try:
        if file.suffix == ".npz":
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
                return dict(arrays)
        if file.suffix == ".safetensors":
            return _read_safetensors(file)
        if zipfile.is_zipfile(file):
            return _read_zip(file)
        return _read_legacy(file)
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, KeyError, IndexError) as error:
        raise ValueError(f"{file} is no whole file of weights: {error}") from error


def _read_safetensors(file: Path) -> dict[str, np.ndarray]:
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    if length > len(content) - 8:
        raise ValueError(f"{file} is no whole safetensors file")
    header = json.loads(content[8 : 8 + length])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in _SAFETENSORS:
            raise ValueError(f"{file}: {name} has the unknown type {entry['dtype']}")
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(content[begin:end], _SAFETENSORS[entry["dtype"]])
        found[name] = values.reshape(entry["shape"])
    return found


class _Storage:
    """The numbers of one or more tensors; of a legacy file they come after the pickle."""

    def __init__(self, dtype: type, values: np.ndarray | None = None):
        self.dtype, self.values = dtype, values


class _Tensor:
    """Where a tensor lies in its storage."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: Any):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self) -> np.ndarray:
        values = self.storage.values[self.offset :]
        strides = [stride * values.itemsize for stride in self.strides]
        last = sum(
            (length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True)
        )
        if 0 not in self.shape and (last >= len(values) or min(self.strides, default=0) < 0):
            raise ValueError("a tensor reaches beyond its numbers")
        return np.lib.stride_tricks.as_strided(values, self.shape, strides).copy()


class _Weights(pickle.Unpickler):
    """Lets through what weights are made of, and nothing else."""

    def __init__(self, file: BinaryIO, storage_fn):
        super().__init__(file, encoding="utf-8")
        self._storage_fn = storage_fn

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no weights need")

    def persistent_load(self, identifier: tuple) -> _Storage:
        _, dtype, key, *_ = identifier
        return self._storage_fn(key, dtype)


def _read_zip(file: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")] or [None]
        if pickled is None:
            raise ValueError(f"{file} is a zip file, but not of PyTorch")
        folder = pickled.removesuffix("data.pkl")

        def storage_fn(key: str, dtype: type) -> _Storage:
            return _Storage(dtype, np.frombuffer(archive.read(f"{folder}data/{key}"), dtype))

        with archive.open(pickled) as opened:
            return _arrays(_Weights(opened, storage_fn).load())


def _read_legacy(file: Path) -> dict[str, np.ndarray]:
    """Magic number, version, system, the tree, the storages' keys, and the numbers of each."""
    storages: dict[str, _Storage] = {}

    def storage_fn(key: str, dtype: type) -> _Storage:
        return storages.setdefault(key, _Storage(dtype))

    with file.open("rb") as opened:

        def load() -> Any:
            return _Weights(opened, storage_fn).load()

        if load() != _LEGACY_MAGIC:
            raise ValueError(f"{file} is none of .npz, .safetensors and PyTorch's files")
        _, _, tree, keys = load(), load(), load(), load()
        for key in keys:
            count = int.from_bytes(opened.read(8), "little")
            storage = storages[key]
            content = opened.read(count * np.dtype(storage.dtype).itemsize)
            storage.values = np.frombuffer(content, storage.dtype, count)
    return _arrays(tree)


def _arrays(tree: Any) -> dict[str, np.ndarray]:
    if not isinstance(tree, dict) or not all(isinstance(leaf, _Tensor) for leaf in tree.values()):
        raise ValueError("expected a dictionary of names and tensors, a state_dict")
    return {name: tensor.array() for name, tensor in tree.items()}
