"""A folder of image files as a source."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from gan_jax.data.image_file import MODES, check_colour, kind_of, read_image

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_HASHED_WHOLE = 2**31  # bytes of all files: beyond that their ends are hashed
_END = 2**16


class FolderSource:
    """Every image file below a folder, in the order of their paths, decoded when asked for.

    Args:
        folder: searched with its subfolders; hidden files are passed over.
        size: images are cropped at the centre and resized (Lanczos) to a square of this many
            pixels, or to ``(height, width)``; None takes them as they are.
        channels: 1 (grey) or 3 (RGB).
        background: the colour on which transparent images are laid.

    Raises:
        FileNotFoundError: no such folder, or no image in it.
        ValueError: channels is neither 1 nor 3, size is not positive, or the background is no
            colour; when an example is read: the file is empty or no image (it is named).
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        size: int | tuple[int, int] | None,
        channels: int = 3,
        background: str = "white",
    ):
        sides = (size, size) if isinstance(size, int) else size
        if channels not in MODES or (sides is not None and min(sides) < 1):
            raise ValueError(
                f"channels must be 1 or 3 and size positive, got channels={channels}, size={size}"
            )
        self.folder, self.size, self.channels = Path(folder), sides, channels
        self.background = check_colour(background)
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
        image = read_image(self.files[index], channels=self.channels, background=self.background)
        if self.size is not None:
            height, width = self.size
            image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        pixels = np.asarray(image, np.uint8)
        return {"image": pixels.reshape(*pixels.shape[:2], self.channels)}

    def kinds(self) -> str:
        """What is special about some of the images, each kind once; nothing mostly.

        ``62 of 3,786 images are transparent (laid on white)``.
        """
        counts = Counter(kind for path in self.files for kind in kind_of(path).split(", ") if kind)
        how = {
            "transparent": f" (laid on {self.background})",
            "16 bits": " (divided by 257)",
            "animated": " (the first frame is taken)",
        }
        return "; ".join(
            f"{count:,} of {len(self):,} images are {kind}{how.get(kind, '')}"
            for kind, count in counts.items()
        )

    def fingerprint(self) -> dict:
        """What identifies the data: the files' names and contents, and how they are made one size.

        Of more than 2 GiB in all, each file's size, beginning and end stand for its content.
        """
        whole = sum(path.stat().st_size for path in self.files) <= _HASHED_WHOLE
        digest = hashlib.sha256(f"{self.size} {self.channels} {self.background}".encode())
        for path in self.files:
            content = path.read_bytes() if whole else _ends(path)
            digest.update(f"{path.relative_to(self.folder)} {path.stat().st_size}\n".encode())
            digest.update(content)
        return {"examples": len(self), "sha256": digest.hexdigest()}


def _ends(path: Path) -> bytes:
    with path.open("rb") as file:
        beginning = file.read(_END)
        file.seek(max(0, path.stat().st_size - _END))
        return beginning + file.read(_END)
