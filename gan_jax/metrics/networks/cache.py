"""Classifiers on disk: trained once, found again by the data and the training that made them.

One ``.npz`` file for each, named by a fingerprint of its data, its network, its training and the version of
this code, so that none is ever taken for another. Its arrays are the parameters and one line of JSON; no pickles.
"""

import hashlib
import inspect
import json
import os
import tempfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax.data import ArraySource
from gan_jax.metrics.networks.classifier import (
    VERSION,
    Classifier,
    ConvClassifier,
    train_classifier,
)

_RECORD = "record"


def cached_classifier(
    training: ArraySource, held_out: ArraySource, *, folder: Path | None = None, **training_options
) -> Classifier:
    """:func:`gan_jax.metrics.networks.classifier.train_classifier`, the first time; then what it made.

    Args:
        training: labelled images.
        held_out: labelled images that measure its accuracy.
        folder: of the files; ``gan_jax/classifiers`` under the user's cache (``XDG_CACHE_HOME``, or
            ``~/.cache``) without it. A file that is damaged is written anew; where nothing can be
            written, the next call trains again.
        **training_options: of ``train_classifier``.
    """
    made_of = _made_of(training, held_out, training_options)
    name = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    file = (folder or cache_folder() / "classifiers") / f"{name}.npz"
    found = _load(file, made_of) if file.is_file() else None
    if found is not None:
        return found
    classifier = train_classifier(training, held_out, **training_options)
    with suppress(OSError):  # a folder that cannot be written costs the next training, not this run
        _save(file, classifier, made_of)
    return classifier


def _made_of(training: ArraySource, held_out: ArraySource, options: dict[str, Any]) -> dict:
    bound = inspect.signature(train_classifier).bind(training, held_out, **options)
    bound.apply_defaults()
    sources = {"training": training.fingerprint(), "held_out": held_out.fingerprint()}
    return json.loads(json.dumps({**bound.arguments, **sources, "version": VERSION}))


def cache_folder() -> Path:
    """``gan_jax`` under the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_jax"


def _save(file: Path, classifier: Classifier, made_of: dict) -> None:
    """Whole or not at all: a reader never sees half a file."""
    network = classifier.network
    record = {
        "made_of": made_of,
        "num_classes": network.num_classes,
        "widths": network.widths,
        "num_features": network.num_features,
        "accuracy": classifier.accuracy,
        "num_held_out": classifier.num_held_out,
    }
    arrays = flatten_dict(classifier.variables, sep="/")
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
        try:
            np.savez(part, **arrays, **{_RECORD: json.dumps(record)})
        except OSError:  # the disk is full
            os.unlink(part.name)
            raise
    os.replace(part.name, file)


def _load(file: Path, made_of: dict) -> Classifier | None:
    try:
        # opened here: np.load leaves a damaged file open
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            record = json.loads(str(arrays[_RECORD]))
            variables = {name: arrays[name] for name in arrays.files if name != _RECORD}
        if record["made_of"] != made_of:
            return None
        network = ConvClassifier(
            record["num_classes"], tuple(record["widths"]), record["num_features"]
        )
        found = unflatten_dict(variables, sep="/")
        return Classifier(network, found, record["accuracy"], record["num_held_out"])
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None  # trained and written anew
