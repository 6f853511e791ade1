"""Data sets of TensorFlow Datasets, read as ArrayRecord without TensorFlow."""

import importlib.util
import logging
from pathlib import Path

from gan_jax.data.arrays import Source


def tfds_source(name: str, *, split: str = "train", data_dir: str | Path | None = None) -> Source:
    """A prepared data set; without ``data_dir`` it is prepared on first use.

    Args:
        name: as TFDS has it, such as ``"mnist"`` or ``"cifar10"``.
        split: such as ``"train"``, ``"test"``, ``"train[:1000]"`` or ``"train+test"``.
        data_dir: a folder that holds ``name/version/``; None is TFDS's own default
            (``~/tensorflow_datasets``), prepared from the network when it is not there.

    Raises:
        FileNotFoundError: ``data_dir`` holds no such data set in the array_record format.
        ValueError: TFDS knows no such data set, or the set has no such split.
        ImportError: the preparation needs TensorFlow.
        ConnectionError: the preparation needs a network.
    """
    import tensorflow_datasets as tfds

    logging.getLogger("absl").addFilter(_is_no_advice)
    root = Path(data_dir) if data_dir is not None else Path(tfds.core.constants.DATA_DIR)
    root = root.expanduser()
    folder = _prepared_folder(root, name)
    if folder is None and data_dir is not None:
        raise FileNotFoundError(_not_prepared(root, name))
    if folder is None:
        _prepare(tfds, name, root)
        folder = _prepared_folder(root, name)
    builder = tfds.builder_from_directory(folder)
    for base in (part.split("[")[0] for part in split.split("+")):
        if base not in builder.info.splits:
            raise ValueError(
                f"{name} has no split {base!r}: expected one of {sorted(builder.info.splits)}"
            )
    try:
        source = builder.as_data_source(split=split)
        labels = builder.info.features.items()
        source.names = {name: tuple(f.names) for name, f in labels if getattr(f, "names", None)}
        return source
    except NotImplementedError as error:  # prepared in another file format
        raise FileNotFoundError(
            f"{folder} is not in the array_record format: prepare it again with "
            f"`tfds build {name} --file_format=array_record --data_dir={root}`"
        ) from error


def _is_no_advice(record: logging.LogRecord) -> bool:
    """Drops the line that recommends OpenCV, which this package does not need."""
    return "OpenCV" not in record.getMessage()


def _prepared_folder(root: Path, name: str) -> Path | None:
    """The newest ``root/name[/config]/version`` that is complete."""
    depths = ("*/dataset_info.json", "*/*/dataset_info.json")
    folders = [path.parent for depth in depths for path in (root / name).glob(depth)]
    folders = [folder for folder in folders if not folder.name.startswith("incomplete")]
    return max(folders, key=lambda folder: _version(folder.name), default=None)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in name.split("."))


def _not_prepared(root: Path, name: str) -> str:
    if not root.is_dir():
        return f"{root} is not a folder: name one that holds {name}/<version>/dataset_info.json"
    held = sorted({path.parent.parent.name for path in root.glob("*/*/dataset_info.json")})
    return (
        f"{root} holds no prepared data set {name!r} (it holds: {', '.join(held) or 'none'}): prepare "
        f"it with `tfds build {name} --file_format=array_record --data_dir={root}`, or leave the "
        "data directory out to prepare it under TFDS's default"
    )


def _has_tensorflow() -> bool:
    return importlib.util.find_spec("tensorflow") is not None


def _prepare(tfds, name: str, root: Path) -> None:
    if name not in tfds.list_builders(with_community_datasets=False):
        raise ValueError(f"TFDS knows no data set {name!r}: see `tfds.list_builders()`")
    if not _has_tensorflow():
        raise ImportError(
            f"{name!r} is not prepared under {root}, and preparing it needs TensorFlow (reading does "
            "not): pip install 'gan-jax[prepare]', or name a prepared copy with the data directory"
        )
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # a line for each of many retries
    print(f"preparing {name} under {root} (once; needs the network)", flush=True)
    try:
        builder = tfds.builder(name, data_dir=root, file_format="array_record")
        builder.download_and_prepare()
    except OSError as error:
        raise ConnectionError(
            f"{name!r} is not prepared under {root} and could not be downloaded ({error}): connect "
            "to a network, or name a prepared copy with the data directory"
        ) from error
