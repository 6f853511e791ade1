"""A folder of images against another, without a run: ``evaluate --real FOLDER --fake FOLDER``."""

from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from tqdm import tqdm

from gan_jax.data import Data, FolderSource
from gan_jax.drawing import DrawFn, Sampler
from gan_jax.drawing.sampler import real as as_they_are
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators import Evaluator
from gan_jax.metrics.evaluators.images import NetworkFn, distances
from gan_jax.metrics.networks.network import inception_network
from gan_jax.metrics.networks.published_weights import published_weights
from gan_jax.metrics.networks.rotations import rotations_network
from gan_jax.training.figures_table import aligned

_LEAST = 20  # images of a row
Size = int | tuple[int, int]


def evaluate_folders(
    real: Path,
    fake: Path,
    *,
    size: Size | None = None,
    channels: int = 3,
    background: str = "white",
    inception: Path | None = None,
    resize: Literal["clean", "legacy"] = "clean",
    num_samples: int = 10_000,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """Prints every distance between two folders, beside that of real images from others and of noise.

    The real images are halved: one half is the reference, and the network that looks is trained on
    it; the other is the row ``real``, the best to be had. All rows and the reference hold equal
    numbers of images.

    Args:
        real: a folder of real images.
        fake: a folder of images that are compared with them.
        size: images of both are cropped at the centre and resized to a square of so many pixels, or
            to ``(height, width)``; None takes them as they are, all of one size.
        channels: 1 (grey), 3 (RGB) or 4 (RGB and opacity).
        background: the colour on which transparent images are laid.
        inception: the Inception network looks, with the weights of this file, or ``published``.
            Without it, a network looks that learns to tell turned images of ``real`` apart.
        resize: for the Inception network.
        num_samples: images of a row, at most.
        seed: of the choice of images, of subsets and directions.

    Returns:
        Row -> figure -> estimate.

    Raises:
        FileNotFoundError: no such folder, or no image in it.
        ValueError: there are fewer than 40 real or 20 fake images, fewer are asked for, or they are
            of several sizes.
    """
    if num_samples < _LEAST:
        raise ValueError(f"num_samples must be at least {_LEAST}, got {num_samples}")
    read = partial(FolderSource, size=size, channels=channels, background=background)
    sources = [_checked(read(real), 2 * _LEAST), _checked(read(fake), _LEAST)]
    shape = sources[0][0]["image"].shape
    ours, theirs = (_OneShape(source, shape) for source in sources)
    evaluator = distances(
        Data(source_fn=lambda: ours),
        network_fn=_network_fn(inception, resize),
        num_samples=min(num_samples, len(theirs)),
        seed=seed,
    )
    rows = {"fake": (Data(source_fn=lambda: theirs, held_out_fn=lambda: theirs), as_they_are)}
    real_data = Data(source_fn=lambda: ours)
    rows |= {name: (real_data, draw_fn) for name, draw_fn in evaluator.references.items()}
    found = {
        name: evaluator.measure_fn(_sampler(*row, evaluator.num))
        for name, row in tqdm(rows.items(), desc="measuring", leave=False, disable=None)
    }
    print(_told(real, fake, sources, evaluator, found))
    return found


class _OneShape:
    """A folder whose images must all have the same shape."""

    def __init__(self, source: FolderSource, shape: tuple[int, ...]):
        self._source, self._shape = source, shape

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        example = self._source[index]
        if example["image"].shape != self._shape:
            raise ValueError(
                f"{self._source.files[index]} is {_by(example['image'].shape)} pixels, the first "
                f"real image {_by(self._shape)}: give one size for all, such as --size "
                f"{min(self._shape[:2])}"
            )
        return example

    def fingerprint(self) -> dict:
        """That of the folder."""
        return self._source.fingerprint()


def _checked(source: FolderSource, least: int) -> FolderSource:
    if len(source) < least:
        raise ValueError(
            f"{source.folder} holds {len(source)} images: expected at least {_LEAST}, twice as many "
            "real ones, and some thousands for figures worth comparing"
        )
    return source


def _network_fn(inception: Path | None, resize: str) -> NetworkFn:
    if inception is None:
        return rotations_network
    file = published_weights() if inception == Path("published") else inception
    return lambda data: inception_network(file, resize=resize)


def _sampler(data: Data, draw_fn: DrawFn, num: int) -> Sampler:
    def block_fn(key: jax.Array, latents: Any, rows: Any) -> Any:
        return draw_fn(None, latents, rows)

    return Sampler(block_fn, None, jax.random.key(0), data=data, num=num)


def _told(
    real: Path,
    fake: Path,
    sources: list[FolderSource],
    evaluator: Evaluator,
    found: dict[str, dict[str, Estimate]],
) -> str:
    """A line for each figure, a column for each row; then what was compared."""
    lines = [["", *found]]
    for name, figure in evaluator.figures.items():
        lines.append([figure.label, *(str(figures[name]) for figures in found.values())])
    kinds = [f"{each.folder}: {kinds}" for each in sources if (kinds := each.kinds())]
    compared = f"fake: {len(sources[1]):,} images of {fake}; real: {len(sources[0]):,} of {real}"
    return "\n".join([aligned(lines), compared, evaluator.protocol["description"], *kinds])


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
