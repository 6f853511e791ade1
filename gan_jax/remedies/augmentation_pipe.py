"""The augmentations of ADA: every image may be mirrored, moved, turned, stretched, painted and covered.

Each takes place with the same probability, by a coin of its own for each image. All motions are one
affine map of the plane, and all changes of colour one of the colours. The image is enlarged and
reduced again around the motion by a wavelet, which blurs nothing: what is not moved comes back as it
was.

References:
    Karras et al. 2020, arXiv 2006.06676, appendix B and algorithm 1.
"""

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

from gan_jax.augment import AugmentFn, Images

# The scaling coefficients of the symlet with 6 vanishing moments (Daubechies 1992), with sum 1:
# products with itself, moved by an even number of places, are 0.
SYMLET = np.array([
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633,
    0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252,
    -0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148,
]) / np.sqrt(2.0)  # fmt: skip
GRAY = np.array([1.0, 1.0, 1.0, 0.0]) / np.sqrt(3.0)  # the axis of the grey colours


class Coins(NamedTuple):
    """A coin for each change and each image.

    Attributes:
        key: of all of them.
        rows: images in the batch.
        probability: of each change.
    """

    key: jax.Array
    rows: int
    probability: jax.Array

    def changed(
        self, name: str, draw_fn: Callable, otherwise: float = 0.0, size: tuple[int, ...] = ()
    ) -> jax.Array:
        """``draw_fn(key, [rows, *size])`` where the coin of that name falls so, and ``otherwise``."""
        own_key, coin_key = jax.random.split(
            jax.random.fold_in(self.key, zlib.crc32(name.encode()))
        )
        coins = jax.random.uniform(coin_key, (self.rows, *[1] * len(size))) < self.probability
        return jnp.where(coins, draw_fn(own_key, (self.rows, *size)), otherwise)


def augmentation_pipe(
    probability: float | Callable[[Any], jax.Array],
    *,
    geometry: float = 1.0,
    color: float = 1.0,
    cutout: float = 0.0,
) -> AugmentFn:
    """Geometry, colour, cutout, each with a probability.

    Args:
        probability: p, from 0 on (above 1 is 1); or a function of the turn, such as
            ``lambda turn: turn.memory["augmentation"]["probability"]``.
        geometry: of mirroring, quarter turns, whole and broken steps, scale, rotation, stretching:
            their probability, of p.
        color: of brightness, contrast, inversion of brightness, hue, saturation: likewise.
        cutout: of a square of half the side: likewise; 0 has none (as ADA has), R3GAN has 1, and
            0.5 for colour.

    Raises:
        ValueError: a number is out of range.

    References:
        Karras et al. 2020, arXiv 2006.06676, algorithm 1 ("bgc", the default).
    """
    shares = (geometry, color, cutout)
    if not all(0.0 <= share <= 1.0 for share in shares):
        raise ValueError(f"geometry, color and cutout must be in [0, 1], got {shares}")
    if not callable(probability) and not probability >= 0.0:
        raise ValueError(f"probability must not be negative, got {probability}")

    def augment_fn(key: jax.Array, images: Images, turn: Any = None) -> Images:
        now = jnp.float32(probability(turn) if callable(probability) else probability)
        coins = [
            Coins(k, len(images), jnp.clip(share * now, 0.0, 1.0))
            for k, share in zip(jax.random.split(key, 3), shares, strict=True)
        ]
        if geometry:
            images = warped(images, motions(coins[0], images.shape[1:3]))
        if color:
            images = painted(images, paints(coins[1]))
        return covered(images, coins[2]) if cutout else images

    return augment_fn


