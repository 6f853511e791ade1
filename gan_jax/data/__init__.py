"""Sources of samples, and the batch of step n.

A source is anything with ``len(source)`` and ``source[i] -> dict of arrays``. Of each example a
``prepare_fn(key, example)`` makes what the game calls it.
"""

from gan_jax.data.arrays import ArraySource, Source, in_memory
from gan_jax.data.batches import Batches
from gan_jax.data.dataset import Data
from gan_jax.data.decoded import decoded
from gan_jax.data.digits import digits
from gan_jax.data.folder import FolderSource
from gan_jax.data.images import pixels_to_real
from gan_jax.data.merged import merged
from gan_jax.data.prepare import as_is, image_fields, labeled_image_fields
from gan_jax.data.rows import Rows
from gan_jax.data.tfds import tfds_source

__all__ = [
    "ArraySource",
    "Batches",
    "Data",
    "FolderSource",
    "Rows",
    "Source",
    "as_is",
    "decoded",
    "digits",
    "image_fields",
    "in_memory",
    "labeled_image_fields",
    "merged",
    "pixels_to_real",
    "tfds_source",
]
