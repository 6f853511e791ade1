"""A folder of image files as a source."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_MODES = {1: "L", 3: "RGB"}


class FolderSource:
    """Every image file below a folder, in the order of their paths, decoded when asked for.

    Args:
        folder: searched with its subfolders; hidden files are passed over.
        size: images are cropped at the centre to a square and resized (Lanczos) to this many
            pixels; None takes them as they are.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        FileNotFoundError: no such folder, or no image in it.
        ValueError: channels is neither 1 nor 3, or size is not positive; when an example is
            read: the file is empty or no image (it is named).
    """

    def __init__(self, folder: str | Path, *, size: int | None, channels: int = 3):
        if channels not in _MODES or (size is not None and size < 1):
            raise ValueError(
                f"channels must be 1 or 3 and size positive, got channels={channels}, size={size}"
            )
        self.folder, self.size, self.channels = Path(folder), size, channels
        if not self.folder.is_dir():
            raise FileNotFoundError(
                f"{self.folder} is not a folder: name one that holds image files"
            )
        self.files = sorted(
            path
            for path in self.folder.rglob("*")
            if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")
        )
        if not self.files:
            raise FileNotFoundError(
                f"{self.folder} holds no image file: expected at least one of {', '.join(EXTENSIONS)}"
            )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        path = self.files[index]
        try:
            with Image.open(path) as image:
                image = image.convert(_MODES[self.channels])
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            size = path.stat().st_size
            raise ValueError(
                f"{path} ({size} bytes) cannot be read as an image ({error}): mend or remove it"
            ) from error
        if self.size is not None:
            image = ImageOps.fit(image, (self.size, self.size), Image.Resampling.LANCZOS)
        pixels = np.asarray(image, np.uint8)
        return {"image": pixels.reshape(*pixels.shape[:2], self.channels)}

    def fingerprint(self) -> dict:
        """What identifies the data: the files' names and sizes, and how they are made one size."""
        digest = hashlib.sha256(f"{self.size} {self.channels}".encode())
        for path in self.files:
            digest.update(f"{path.relative_to(self.folder)} {path.stat().st_size}\n".encode())
        return {"examples": len(self), "sha256 of names and sizes": digest.hexdigest()}
