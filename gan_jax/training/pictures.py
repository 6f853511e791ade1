"""Pictures: sample grids with PIL, curves with matplotlib."""

import json
import math
from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax.data.images import real_to_pixels

# Small images are enlarged by a whole factor, without smoothing, to about this many pixels each.
_CELL = 56


def image_grid(samples: np.ndarray, *, columns: int | None = None) -> Image.Image:
    """Images ``[N, H, W, C]`` in [-1, 1] (C = 1, 3 or 4) as one picture, row by row.

    Args:
        samples: the images.
        columns: the nearest to a square by default.

    Raises:
        ValueError: the samples are no images.
    """
    samples = np.asarray(samples)
    if samples.ndim != 4 or samples.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"samples must be images [N, H, W, C] with 1, 3 or 4 channels, got {samples.shape}: pass "
            "a picture_fn of your own for other data"
        )
    pixels = real_to_pixels(samples)
    scale = max(1, _CELL // max(pixels.shape[1:3]))
    pixels = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    columns = columns or math.ceil(math.sqrt(len(pixels)))
    rows = math.ceil(len(pixels) / columns)
    _, height, width, channels = pixels.shape
    gap = 2
    cells = np.zeros((rows * columns, height + gap, width + gap, channels), np.uint8)
    cells[: len(pixels), :height, :width] = pixels
    grid = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    grid = grid.reshape(rows * (height + gap), columns * (width + gap), channels)[:-gap, :-gap]
    return Image.fromarray(grid[..., 0] if channels == 1 else grid)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Writes a picture so that a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    picture.save(draft, format="PNG", optimize=True)
    draft.replace(path)


def save_curves(metrics_file: Path, path: Path) -> None:
    """Every metric of a ``metrics.jsonl`` over the steps, one panel for each figure's name."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    lines = [json.loads(line) for line in metrics_file.read_text().splitlines()]
    names = sorted({name for line in lines for name in line if "/" in name})
    panels = sorted({name.split("/")[1] for name in names}, key=lambda n: (n != "loss", n))
    figure = Figure(figsize=(8, 2.2 * max(len(panels), 1)), layout="constrained")
    axes = figure.subplots(max(len(panels), 1), sharex=True, squeeze=False)[:, 0]
    for panel, axis in zip(panels, axes, strict=False):
        for name in (name for name in names if name.split("/")[1] == panel):
            points = [(line["step"], line[name]) for line in lines if name in line]
            axis.plot(*zip(*points, strict=True), label=name.split("/")[0], linewidth=1)
        axis.set_ylabel(panel.replace("_", " "))
        axis.grid(alpha=0.3)
        axis.legend(loc="upper right", fontsize="small")
    axes[-1].set_xlabel("step")
    draft = path.with_name(f".{path.name}")
    figure.savefig(draft, format="png", dpi=110)
    draft.replace(path)
