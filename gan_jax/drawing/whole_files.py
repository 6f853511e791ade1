"""Files that are whole or not there, whenever a process ends."""

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Writes a whole file or none: a draft beside it takes its place at the end.

    The draft has a name that nobody can foresee, so no link that lies there leads it elsewhere.

    Args:
        path: the file; its folder is made.
        content: of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.stem}_", suffix=".draft", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(draft, path.parent.stat().st_mode & 0o666)  # mkstemp lets nobody else read it
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
