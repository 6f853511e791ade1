"""Recordings as a source: of one rate, one channel and one length, each as loud as the next.

An example holds ``recording``, float32 ``[length]`` with a greatest absolute value of :data:`PEAK`, and
what is known of it: ``label``, ``speaker``, ``take``.
"""

import struct
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from math import gcd
from pathlib import Path
from typing import Literal

import jax
import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly
from tqdm import tqdm

from gan_jax.data.arrays import ArraySource
from gan_jax.data.class_folders import classes_of
from gan_jax.data.subset import Subset
from gan_jax.data.tfds import tfds_source

PEAK = 0.95  # of every recording: loudness differs by a factor of 15 between the speakers of spoken_digit
SHORTEST = 0.05  # seconds
_SILENT = 1e-3  # a greatest absolute value below this is silence
_LISTED = 5  # files that a message names


def recording_fields(key: jax.Array, example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """``recording`` as ``real``; the label, where there is one, as the ``condition`` of both players.

    An example's own ``condition`` comes before its label; ``label`` and ``speaker`` are kept.
    """
    told = example.get("condition", example.get("label"))
    found = {name: example[name] for name in ("label", "speaker") if name in example}
    found |= {"real": example["recording"]}
    return found if told is None else found | {"condition": told.astype("int32")}


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """A WAV file of 8, 16, 24 or 32 bits or of floats: its samples in [-1, 1] and their rate.

    Args:
        path: of the file.

    Returns:
        float64 ``[T, channels]``, and the samples of a second.

    Raises:
        ValueError: the file is none, holds no samples, or values that are not finite.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks beside the sound
            rate, samples = wavfile.read(path)
    except (ValueError, EOFError, OSError, IndexError, TypeError, struct.error) as error:
        raise ValueError(
            f"{path} is no WAV file that can be read ({error or type(error).__name__}): expected PCM of "
            "8 to 32 bits, or floats"
        ) from error
    if not samples.size or rate < 1:
        raise ValueError(f"{path} holds no samples")
    samples = samples.reshape(len(samples), -1)
    if samples.dtype.kind == "f":
        if not np.isfinite(samples).all():
            raise ValueError(f"{path} holds NaN or infinity: remove or mend it")
        return samples.astype(np.float64), rate
    middle = 128.0 if samples.dtype == np.uint8 else 0.0
    # 24 bits are the upper ones of 32
    scale = 128.0 if samples.dtype == np.uint8 else -float(np.iinfo(samples.dtype).min)
    return (samples - middle) / scale, rate


def resampled(samples: np.ndarray, rate: int, to_rate: int) -> np.ndarray:
    """Samples along the first axis at another rate, by a polyphase filter against aliasing.

    Args:
        samples: ``[T, ...]``.
        rate: of the samples.
        to_rate: of the result, ``[ceil(T to_rate / rate), ...]``.
    """
    if rate == to_rate:
        return samples
    common = gcd(rate, to_rate)
    return resample_poly(samples, to_rate // common, rate // common, axis=0)


def fitted(samples: np.ndarray, length: int) -> np.ndarray:
    """One channel at the length and the loudness of all: float32 ``[length]``.

    What is longer loses its end, what is shorter is followed by zeros.

    Args:
        samples: ``[T]``, not silent.
        length: in samples.
    """
    cut = samples[:length]
    return np.pad(cut * (PEAK / np.abs(cut).max()), (0, length - len(cut))).astype(np.float32)


def folder_recordings(
    folder: str | Path,
    *,
    rate: int,
    length: int,
    labels: Literal["subfolders"] | None = None,
    num_classes: int | None = None,
    tell_fn: Callable[[str], None] = print,
) -> ArraySource:
    """Every WAV file below a folder, in the order of their paths.

    Several channels are averaged, other rates are resampled, and ``tell_fn`` hears of both.

    Args:
        folder: searched with its subfolders; hidden files and folders are passed over.
        rate: samples of a second.
        length: of a recording, in samples.
        labels: ``subfolders``: an example holds a ``label``, the place of its first-level subfolder
            among all of them, sorted; ``names["label"]`` are their names.
        num_classes: how many subfolders there must be, with labels.
        tell_fn: hears in a sentence what is special about some of the files.

    Raises:
        FileNotFoundError: no such folder, or no WAV file in it.
        ValueError: a file is no WAV; some are silent, or shorter than :data:`SHORTEST` seconds (they are
            named); or the subfolders are no classes.
    """
    folder = Path(folder)
    files = _found(folder)
    arrays, names = {}, {}
    if labels is not None:
        names["label"], arrays["label"] = classes_of(folder, files, what="recordings")
        if num_classes not in (None, len(names["label"])):
            raise ValueError(
                f"{folder} holds {len(names['label'])} class folders ({', '.join(names['label'])}): give "
                f"--num-classes {len(names['label'])}, got {num_classes}"
            )

    def read(path: Path) -> tuple[np.ndarray, list[str]]:
        samples, own_rate = read_wav(path)
        kinds = [f"at {own_rate:,} Hz (resampled to {rate:,} Hz)"] if own_rate != rate else []
        kinds += ["of several channels (averaged)"] if samples.shape[1] > 1 else []
        return resampled(samples.mean(1), own_rate, rate), kinds

    named = (str(path.relative_to(folder)) for path in files)
    recordings, kinds = _gathered(zip(named, map(read, files), strict=True), len(files), rate)
    kinds += ["long (their ends are cut off)" for each in recordings if len(each) > length]
    if kinds:
        tell_fn(_sentence(kinds, len(files)))
    arrays["recording"] = np.stack([fitted(each, length) for each in recordings])
    return ArraySource(arrays, names=names)


def spoken_digits(
    *, data_dir: str | Path | None = None, split: str = "train", length: int = 8192
) -> ArraySource:
    """The Free Spoken Digit Dataset as TFDS prepares it: six speakers say each digit fifty times, at 8 kHz.

    Args:
        data_dir: a folder that holds ``spoken_digit/1.0.9``; TFDS's own default without it.
        split: such as ``train`` or ``train[:100]``.
        length: of a recording, in samples.

    Returns:
        ``recording``, ``label`` (the digit), ``speaker`` and ``take``, with the names of digits and
        speakers.

    Raises:
        FileNotFoundError: as :func:`gan_jax.data.tfds.tfds_source`.
    """
    source = tfds_source("spoken_digit", split=split, data_dir=data_dir)
    examples = [source[index] for index in range(len(source))]
    files = [_text(example["audio/filename"]) for example in examples]
    _, speakers, takes = zip(*(file.removesuffix(".wav").split("_") for file in files), strict=True)
    names = tuple(sorted(set(speakers)))
    read = (
        (file, (np.asarray(example["audio"], np.float64) / 32768.0, []))
        for file, example in zip(files, examples, strict=True)
    )
    recordings, _ = _gathered(read, len(files), 8000)
    arrays = {
        "recording": np.stack([fitted(each, length) for each in recordings]),
        "label": np.array([example["label"] for example in examples], np.int32),
        "speaker": np.array([names.index(speaker) for speaker in speakers], np.int32),
        "take": np.array(takes, np.int32),
    }
    return ArraySource(arrays, names={"label": source.names["label"], "speaker": names})


def parted(
    source: ArraySource, *, first_takes: int, speaker: str | None = None
) -> tuple[ArraySource, ArraySource]:
    """Recordings to train on, and those that are set aside: first takes, or one speaker whole.

    What is set aside at random would measure memory: the takes of one speaker are much alike.

    Args:
        source: with ``take``, ``speaker`` and the names of speakers.
        first_takes: takes below this number are set aside, of every speaker.
        speaker: or all recordings of this one instead.

    Raises:
        ValueError: there is no such speaker, or nothing would be left in one of the parts.
    """
    if speaker is None:
        aside = source.arrays["take"] < first_takes
    else:
        names = source.names["speaker"]
        if speaker not in names:
            raise ValueError(f"there is no speaker {speaker!r}: expected one of {', '.join(names)}")
        aside = source.arrays["speaker"] == names.index(speaker)
    if aside.all() or not aside.any():
        raise ValueError(
            f"{aside.sum():,} of {len(source):,} recordings would be set aside: expected some, and not all"
        )
    rest, held_out = (Subset.of(source, np.flatnonzero(part)) for part in (~aside, aside))
    return rest, held_out


def with_speakers(source: ArraySource) -> ArraySource:
    """The same recordings, whose ``condition`` is the digit and who says it: label 6 of 60 is ``1 george``."""
    digits, speakers = (source.names[name] for name in ("label", "speaker"))
    condition = source.arrays["label"] * len(speakers) + source.arrays["speaker"]
    named = tuple(f"{digit} {speaker}" for digit in digits for speaker in speakers)
    arrays = source.arrays | {"condition": condition.astype(np.int32)}
    return ArraySource(arrays, names=source.names | {"condition": named})


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _gathered(
    read: Iterable[tuple[str, tuple[np.ndarray, list[str]]]], num: int, rate: int
) -> tuple[list[np.ndarray], list[str]]:
    """All recordings, and what is special about some; refuses those in which there is nothing to hear."""
    recordings, kinds, bad = [], [], []
    with tqdm(total=num, desc="reading", unit="recording", leave=False, disable=None) as bar:
        for name, (samples, own_kinds) in read:
            if len(samples) < SHORTEST * rate:
                bad.append(f"{name} ({len(samples) / rate:.3f} s)")
            elif np.abs(samples).max() < _SILENT:
                bad.append(f"{name} (silent)")
            recordings.append(samples)
            kinds += own_kinds
            bar.update()
    if bad:
        listed = ", ".join(bad[:_LISTED]) + (", ..." if len(bad) > _LISTED else "")
        raise ValueError(
            f"{len(bad):,} of {num:,} recordings are silent or shorter than {SHORTEST} s: {listed}; "
            "remove them"
        )
    return recordings, kinds


def _sentence(kinds: list[str], num: int) -> str:
    return "; ".join(
        f"{count:,} of {num:,} recordings are {kind}" for kind, count in Counter(kinds).items()
    )


def _found(folder: Path) -> list[Path]:
    """Every WAV file below a folder, sorted by its path."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: name one that holds WAV files")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() == ".wav"
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        others = sum(path.is_file() for path in folder.rglob("*"))
        raise FileNotFoundError(
            f"{folder} holds no WAV file ({others:,} other files): expected recordings that end in .wav; "
            "other formats must be converted first"
        )
    return files
