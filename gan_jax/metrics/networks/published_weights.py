"""The published weights of the Inception network, fetched once."""

import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from gan_jax.metrics.networks.cache import cache_folder

URL = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth"
)
SHA256 = "6726825d"  # its first digits, which are part of the file's name


def published_weights(url: str = URL, sha256: str = SHA256) -> Path:
    """The file of the weights, downloaded to the user's cache on first use.

    Args:
        url: of the file; its last part is the name in the cache.
        sha256: the first digits of the file's SHA-256.

    Raises:
        ConnectionError: it is not in the cache, and could not be downloaded.
        ValueError: what was downloaded is another file; nothing is kept of it.
    """
    file = cache_folder() / "inception" / url.rsplit("/", 1)[1]
    if file.is_file():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    print(f"downloading {url} to {file.parent} (once)", flush=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                shutil.copyfileobj(response, part)
            part.flush()
            _check(Path(part.name), url, sha256)
        except BaseException as error:
            os.unlink(part.name)
            if isinstance(error, urllib.error.URLError | TimeoutError):
                raise ConnectionError(
                    f"{url} could not be downloaded ({error}): fetch it on a machine with a network, and "
                    "name the file with --inception FILE"
                ) from error
            raise
    os.replace(part.name, file)
    return file


def _check(file: Path, url: str, sha256: str) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if not found.startswith(sha256):
        raise ValueError(
            f"{url} is another file than published: its SHA-256 begins {found[:8]}, not {sha256}"
        )
