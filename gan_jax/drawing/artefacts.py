"""What a run shows: a picture, an animation, a sound or a text, each with its one way to a file.

The type of the value decides how it is written and how a page shows it; ``KINDS`` has a line for
each. A run keeps them as ``artefacts/NAME/step_00001000.png`` (or ``.gif``, ``.wav``, ``.txt``).
:mod:`gan_jax.drawing.compose` makes them of samples.
"""

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_jax.drawing.encodings import gif, png, utf8, wav
from gan_jax.drawing.whole_files import replace_file

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FILE = re.compile(r"step_([0-9]{1,18})(\.[a-z]+)")


class Picture(NamedTuple):
    """A still picture; it becomes a PNG.

    Attributes:
        image: of Pillow, in a mode that PNG has.
    """

    image: Image.Image


class Animation(NamedTuple):
    """A moving picture; it becomes a GIF (:func:`gan_jax.drawing.encodings.gif`).

    Attributes:
        frames: uint8 ``[T, H, W, C]`` with 1 or 3 channels.
        seconds: of all frames.
    """

    frames: np.ndarray
    seconds: float = 2.0


class Audio(NamedTuple):
    """A sound; it becomes a WAV file of 16 bits a sample.

    Attributes:
        samples: floats in [-1, 1], ``[T]`` or ``[T, channels]``.
        rate: samples of a second.
    """

    samples: np.ndarray
    rate: int


class Text(NamedTuple):
    """A text; it becomes a file in UTF-8.

    Attributes:
        text: lines of any length.
    """

    text: str


Artefact = Picture | Animation | Audio | Text


def _source(source: str) -> str:
    return f' src="{escape(source)}"' if source else ""


def _image(source: str, label: str) -> str:
    return f'<img data-into="src" alt="{escape(label)}"{_source(source)}>'


def _player(source: str, label: str) -> str:
    told = f'aria-label="{escape(label)}"'
    return f'<audio controls preload="metadata" data-into="src" {told}{_source(source)}></audio>'


def _lines(source: str, label: str) -> str:
    told = f'tabindex="0" role="region" aria-label="{escape(label)}"'
    # parsers drop the first line feed of a pre
    return f'<pre data-into="textContent" {told}>\n{escape(source)}</pre>'


class Kind(NamedTuple):
    """How artefacts of one type are written and shown.

    Attributes:
        suffix: of its files.
        media: their media type. Of ``text/plain`` a page holds the text, of others a data URI.
        encode_fn: the artefact's fields -> the bytes of its file; ValueError says what is wrong.
        html_fn: ``(source, label) -> HTML`` of one element, whose ``data-into`` names the property
            that a script sets to show another source. ``source`` is a data URI, or the text itself;
            empty where the script sets the first one, too.
    """

    suffix: str
    media: str
    encode_fn: Callable[..., bytes]
    html_fn: Callable[[str, str], str]


KINDS: dict[type, Kind] = {
    Picture: Kind(".png", "image/png", png, _image),
    Animation: Kind(".gif", "image/gif", gif, _image),
    Audio: Kind(".wav", "audio/wav", wav, _player),
    Text: Kind(".txt", "text/plain", utf8, _lines),
}


def encode(name: str, artefact: Artefact) -> tuple[str, bytes]:
    """The suffix and the bytes of an artefact's file.

    Args:
        name: of the artefact, for messages.
        artefact: of one of the four types.

    Raises:
        ValueError: the artefact is of no such type, or its contents are none of its type.
    """
    kind = KINDS.get(type(artefact))
    if kind is None:
        known = ", ".join(known.__name__ for known in KINDS)
        raise ValueError(
            f"artefact {name!r} must be one of {known} of gan_jax.drawing.artefacts, got "
            f"{type(artefact).__name__}: the type decides how it is written and shown"
        )
    try:
        return kind.suffix, kind.encode_fn(*artefact)
    except ValueError as error:
        raise ValueError(f"artefact {name!r}: {error}") from error


def write_artefact(folder: Path, name: str, step: int, artefact: Artefact) -> Path:
    """Writes ``folder/name/step_00001000.png``; a kill leaves the old file, the new one or none.

    Args:
        folder: of all artefacts of a run.
        name: of the artefact: small letters, digits and ``_``.
        step: rounds played.
        artefact: what to write.

    Returns:
        The file.

    Raises:
        ValueError: the name or the step is none, or :func:`encode` refuses the artefact.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            "the name of an artefact begins with a small letter and has small letters, digits and "
            f"_, as in nearest_real; got {name!r}"
        )
    if step < 0:
        raise ValueError(f"the step of artefact {name!r} must be at least 0, got {step}")
    suffix, content = encode(name, artefact)
    path = folder / name / f"step_{step:08d}{suffix}"
    replace_file(path, content)
    return path


def read_artefacts(folder: Path) -> dict[str, dict[int, Path]]:
    """Which artefacts a run has: name -> step -> file, both in order.

    Links are left out: in somebody else's run they could show files of yours.

    Args:
        folder: of all artefacts of a run; it need not exist.
    """
    found: dict[str, dict[int, Path]] = {}
    for path in folder.glob("*/step_*"):
        parts = _FILE.fullmatch(path.name)
        if not parts or kind_of(path) is None or not _NAME.fullmatch(path.parent.name):
            continue
        if path.is_file() and not path.is_symlink() and not path.parent.is_symlink():
            found.setdefault(path.parent.name, {})[int(parts[1])] = path
    return {name: dict(sorted(found[name].items())) for name in sorted(found)}


def kind_of(path: Path) -> Kind | None:
    """The kind of an artefact's file, by its suffix; None of any other file.

    Args:
        path: of a file, which is not opened.
    """
    return next((kind for kind in KINDS.values() if kind.suffix == path.suffix), None)