def _angle(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return jax.random.uniform(key, shape, minval=-jnp.pi, maxval=jnp.pi)


def _factor(deviation: float) -> Callable:
    """Powers of 2 with a normal exponent."""
    return lambda key, shape: jnp.exp2(deviation * jax.random.normal(key, shape))


def _one_of(count: int) -> Callable:
    return lambda key, shape: jax.random.randint(key, shape, 0, count).astype(jnp.float32)


# motions


def motions(coins: Coins, size: tuple[int, int]) -> jax.Array:
    """``[B, 3, 3]``: from a place of the result, (row, column, 1) from the centre, to the image's."""
    sides = jnp.array(size, jnp.float32)[None]

    def whole_steps(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return jnp.round(sides * jax.random.uniform(key, shape, minval=-0.125, maxval=0.125))

    def broken_steps(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return 0.125 * sides * jax.random.normal(key, shape)

    ones = jnp.ones(coins.rows)
    mirror = 1.0 - 2.0 * coins.changed("mirror", _one_of(2))
    quarter = coins.changed("quarter", _one_of(4)) * jnp.pi / 2.0
    steps = coins.changed("steps", whole_steps, size=(2,))
    scale = coins.changed("scale", _factor(0.2), 1.0)
    # two rotations, of which one or both take place with the probability
    halves = coins._replace(probability=1.0 - jnp.sqrt(1.0 - coins.probability))
    first, second = (halves.changed(name, _angle) for name in ("first turn", "second turn"))
    stretch = coins.changed("stretch", _factor(0.2), 1.0)
    breaks = coins.changed("breaks", broken_steps, size=(2,))
    return (
        _scaled(ones, mirror)
        @ _turned(quarter)
        @ _moved(steps)
        @ _scaled(1.0 / scale, 1.0 / scale)
        @ _turned(first)
        @ _scaled(stretch, 1.0 / stretch)
        @ _turned(second)
        @ _moved(breaks)
    )


def _matrices(rows: list[list[Any]]) -> jax.Array:
    """``[B, n, n]`` of entries that are ``[B]`` or numbers."""
    return jnp.stack([jnp.stack(jnp.broadcast_arrays(*row), axis=-1) for row in rows], axis=-2)


def _scaled(rows: jax.Array, columns: jax.Array) -> jax.Array:
    zero, one = jnp.zeros_like(rows), jnp.ones_like(rows)
    return _matrices([[rows, zero, zero], [zero, columns, zero], [zero, zero, one]])


def _turned(angle: jax.Array) -> jax.Array:
    zero, one = jnp.zeros_like(angle), jnp.ones_like(angle)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return _matrices([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])


def _moved(steps: jax.Array) -> jax.Array:
    rows, columns = steps[:, 0], steps[:, 1]
    zero, one = jnp.zeros_like(rows), jnp.ones_like(rows)
    return _matrices([[one, zero, rows], [zero, one, columns], [zero, zero, one]])


def warped(images: Images, matrices: jax.Array) -> Images:
    """Each image moved: the result's place p shows the image's at ``matrix @ p``.

    The image is mirrored at its borders, once, and 0 beyond; enlarged twofold, read off by bilinear
    interpolation, and reduced.

    Args:
        images: ``[B, H, W, C]``.
        matrices: ``[B, 3, 3]``, of places (row, column, 1) from the centre, in pixels.
    """
    size = images.shape[1:3]
    large = _along_both(images, [_enlarging(side) for side in size])
    doubled = jnp.array([2.0, 2.0, 1.0])
    matrices = matrices * (doubled[:, None] / doubled[None])[None]
    # the wavelet's middle lies half a place beside the enlarged image's
    places = [jnp.arange(2.0 * side + 12.0) - side - 5.5 + 0.5 for side in size]
    rows, columns = jnp.meshgrid(*places, indexing="ij")
    targets = jnp.stack([rows, columns, jnp.ones_like(rows)])
    middle = [(length - 1.0) / 2.0 - 0.5 for length in large.shape[1:3]]

    def read(image: jax.Array, matrix: jax.Array) -> jax.Array:
        found = jnp.einsum("ij,jrc->irc", matrix, targets)
        here = (found[0] + middle[0], found[1] + middle[1])
        of_channel = lambda plane: map_coordinates(plane, here, order=1, mode="constant")  # noqa: E731
        return jax.vmap(of_channel, in_axes=-1, out_axes=-1)(image)

    return _along_both(jax.vmap(read)(large, matrices), [_reducing(side) for side in size])


def _along_both(images: jax.Array, matrices: list[np.ndarray]) -> jax.Array:
    rows, columns = (jnp.asarray(matrix, images.dtype) for matrix in matrices)
    return jnp.einsum("rh,cw,bhwk->brck", rows, columns, images)


def _enlarging(side: int) -> np.ndarray:
    """``[2 (3 side - 2), side]``: mirrored at both ends, zeros between the places, and the wavelet."""
    margin = side - 1
    mirrored = np.abs(np.arange(-margin, side + margin))
    mirrored = np.where(mirrored >= side, 2 * margin - mirrored, mirrored)
    matrix = np.zeros((2 * len(mirrored), side))
    for place, source in enumerate(mirrored):
        for tap, weight in enumerate(2.0 * SYMLET):
            row = 2 * place + tap - 5
            if 0 <= row < len(matrix):
                matrix[row, source] += weight
    return matrix


def _reducing(side: int) -> np.ndarray:
    """``[side, 2 side + 12]``: products with the wavelet at every second place."""
    matrix = np.zeros((side, 2 * side + 12))
    for place in range(side):
        matrix[place, 2 * place + 1 : 2 * place + 13] = SYMLET
    return matrix


# colours


def paints(coins: Coins) -> jax.Array:
    """``[B, 4, 4]``: maps of (red, green, blue, 1)."""
    one = jnp.ones(coins.rows)
    axis, unit = jnp.outer(GRAY, GRAY)[None], jnp.eye(4)[None]

    def deviates(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return 0.2 * jax.random.normal(key, shape)

    brightness = coins.changed("brightness", deviates)
    contrast = coins.changed("contrast", _factor(0.5), 1.0)
    inverted = coins.changed("inversion", _one_of(2))
    hue = coins.changed("hue", _angle)
    saturation = coins.changed("saturation", _factor(1.0), 1.0)
    shift = (
        unit + brightness[:, None, None] * jnp.outer(jnp.array([1.0, 1, 1, 0]), unit[0, 3])[None]
    )
    stretch = unit * jnp.stack([contrast, contrast, contrast, one], axis=-1)[:, :, None]
    inversion = unit - 2.0 * inverted[:, None, None] * axis
    saturated = axis + (unit - axis) * saturation[:, None, None]
    saturated = saturated.at[:, 3, 3].set(1.0)
    return saturated @ _turned_about_gray(hue) @ inversion @ stretch @ shift


def _turned_about_gray(angle: jax.Array) -> jax.Array:
    """Rodrigues' rotation about the axis of the grey colours; the fourth coordinate stays."""
    cross = jnp.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / jnp.sqrt(3.0)
    along = jnp.full((3, 3), 1.0 / 3.0)
    cos, sin = jnp.cos(angle)[:, None, None], jnp.sin(angle)[:, None, None]
    turned = cos * jnp.eye(3)[None] + sin * cross[None] + (1.0 - cos) * along[None]
    return jnp.pad(turned, ((0, 0), (0, 1), (0, 1))) + jnp.diag(jnp.array([0.0, 0, 0, 1]))[None]


def painted(images: Images, matrices: jax.Array) -> Images:
    """Each image's colours mapped; of grey images by the mean of what grey becomes.

    Raises:
        ValueError: the images have another number of channels than 1 or 3.
    """
    channels = images.shape[-1]
    if channels not in (1, 3):
        raise ValueError(
            f"colours are changed of images with 1 or 3 channels, got {channels}: take color=0"
        )
    maps = matrices[:, :3]
    if channels == 1:
        mean = maps.mean(1, keepdims=True)
        maps = jnp.concatenate([mean[..., :3].sum(-1, keepdims=True), mean[..., 3:]], axis=-1)
    found = jnp.einsum("bkc,bhwc->bhwk", maps[..., :-1], images)
    return found + maps[:, None, None, :, -1]


# cutout


def covered(images: Images, coins: Coins) -> Images:
    """A square of half the sides, its middle anywhere, set to 0."""
    middles = coins.changed("cutout", jax.random.uniform, jnp.inf, size=(2,))
    inside = [
        jnp.abs((jnp.arange(side)[None] + 0.5) / side - middles[:, axis, None]) < 0.25
        for axis, side in enumerate(images.shape[1:3])
    ]
    square = inside[0][:, :, None, None] & inside[1][:, None, :, None]
    return jnp.where(square, 0.0, images)
