"""Data sets of random images and tones in the format of TensorFlow Datasets, for machines that have prepared none."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

NUM = 128  # images of each split
FACES = 64
SETS = {"mnist": ("3.0.1", (28, 28, 1)), "cifar10": ("3.0.2", (32, 32, 3))}
ATTRIBUTES = ("Male", "Smiling")  # of celeb_a's 40
SPEAKERS, TAKES = ("george", "theo"), 6  # of spoken_digit, which has more of both
_CLASSES = "tensorflow_datasets.core.features"


def write_image_sets(root: Path) -> None:
    """MNIST, CIFAR-10 and CelebA below ``root``, with a ``train`` and a ``test`` split; spoken_digit with one."""
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
    _write_set(root, "spoken_digit", "1.0.9", [_tones()], None, **_sounds(), label=label)


def _labeled(shape: tuple[int, ...], seed: int) -> list[dict[str, np.ndarray | int]]:
    pixels = np.random.default_rng(seed).integers(0, 256, (NUM, *shape)).astype(np.uint8)
    return [{"image": image, "label": index % 10} for index, image in enumerate(pixels)]


def _tones() -> list[dict]:
    """Tones of 600 to 6,000 samples, a pitch for each digit."""
    names = [(d, s, take) for d in range(10) for s in SPEAKERS for take in range(TAKES)]
    return [
        {
            "audio": np.rint(3000 * np.sin((0.1 + 0.1 * digit) * np.arange(600 * (take + 5)))),
            "audio/filename": f"{digit}_{speaker}_{take}.wav",
            "label": digit,
        }
        for digit, speaker, take in names
    ]


def _sounds() -> dict:
    tensor = {"dtype": "int64", "encoding": "none", "shape": {"dimensions": ["-1"]}}
    return {
        "audio": {"pythonClassName": f"{_CLASSES}.tensor_feature.Tensor", "tensor": tensor},
        "audio/filename": {"pythonClassName": f"{_CLASSES}.text_feature.Text", "text": {}},
    }


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
    for split, examples in zip(("train", "test"), splits, strict=False):
        _write_records(folder / f"{name}-{split}.array_record-00000-of-00001", examples)
    sizes = dict(zip(("train", "test"), map(len, splits), strict=False))
    _write_description(folder, name, version, shape, sizes, features)


def _write_records(file: Path, examples: list[dict[str, np.ndarray | int]]) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(file), "group_size:1")
    for example in examples:
        writer.write(_example(**example))
    writer.close()


def _example(**values: np.ndarray | int | str) -> bytes:
    from tensorflow_datasets.proto import tf_example_pb2, tf_feature_pb2

    fields = {}
    for name, value in values.items():
        if name == "image":
            stream = io.BytesIO()
            Image.fromarray(value.squeeze()).save(stream, format="png")
            value = stream.getvalue()
        if isinstance(value, bytes | str):
            content = value.encode() if isinstance(value, str) else value
            held = {"bytes_list": tf_feature_pb2.BytesList(value=[content])}
        else:
            integers = np.atleast_1d(value).astype(int).tolist()
            held = {"int64_list": tf_feature_pb2.Int64List(value=integers)}
        fields[name] = tf_feature_pb2.Feature(**held)
    example = tf_example_pb2.Example(features=tf_feature_pb2.Features(feature=fields))
    return example.SerializeToString()


def _features_dict(features: dict) -> dict:
    return {
        "pythonClassName": f"{_CLASSES}.features_dict.FeaturesDict",
        "featuresDict": {"features": features},
    }


def _write_description(folder, name, version, shape, sizes, features) -> None:
    """What TFDS reads before the records."""
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    splits = [
        {"name": split, "shardLengths": [str(num)], "filepathTemplate": template}
        for split, num in sizes.items()
    ]
    info = {"name": name, "version": version, "fileFormat": "array_record", "splits": splits}
    if shape is not None:
        dimensions = {"dimensions": [str(size) for size in shape]}
        image = {
            "pythonClassName": f"{_CLASSES}.image_feature.Image",
            "image": {"dtype": "uint8", "shape": dimensions},
        }
        features = {"image": image, **features}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    whole = _features_dict(features)
    (folder / "features.json").write_text(json.dumps(whole))
