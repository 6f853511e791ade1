"""One process at a time trains in a run folder."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple


class Holder(NamedTuple):
    """Who trains in a run folder, or was the last to.

    Attributes:
        process: its id; None where the file does not say.
        host: the machine; None where the file does not say.
        lives: whether it holds the folder now.
    """

    process: int | None
    host: str | None
    lives: bool

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}" if self.process else "another process"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the lock goes with the process, however it ends.

    Raises:
        OSError: another process holds it; it is named.
    """
    with (folder / ".lock").open("a+") as file:
        if not _taken(file, fcntl.LOCK_EX):
            time.sleep(0.1)  # whoever only asks who holds it has let it go by then
            if not _taken(file, fcntl.LOCK_EX):
                raise OSError(_refusal(folder, file))
        file.truncate(0)
        file.write(json.dumps({"process": os.getpid(), "host": socket.gethostname()}))
        file.flush()
        yield


def _refusal(folder: Path, file: IO) -> str:
    file.seek(0)
    return (
        f"{folder} is in use by {_holder(file.read(), lives=True)}: wait for it, stop it, or choose "
        "another folder with --run-dir"
    )


def holder_of(folder: Path) -> Holder | None:
    """Who holds a run folder, or held it last; None where nobody ever did.

    Args:
        folder: of the run; nothing in it is changed.
    """
    path = folder / ".lock"
    if not path.is_file():
        return None
    with path.open() as file:
        return _holder(file.read(10_000), lives=not _taken(file, fcntl.LOCK_SH))


def _taken(file: IO, kind: int) -> bool:
    """Whether the lock was free; it is held until the file is closed."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(text: str, lives: bool) -> Holder:
    try:
        holder = json.loads(text)
        return Holder(int(holder["process"]), str(holder["host"]), lives)
    except (ValueError, KeyError, TypeError):
        return Holder(None, None, lives)
