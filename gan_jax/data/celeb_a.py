"""Faces of CelebA: the middle of each picture, and some of its attributes as one label."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from gan_jax.data.arrays import Source, fingerprint
from gan_jax.data.image_file import fitted


class Faces:
    """TFDS's ``celeb_a`` as square images, with a label for each combination of attributes.

    An example holds ``image`` uint8 ``[size, size, 3]``, and ``label`` int32 where attributes are
    named: the sum of ``2 ** i`` over the attributes ``i`` that the face has.

    Args:
        source: of ``celeb_a``: ``image`` uint8 ``[218, 178, 3]``, ``attributes`` name -> bool.
        size: of the images, in pixels.
        crop: side of the square in the middle that is kept and then resized (Lanczos): 178 holds
            the whole head, 108 the face alone.
        attributes: names such as ``Smiling`` or ``Eyeglasses``; ``names["label"]`` names the
            combinations.

    Raises:
        ValueError: the crop is larger than the pictures, or there is no such attribute.

    References:
        Liu et al. 2015, arXiv 1411.7766 (the data, with 40 attributes).
    """

    def __init__(
        self, source: Source, *, size: int = 64, crop: int = 178, attributes: Sequence[str] = ()
    ):
        self.source, self.size, self.crop = source, size, crop
        self.attributes = tuple(attributes)
        first = source[0]
        smallest = min(first["image"].shape[:2])
        if not 1 <= crop <= smallest:
            raise ValueError(
                f"crop must be 1 to {smallest} pixels, as the pictures are, got {crop}"
            )
        known = sorted(first["attributes"])
        if unknown := [name for name in self.attributes if name not in known]:
            raise ValueError(
                f"celeb_a has no attribute {unknown[0]!r}: expected some of {', '.join(known)}"
            )
        self.names = {"label": _combinations(self.attributes)} if self.attributes else {}

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        example = self.source[index]
        image = Image.fromarray(np.asarray(example["image"], np.uint8))
        top, left = (image.height - self.crop) // 2, (image.width - self.crop) // 2
        middle = image.crop((left, top, left + self.crop, top + self.crop))
        pixels = np.asarray(fitted(middle, (self.size, self.size)))
        if not self.attributes:
            return {"image": pixels}
        has = [bool(example["attributes"][name]) for name in self.attributes]
        return {"image": pixels, "label": np.int32(sum(2**i for i, it in enumerate(has) if it))}

    def fingerprint(self) -> dict:
        """That of the source, and how the images are made."""
        made = {"size": self.size, "crop": self.crop, "attributes": list(self.attributes)}
        return fingerprint(self.source) | made


def _combinations(attributes: Sequence[str]) -> tuple[str, ...]:
    """``not Smiling``, ``Smiling``: a name for each label, in the order of the labels."""
    return tuple(
        ", ".join(
            name if label >> place & 1 else f"not {name}" for place, name in enumerate(attributes)
        )
        for label in range(2 ** len(attributes))
    )
