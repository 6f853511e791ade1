"""Sources by name: what unpaired data are made of."""

import zlib
from typing import Any

import numpy as np

BESIDE = ""  # the name of the source whose fields stand beside the names of the others


def beside(batch: dict[str, Any]) -> dict[str, Any]:
    """A batch of several sources: the fields of the one without a name, beside the others' names."""
    return {name: fields for name, fields in batch.items() if name != BESIDE} | batch.get(
        BESIDE, {}
    )


def seed_of(seed: int, name: str) -> int:
    """The seed of one of several sources: a function of the run's and of the name."""
    return int(np.random.SeedSequence([seed, zlib.crc32(name.encode())]).generate_state(1)[0])
