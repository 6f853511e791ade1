"""Data sets of random images in the format of TensorFlow Datasets, for machines that have prepared none."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

NUM = 128  # images of each split
FACES = 64
SETS = {"mnist": ("3.0.1", (28, 28, 1)), "cifar10": ("3.0.2", (32, 32, 3))}
ATTRIBUTES = ("Male", "Smiling")  # of celeb_a's 40
_CLASSES = "tensorflow_datasets.core.features"


def write_image_sets(root: Path) -> None:
    """MNIST, CIFAR-10 and CelebA below ``root``, each with a ``train`` and a ``test`` split."""
    for name, (version, shape) in SETS.items():
        label = {
            "pythonClassName": f"{_CLASSES}.class_label_feature.ClassLabel",
            "classLabel": {"numClasses": "10"},
        }
        _write_set(
            root, name, version, [_labeled(shape, seed) for seed in (0, 1)], shape, label=label
        )
    has = {
        "pythonClassName": f"{_CLASSES}.tensor_feature.Tensor",
        "tensor": {"shape": {}, "dtype": "bool", "encoding": "none"},
    }
    attributes = _features_dict({name: has for name in ATTRIBUTES})
    faces = [_faces(seed) for seed in (0, 1)]
    _write_set(root, "celeb_a", "2.1.0", faces, (218, 178, 3), attributes=attributes)


def _labeled(shape: tuple[int, ...], seed: int) -> list[dict[str, np.ndarray | int]]:
    pixels = np.random.default_rng(seed).integers(0, 256, (NUM, *shape)).astype(np.uint8)
    return [{"image": image, "label": index % 10} for index, image in enumerate(pixels)]


def _faces(seed: int) -> list[dict[str, np.ndarray | int]]:
    """Coarse squares, as PNG stays small so, and 20 rows of black above and below."""
    blocks = np.random.default_rng(seed).integers(60, 200, (FACES, 2, 2, 3))
    squares = blocks.repeat(89, axis=1).repeat(89, axis=2)
    pixels = np.pad(squares, ((0, 0), (20, 20), (0, 0), (0, 0))).astype(np.uint8)
    bits = ((index % 2, index // 2 % 2) for index in range(FACES))
    return [
        {"image": image, "attributes/Male": male, "attributes/Smiling": smiling}
        for image, (male, smiling) in zip(pixels, bits, strict=True)
    ]


def _write_set(root, name, version, splits, shape, **features) -> None:
    folder = root / name / version
    folder.mkdir(parents=True)
    for split, examples in zip(("train", "test"), splits, strict=True):
        _write_records(folder / f"{name}-{split}.array_record-00000-of-00001", examples)
    _write_description(folder, name, version, shape, len(splits[0]), features)


def _write_records(file: Path, examples: list[dict[str, np.ndarray | int]]) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(file), "group_size:1")
    for example in examples:
        writer.write(_example(**example))
    writer.close()


def _example(*, image: np.ndarray, **numbers: int) -> bytes:
    from tensorflow_datasets.proto import tf_example_pb2, tf_feature_pb2

    stream = io.BytesIO()
    Image.fromarray(image.squeeze()).save(stream, format="png")
    png = tf_feature_pb2.BytesList(value=[stream.getvalue()])
    fields = {"image": tf_feature_pb2.Feature(bytes_list=png)}
    for name, number in numbers.items():
        integers = tf_feature_pb2.Int64List(value=[number])
        fields[name] = tf_feature_pb2.Feature(int64_list=integers)
    example = tf_example_pb2.Example(features=tf_feature_pb2.Features(feature=fields))
    return example.SerializeToString()


def _features_dict(features: dict) -> dict:
    return {
        "pythonClassName": f"{_CLASSES}.features_dict.FeaturesDict",
        "featuresDict": {"features": features},
    }


def _write_description(folder, name, version, shape, num, features) -> None:
    """What TFDS reads before the records."""
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    splits = [
        {"name": split, "shardLengths": [str(num)], "filepathTemplate": template}
        for split in ("train", "test")
    ]
    info = {"name": name, "version": version, "fileFormat": "array_record", "splits": splits}
    dimensions = {"dimensions": [str(size) for size in shape]}
    image = {
        "pythonClassName": f"{_CLASSES}.image_feature.Image",
        "image": {"dtype": "uint8", "shape": dimensions},
    }
    (folder / "dataset_info.json").write_text(json.dumps(info))
    whole = _features_dict({"image": image, **features})
    (folder / "features.json").write_text(json.dumps(whole))
