"""Data sets of random images in the format of TensorFlow Datasets, for machines that have prepared none."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

NUM = 128  # images of each split
SETS = {"mnist": ("3.0.1", (28, 28, 1)), "cifar10": ("3.0.2", (32, 32, 3))}


def write_image_sets(root: Path) -> None:
    """``root/mnist/3.0.1`` and ``root/cifar10/3.0.2``, each with a ``train`` and a ``test`` split."""
    for name, (version, shape) in SETS.items():
        folder = root / name / version
        folder.mkdir(parents=True)
        for seed, split in enumerate(("train", "test")):
            _write_records(folder / f"{name}-{split}.array_record-00000-of-00001", shape, seed)
        _write_description(folder, name, version, shape)


def _write_records(file: Path, shape: tuple[int, ...], seed: int) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(file), "group_size:1")
    pixels = np.random.default_rng(seed).integers(0, 256, (NUM, *shape)).astype(np.uint8)
    for index, image in enumerate(pixels):
        writer.write(_example(image, label=index % 10))
    writer.close()


def _example(image: np.ndarray, label: int) -> bytes:
    from tensorflow_datasets.proto import tf_example_pb2, tf_feature_pb2

    stream = io.BytesIO()
    Image.fromarray(image.squeeze()).save(stream, format="png")
    png = tf_feature_pb2.BytesList(value=[stream.getvalue()])
    fields = {
        "image": tf_feature_pb2.Feature(bytes_list=png),
        "label": tf_feature_pb2.Feature(int64_list=tf_feature_pb2.Int64List(value=[label])),
    }
    example = tf_example_pb2.Example(features=tf_feature_pb2.Features(feature=fields))
    return example.SerializeToString()


def _write_description(folder: Path, name: str, version: str, shape: tuple[int, ...]) -> None:
    """What TFDS reads before the records."""
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    splits = [
        {"name": split, "shardLengths": [str(NUM)], "filepathTemplate": template}
        for split in ("train", "test")
    ]
    info = {"name": name, "version": version, "fileFormat": "array_record", "splits": splits}
    dimensions = {"dimensions": [str(size) for size in shape]}
    classes = "tensorflow_datasets.core.features"
    features = {
        "image": {
            "pythonClassName": f"{classes}.image_feature.Image",
            "image": {"dtype": "uint8", "shape": dimensions},
        },
        "label": {
            "pythonClassName": f"{classes}.class_label_feature.ClassLabel",
            "classLabel": {"numClasses": "10"},
        },
    }
    whole = {
        "pythonClassName": f"{classes}.features_dict.FeaturesDict",
        "featuresDict": {"features": features},
    }
    (folder / "dataset_info.json").write_text(json.dumps(info))
    (folder / "features.json").write_text(json.dumps(whole))
