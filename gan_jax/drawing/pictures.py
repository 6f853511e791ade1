"""Pictures: sample grids with PIL; densities, sequences and points with matplotlib."""

import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax.data.images import real_to_pixels
from gan_jax.drawing.encodings import png
from gan_jax.drawing.whole_files import replace_file

# Small images are enlarged by a whole factor, without smoothing, to about this many pixels each.
_CELL = 56

# (samples, condition=None) -> what the discriminator says of them
LogitsFn = Callable[..., np.ndarray]


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
            f"samples must be images [N, H, W, C] with 1, 3 or 4 channels, got {samples.shape}: draw "
            "other data by a function of your own"
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


def neighbors_picture(samples: np.ndarray, neighbors: np.ndarray) -> Image.Image:
    """A row for each sample: itself, a white gap, and the real images that are nearest to it.

    Args:
        samples: images ``[N, H, W, C]``.
        neighbors: ``[N, k, H, W, C]``, the nearest first.
    """
    gap = np.ones_like(samples[:, None])
    rows = np.concatenate([samples[:, None], gap, neighbors], axis=1)
    return image_grid(rows.reshape(-1, *samples.shape[1:]), columns=rows.shape[1])


def density_picture(real: np.ndarray, *, bins: int = 100) -> Callable[[np.ndarray], Image.Image]:
    """A picture of the density of generated scalars over that of real ones.

    Args:
        real: scalars; their range is the picture's.
        bins: of both histograms.
    """
    low, high = float(np.min(real)), float(np.max(real))
    edges = np.linspace(low - 0.05 * (high - low), high + 0.05 * (high - low), bins + 1)

    def picture_fn(samples: np.ndarray, logits_fn: LogitsFn | None = None) -> Image.Image:
        figure, axis = _new_figure(1)
        options = dict(bins=edges, density=True, histtype="stepfilled", alpha=0.5)
        axis[0].hist(np.ravel(real), label=f"real ({np.size(real)})", **options)
        axis[0].hist(np.ravel(samples), label=f"generated ({np.size(samples)})", **options)
        axis[0].set_xlabel("value")
        axis[0].set_ylabel("density")
        axis[0].legend()
        return _as_picture(figure)

    return picture_fn


def sequence_picture(real: np.ndarray, *, shown: int = 3) -> Callable[[np.ndarray], Image.Image]:
    """A picture of a few generated sequences below a few real ones.

    Args:
        real: ``[N, T]``.
        shown: how many of each.
    """

    def picture_fn(samples: np.ndarray, logits_fn: LogitsFn | None = None) -> Image.Image:
        figure, axes = _new_figure(2)
        for axis, name, sequences in zip(axes, ("real", "generated"), (real, samples), strict=True):
            axis.plot(np.asarray(sequences)[:shown].T, linewidth=1)
            axis.set_ylabel(name)
            axis.set_ylim(1.1 * float(np.min(real)), 1.1 * float(np.max(real)))
        axes[-1].set_xlabel("time step")
        return _as_picture(figure)

    return picture_fn


def image_picture(samples: np.ndarray, logits_fn: LogitsFn | None = None) -> Image.Image:
    """:func:`image_grid`, whatever the discriminator says of them."""
    return image_grid(samples)


def plane_picture(
    real: np.ndarray, *, shown: int = 2500, pixels: int = 120
) -> Callable[[np.ndarray, LogitsFn], Image.Image]:
    """A picture of generated points over real ones, on the discriminator's landscape.

    The landscape is the logit of each place, from blue (fake) to red (real), on a scale symmetric about
    its median; points far outside the real ones' box are not in the picture. Of more dimensions the
    first two are drawn, without a landscape.

    Args:
        real: points ``[N, d]`` with d at least 2.
        shown: how many of each are drawn.
        pixels: of the landscape, in each direction.
    """
    in_plane = real.shape[1] == 2
    real = real[:, :2]
    middle, half = (real.max(0) + real.min(0)) / 2, 0.65 * float(np.ptp(real, axis=0).max())
    lines = [np.linspace(m - half, m + half, pixels, dtype=np.float32) for m in middle]
    places = np.stack(np.meshgrid(*lines), -1).reshape(-1, 2)

    def picture_fn(samples: np.ndarray, logits_fn: LogitsFn) -> Image.Image:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.2, 5.0), layout="constrained")
        axis = figure.subplots()
        if in_plane:
            logits = logits_fn(places).reshape(pixels, pixels)
            height = logits - np.median(logits)
            spread = float(np.quantile(np.abs(height), 0.98)) + 1e-9
            colors = axis.pcolormesh(*lines, height, cmap="RdBu_r", vmin=-spread, vmax=spread)
            figure.colorbar(colors, label="logit - median", shrink=0.8)
        options = dict(s=4, linewidths=0)
        axis.scatter(*real[:shown].T, color="black", alpha=0.4, label="real", **options)
        axis.scatter(*np.asarray(samples)[:shown, :2].T, color="lime", label="generated", **options)
        axis.set(xlim=lines[0][[0, -1]], ylim=lines[1][[0, -1]], aspect="equal")
        axis.legend(loc="upper right", fontsize="small", markerscale=3)
        return _as_picture(figure)

    return picture_fn


def spectrum_picture(eigenvalues: np.ndarray) -> Image.Image:
    """Eigenvalues in the complex plane; what lies right of the dashed line grows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 5.0), layout="constrained")
    axis = figure.subplots()
    axis.axvline(0.0, linestyle="--", color="black", linewidth=1)
    axis.scatter(eigenvalues.real, eigenvalues.imag, s=10, alpha=0.6, linewidths=0)
    axis.set(xlabel="real part", ylabel="imaginary part")
    axis.grid(alpha=0.3)
    return _as_picture(figure)


def save_animation(pictures: list[Path], path: Path, *, seconds: float = 8.0) -> None:
    """Pictures of one size as an animated GIF, at most 60 of them, the last held for a while."""
    chosen = [
        pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, 60).round().astype(int))
    ]
    frames = [Image.open(picture).convert("RGB").quantize(128) for picture in chosen]
    each = int(1000 * seconds / len(frames))
    stream = io.BytesIO()
    frames[0].save(
        stream, format="GIF", save_all=True, append_images=frames[1:], loop=0,
        duration=[each] * (len(frames) - 1) + [2000],
    )  # fmt: skip
    replace_file(path, stream.getvalue())


def _new_figure(panels: int):
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=(8, 2.2 * panels + 1.0), layout="constrained")
    axes = figure.subplots(panels, sharex=True, squeeze=False)[:, 0]
    for axis in axes:
        axis.grid(alpha=0.3)
    return figure, axes


def _as_picture(figure) -> Image.Image:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return Image.open(stream).convert("RGB")


def check_picture_request(num: int, out: Path) -> None:
    """Refuses a command that is to draw nothing, or into another kind of file.

    Raises:
        ValueError: ``num`` is below 1, or ``out`` is no PNG.
    """
    if num < 1:
        raise ValueError(f"--num must be at least 1, got {num}")
    if out.suffix.lower() != ".png":
        raise ValueError(f"--out must be a .png file, got {out}")


def save_picture(picture: Image.Image, path: Path) -> None:
    """Writes a picture so that a kill leaves the old file or the new one."""
    replace_file(path, png(picture))
