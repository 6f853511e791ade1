"""Some examples of a source, as a source."""

import hashlib

import numpy as np

from gan_jax.data.arrays import ArraySource, Source, fingerprint, read_many


class Subset:
    """The examples of a source at some places, read when they are asked for.

    Args:
        source: the examples.
        places: which, in this order.
    """

    def __init__(self, source: Source, places: np.ndarray):
        self.source, self.places = source, np.asarray(places)
        self.names = getattr(source, "names", {})

    @staticmethod
    def of(source: Source, places: np.ndarray) -> Source:
        """A subset: of a source in memory, in memory."""
        if isinstance(source, ArraySource):
            return ArraySource(source[places], names=source.names)
        return Subset(source, places)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return self.source[int(self.places[index])]

    def __getitems__(self, indices: list[int]) -> list[dict[str, np.ndarray]]:
        """Several examples at once, as fast as the source gives them."""
        return read_many(self.source, self.places[indices])

    def fingerprint(self) -> dict:
        """That of the source, and which examples."""
        digest = hashlib.sha256(np.ascontiguousarray(self.places, np.int64)).hexdigest()
        return {**fingerprint(self.source), "examples": len(self), "places": digest}
