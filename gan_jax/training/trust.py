"""Whose code a run folder holds: opening a run executes the copy of its experiment's file.

A copy is trusted where its content is that of a file that this user has trained with on this machine, or of one of
the repository's experiments. Any other is a stranger's, and runs where the user says so.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from gan_jax.metrics.networks.cache import cache_folder

_EXPERIMENTS = Path(__file__).parents[2] / "experiments"  # of a checkout of the repository


def vouch(file: Path) -> None:
    """Remembers, in the user's cache, that this user runs such a file.

    Args:
        file: of an experiment. Where the cache cannot be written, the user is asked once more.
    """
    with suppress(OSError):
        known = _known_files()
        known.mkdir(parents=True, exist_ok=True)
        (known / _digest(file)).touch()


def check_trusted(file: Path, *, trust: bool) -> None:
    """Refuses a stranger's file; one that the user trusts is remembered.

    Args:
        file: of an experiment, which is about to be executed.
        trust: whether the user says that it may be.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is a stranger's.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: expected the experiment's Python file")
    if trust:
        vouch(file)
    elif not (_known_files() / _digest(file)).is_file() and _digest(file) not in _repository():
        raise ValueError(
            f"{file} would be executed, and it is neither a file that you have trained with on this machine nor one of "
            "the repository's experiments: read it, then give --trust once (in Python: trust=True)"
        )


def _known_files() -> Path:
    return cache_folder() / "experiments"


def _repository() -> set[str]:
    return (
        {_digest(file) for file in _EXPERIMENTS.rglob("*.py")} if _EXPERIMENTS.is_dir() else set()
    )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
