"""TensorBoard's files of a run: however often it was started, they are one series and one file.

A record is its length (8 bytes), a checksum of that (4), an event, and a checksum of that (4). Records are copied
as they are.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_jax.drawing.artefacts import replace_file

_SERIES = (
    "events.out.tfevents.0.series"  # before all files of single starts, which bear their times
)


def merge_events(folder: Path, *, last_step: int | None = None) -> None:
    """Makes one file of all; a kill loses nothing, and a record that one cut short is left out.

    Args:
        folder: of the files; nothing happens where there is none.
        last_step: events of later steps are dropped; None keeps all.
    """
    files = sorted(folder.glob("events.out.tfevents.*"))
    if not files:
        return
    kept: dict[bytes, None] = {}  # in order, each once: a kill may have left a file beside its copy
    for file in files:
        for record, event in _records(file.read_bytes()):
            if event.HasField("session_log") or (event.HasField("file_version") and kept):
                continue  # the starts of single files
            if last_step is None or event.step <= last_step or event.HasField("file_version"):
                kept[record] = None
    replace_file(folder / _SERIES, b"".join(kept))
    for file in files:
        if file.name != _SERIES:
            file.unlink()


def _records(content: bytes) -> Iterator[tuple[bytes, Any]]:
    """The whole records of a file, each with its event."""
    from google.protobuf.message import DecodeError
    from tensorboardX.proto.event_pb2 import Event

    start = 0
    while start + 16 <= len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        end = start + 16 + length
        if end > len(content):
            return
        try:
            event = Event.FromString(content[start + 12 : end - 4])
        except DecodeError:
            return
        yield content[start:end], event
        start = end
