"""Images of any size through a network of local maps, tile by tile: one program, whatever the size."""

from collections.abc import Callable

import numpy as np

TILE = 96  # pixels of a tile's side that are kept
BORDER = 16  # pixels around it that are seen and thrown away
_AT_ONCE = 4


def tiled(
    image_fn: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    *,
    tile: int = TILE,
    border: int = BORDER,
) -> np.ndarray:
    """What a function of square images makes of one of any size.

    The image is mirrored beyond its sides. Tiles see ``border`` pixels of their neighbours, so nothing is
    seen of the seams of a network that looks no further.

    Args:
        image_fn: ``[n, T, T, C] -> [n, s T, s T, C']`` with ``T = tile + 2 border``, n fixed.
        image: ``[H, W, C]``.
        tile: pixels.
        border: pixels.

    Returns:
        ``[s H, s W, C']``.
    """
    height, width = image.shape[:2]
    rows, columns = -(-height // tile), -(-width // tile)
    after = (rows * tile - height + border, columns * tile - width + border)
    padded = np.pad(image, ((border, after[0]), (border, after[1]), (0, 0)), mode="symmetric")
    side = tile + 2 * border
    tiles = np.stack(
        [
            padded[row * tile : row * tile + side, column * tile : column * tile + side]
            for row in range(rows)
            for column in range(columns)
        ]
    )
    made = []
    for start in range(0, len(tiles), _AT_ONCE):
        some = tiles[start : start + _AT_ONCE]
        full = np.resize(some, (_AT_ONCE, *some.shape[1:]))
        made.append(np.asarray(image_fn(full))[: len(some)])
    found = np.concatenate(made)
    scale = found.shape[1] // side
    kept = found[:, border * scale : -border * scale, border * scale : -border * scale]
    grid = kept.reshape(rows, columns, tile * scale, tile * scale, -1).swapaxes(1, 2)
    whole = grid.reshape(rows * tile * scale, columns * tile * scale, -1)
    return whole[: height * scale, : width * scale]
