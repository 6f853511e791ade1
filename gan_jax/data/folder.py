"""A folder of image files as a source."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np

from gan_jax.data.array_file import SUFFIX, read_array
from gan_jax.data.class_folders import classes_of, too_high
from gan_jax.data.image_file import MODES, check_color, kind_of, read_image

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", SUFFIX, ".png", ".tif", ".tiff", ".webp")
_HASHED_WHOLE = 2**31  # bytes of all files: beyond that their ends are hashed
_END = 2**16


class FolderSource:
    """Every image file below a folder, in the order of their paths, decoded when asked for.

    Arrays ``[H, W, C]`` of uint8 or uint16 in ``.npy`` files are images, too.

    Args:
        folder: searched with its subfolders; hidden files and folders are passed over.
        size: images are cropped at the centre and resized (Lanczos) to a square of this many
            pixels, or to ``(height, width)``; None takes them as they are.
        channels: 1 (grey), 3 (RGB), 4 (RGB and opacity); of ``.npy`` files any number.
        background: the colour on which transparent images are laid, except with four channels.
        labels: ``subfolders``: an example holds a ``label``, int32: the place of its first-level
            subfolder among all of them, sorted; ``names["label"]`` are their names.
        num_classes: how many subfolders there must be; asks for their labels.

    Raises:
        FileNotFoundError: no such folder, or no image in it.
        ValueError: channels or size do not fit, the background is no colour, the subfolders are no
            classes, or others than so many; when an example is read: the file is empty or no image (it is named).
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        size: int | tuple[int, int] | None,
        channels: int = 3,
        background: str = "white",
        labels: Literal["subfolders"] | None = None,
        num_classes: int | None = None,
    ):
        sides = (size, size) if isinstance(size, int) else size
        if channels < 1 or (sides is not None and min(sides) < 1):
            raise ValueError(
                f"channels and size must be positive, got channels={channels}, size={size}"
            )
        if labels not in (None, "subfolders"):
            raise ValueError(f"labels must be subfolders or None, got {labels!r}")
        self.folder, self.size, self.channels = Path(folder), sides, channels
        self.background = check_color(background)
        self.files = _found(self.folder)
        self._check_channels()
        self.names: dict[str, tuple[str, ...]] = {}
        self._labels: np.ndarray | None = None
        if labels is not None or num_classes is not None:
            self.names["label"], self._labels = classes_of(self.folder, self.files)
        names = self.names.get("label", ())
        if num_classes not in (None, len(names)):
            raise ValueError(
                f"{self.folder} holds {len(names)} class folders ({', '.join(names)}): give "
                f"--num-classes {len(names)}, got {num_classes}"
            )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        path, options = self.files[index], {"channels": self.channels, "size": self.size}
        if path.suffix.lower() == SUFFIX:
            image = read_array(path, **options)
        else:
            image = read_image(path, background=self.background, **options)
        return {"image": image} | ({} if self._labels is None else {"label": self._labels[index]})

    def kinds(self) -> str:
        """What is special about some of the images, each kind once; nothing mostly.

        ``62 of 3,786 images are transparent (laid on white)``.
        """
        images = [path for path in self.files if path.suffix.lower() != SUFFIX]
        counts = Counter(kind for path in images for kind in kind_of(path).split(", ") if kind)
        how = {
            "transparent": "" if self.channels == 4 else f" (laid on {self.background})",
            "16 bits": " (divided by 257)",
            "animated": " (the first frame is taken)",
        }
        sentences = [
            f"{count:,} of {len(self):,} images are {kind}{how.get(kind, '')}"
            for kind, count in counts.items()
        ]
        return "; ".join([*sentences, *filter(None, [too_high(self.folder, self.files)])])

    def fingerprint(self) -> dict:
        """What identifies the data: the files' names and contents, and how they are made one size.

        Of more than 2 GiB in all, each file's size, beginning and end stand for its content.
        """
        whole = sum(path.stat().st_size for path in self.files) <= _HASHED_WHOLE
        labels = "" if self._labels is None else " labels=subfolders"
        made = f"{self.size} {self.channels} {self.background}{labels}"
        digest = hashlib.sha256(made.encode())
        for path in self.files:
            content = path.read_bytes() if whole else _ends(path)
            digest.update(f"{path.relative_to(self.folder)} {path.stat().st_size}\n".encode())
            digest.update(content)
        return {"examples": len(self), "sha256": digest.hexdigest()}

    def _check_channels(self) -> None:
        if self.channels in MODES:
            return
        for path in self.files:
            if path.suffix.lower() != SUFFIX:
                raise ValueError(
                    f"channels must be 1, 3 or 4 for image files such as {path}, got "
                    f"{self.channels}: other numbers are read from {SUFFIX} arrays [H, W, C]"
                )


def _found(folder: Path) -> list[Path]:
    """Every image file below a folder, sorted by its path."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: name one that holds image files")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in EXTENSIONS
        and path.is_file()  # a pipe of that name would be waited for
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        others = sum(path.is_file() for path in folder.rglob("*"))
        raise FileNotFoundError(
            f"{folder} holds no image file ({others:,} other files): expected at least one of "
            f"{', '.join(EXTENSIONS)}"
        )
    return files


def _ends(path: Path) -> bytes:
    with path.open("rb") as file:
        beginning = file.read(_END)
        file.seek(max(0, path.stat().st_size - _END))
        return beginning + file.read(_END)
