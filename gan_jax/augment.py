"""Augmentation: differentiable functions ``(key, images, turn) -> images``, a draw for each image.

There are two places for one, and they teach different things:

- ``Game(augment_fn=...)`` changes everything that is judged, real and fake, in both players'
  updates, so the generator is not taught to draw the changes (Zhao et al. 2020).
- ``Experiment(data_augment_fn=...)`` changes the real images only: more data, whose changes the
  generator learns to draw. It takes one example; :func:`of_example` makes one of a function here.

The ``turn`` (:class:`gan_jax.context.Turn`) is the game's: round, player and memory. The functions
here do not look at it; :mod:`gan_jax.remedies.instance_noise` does.

References:
    Zhao et al. 2020, arXiv 2006.10738, equations 5 to 7 (DiffAugment: colour, translation, cutout).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Images = Float[Array, "batch height width channels"]
AugmentFn = Callable[..., Any]  # (key, samples, turn=None) -> samples
ExampleFn = Callable[[jax.Array, dict[str, Any]], dict[str, Any]]  # (key, example) -> example


def compose(*augment_fns: AugmentFn) -> AugmentFn:
    """One augmentation after the other, each with its own key."""

    def augment_fn(key: Key[Array, ""], samples: Any, turn: Any = None) -> Any:
        keys = jax.random.split(key, len(augment_fns))
        for augment, subkey in zip(augment_fns, keys, strict=True):
            samples = augment(subkey, samples, turn)
        return samples

    return augment_fn


def sometimes(augment_fn: AugmentFn, probability: float | Callable[[Any], jax.Array]) -> AugmentFn:
    """Each row changed by itself with a probability, and else as it was.

    Args:
        augment_fn: of as many rows as it is given.
        probability: in ``[0, 1]``; or a function of the turn, such as
            ``lambda turn: schedule(turn.step)``, whose values may lie outside (0 and 1 then).

    Raises:
        ValueError: now, when the probability is not in ``[0, 1]``; in use, when it is a function
            and there is no turn.
    """
    if not callable(probability) and not 0.0 <= probability <= 1.0:
        raise ValueError(
            f"probability must be in [0, 1] or a function of the turn, got {probability}"
        )

    def chosen(key: Key[Array, ""], samples: Any, turn: Any = None) -> Any:
        if callable(probability) and turn is None:
            raise ValueError("a probability of the turn needs one: use it as Game(augment_fn=...)")
        now = probability(turn) if callable(probability) else probability
        own_key, choice_key = jax.random.split(key)

        def choose(changed: jax.Array, kept: jax.Array) -> jax.Array:
            coins = jax.random.uniform(choice_key, (len(kept), *[1] * (kept.ndim - 1))) < now
            return jnp.where(coins, changed, kept)

        return jax.tree.map(choose, augment_fn(own_key, samples, turn), samples)

    return chosen


def unchanged(key: Key[Array, ""], samples: Any, turn: Any = None) -> Any:
    """The samples as they are."""
    return samples


def of_example(augment_fn: AugmentFn, *fields: str) -> ExampleFn:
    """A change of images as a change of one example, for ``Experiment(data_augment_fn=...)``.

    Args:
        augment_fn: ``(key, images) -> images``.
        fields: of the example, ``real`` if none is named. All of them get the same draw: an image
            and the image that it is made from flip together.
    """

    def example_fn(key: jax.Array, example: dict[str, Any]) -> dict[str, Any]:
        changed = {name: augment_fn(key, example[name][None])[0] for name in fields or ("real",)}
        return {**example, **changed}

    return example_fn


def flip(key: Key[Array, ""], images: Images, turn: Any = None) -> Images:
    """Mirror each image left to right with probability 1/2."""
    mirrored = jax.random.bernoulli(key, 0.5, (len(images), 1, 1, 1))
    return jnp.where(mirrored, images[:, :, ::-1], images)


def translate(*, max_shift: int, fill: float = -1.0) -> AugmentFn:
    """Shift each image by a whole number of pixels in each direction.

    Args:
        max_shift: the shifts are uniform on ``{-max_shift, ..., max_shift}``; pixels, >= 1.
        fill: the value that comes in at the border (-1: black).

    Raises:
        ValueError: ``max_shift`` is below 1.

    References:
        Zhao et al. 2020, arXiv 2006.10738 (translation, there by up to 1/8 of the size).
    """
    if max_shift < 1:
        raise ValueError(f"max_shift must be at least 1 pixel, got {max_shift}")
    border = ((max_shift, max_shift), (max_shift, max_shift), (0, 0))

    def shift(image: jax.Array, corner: jax.Array) -> jax.Array:
        padded = jnp.pad(image, border, constant_values=fill)
        return jax.lax.dynamic_slice(padded, (corner[0], corner[1], 0), image.shape)

    def augment_fn(key: Key[Array, ""], images: Images, turn: Any = None) -> Images:
        corners = jax.random.randint(key, (len(images), 2), 0, 2 * max_shift + 1)
        return jax.vmap(shift)(images, corners)

    return augment_fn


def crop(*, min_share: float) -> AugmentFn:
    """Cut a random window out of each image and enlarge it to the whole (bilinear).

    Args:
        min_share: the window's side is uniform on ``[min_share, 1]`` of the image's, its place
            uniform inside the image; in ``(0, 1]``.

    Raises:
        ValueError: ``min_share`` is not in ``(0, 1]``.

    References:
        Szegedy et al. 2015, arXiv 1409.4842, section 6 (there with a change of aspect).
    """
    if not 0.0 < min_share <= 1.0:
        raise ValueError(f"min_share must be in (0, 1], got {min_share}")

    def cut(key: jax.Array, image: jax.Array) -> jax.Array:
        side_key, place_key = jax.random.split(key)
        side = jax.random.uniform(side_key, minval=min_share, maxval=1.0)
        sizes = jnp.array(image.shape[:2], jnp.float32) - 1.0
        corner = jax.random.uniform(place_key, (2,)) * (1.0 - side) * sizes
        rows, columns = _grid(image)
        # inside the image, so what lies beyond it never counts
        return _resample(image, corner[0] + side * rows, corner[1] + side * columns, fill=0.0)

    return _on_each(cut)


def rotate(*, max_degrees: float, fill: float = -1.0) -> AugmentFn:
    """Turn each image about its centre (bilinear).

    Args:
        max_degrees: the angle is uniform on ``[-max_degrees, max_degrees]``; in ``[0, 180]``.
        fill: the value that comes in at the corners (-1: black).

    Raises:
        ValueError: ``max_degrees`` is not in ``[0, 180]``.
    """
    if not 0.0 <= max_degrees <= 180.0:
        raise ValueError(f"max_degrees must be in [0, 180], got {max_degrees}")

    def turn(key: jax.Array, image: jax.Array) -> jax.Array:
        degrees = jax.random.uniform(key, minval=-max_degrees, maxval=max_degrees)
        cos, sin = jnp.cos(jnp.deg2rad(degrees)), jnp.sin(jnp.deg2rad(degrees))
        rows, columns = _grid(image)
        middle_row, middle_column = (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
        down, right = rows - middle_row, columns - middle_column
        return _resample(
            image,
            middle_row + cos * down + sin * right,
            middle_column - sin * down + cos * right,
            fill=fill,
        )

    return _on_each(turn)


def cutout(*, share: float = 0.5, fill: float = 0.0) -> AugmentFn:
    """Cover a random square of each image.

    Args:
        share: the square's side, of the image's; in ``(0, 1]``. Its centre is uniform over the
            pixels, so at the border less is covered.
        fill: the value inside (0: grey).

    Raises:
        ValueError: ``share`` is not in ``(0, 1]``.

    References:
        DeVries and Taylor 2017, arXiv 1708.04552; Zhao et al. 2020, arXiv 2006.10738 (there 1/2).
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share must be in (0, 1], got {share}")

    def cover(key: jax.Array, image: jax.Array) -> jax.Array:
        height, width = image.shape[:2]
        row_key, column_key = jax.random.split(key)
        row = jax.random.randint(row_key, (), 0, height)
        column = jax.random.randint(column_key, (), 0, width)
        inside_rows = _within(height, row, round(share * height))
        inside_columns = _within(width, column, round(share * width))
        return jnp.where((inside_rows[:, None] & inside_columns[None])[..., None], fill, image)

    return _on_each(cover)


def color(*, brightness: float = 0.5, saturation: float = 1.0, contrast: float = 0.5) -> AugmentFn:
    """Change the brightness, then the saturation, then the contrast of each image.

    ``x + b`` with ``b ~ U[-brightness, brightness]``; the distance of each channel from the pixel's
    mean times ``U[1 - saturation, 1 + saturation]``; the distance from the image's mean times
    ``U[1 - contrast, 1 + contrast]``. The result is not clipped, so that gradients pass.

    Args:
        brightness: in the images' units, not negative.
        saturation: in ``[0, 1]``; of no effect on grey images.
        contrast: in ``[0, 1]``.

    Raises:
        ValueError: a number is out of range.

    References:
        Zhao et al. 2020, arXiv 2006.10738 (the ranges are those of its published program).
    """
    if brightness < 0.0 or not 0.0 <= saturation <= 1.0 or not 0.0 <= contrast <= 1.0:
        raise ValueError(
            "brightness must not be negative, saturation and contrast must be in [0, 1], got "
            f"{brightness}, {saturation} and {contrast}"
        )

    def paint(key: jax.Array, image: jax.Array) -> jax.Array:
        shift, stretch, spread = jax.random.uniform(key, (3,), minval=-1.0, maxval=1.0)
        image = image + brightness * shift
        gray = image.mean(-1, keepdims=True)
        image = gray + (1.0 + saturation * stretch) * (image - gray)
        mean = image.mean(keepdims=True)
        return mean + (1.0 + contrast * spread) * (image - mean)

    return _on_each(paint)


def _within(size: int, center: jax.Array, length: int) -> jax.Array:
    """Which of ``size`` places lie in a run of ``length`` that begins ``length // 2`` before centre."""
    distance = jnp.arange(size) - (center - length // 2)
    return (distance >= 0) & (distance < length)


def _on_each(augment_one: Callable[[jax.Array, jax.Array], jax.Array]) -> AugmentFn:
    """A change of one image, made to each of a batch with its own key."""

    def augment_fn(key: Key[Array, ""], images: Images, turn: Any = None) -> Images:
        return jax.vmap(augment_one)(jax.random.split(key, len(images)), images)

    return augment_fn


def _grid(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Row and column of every pixel, each ``[H, W]`` float32."""
    height, width = image.shape[:2]
    rows = jnp.broadcast_to(jnp.arange(height, dtype=jnp.float32)[:, None], (height, width))
    columns = jnp.broadcast_to(jnp.arange(width, dtype=jnp.float32)[None], (height, width))
    return rows, columns


def _resample(image: jax.Array, rows: jax.Array, columns: jax.Array, *, fill: float) -> jax.Array:
    """``output[i, j] = image[rows[i, j], columns[i, j]]``, bilinear, ``fill`` beyond the border."""

    def channel(plane: jax.Array) -> jax.Array:
        return jax.scipy.ndimage.map_coordinates(
            plane, (rows, columns), order=1, mode="constant", cval=fill
        )

    return jax.vmap(channel, in_axes=-1, out_axes=-1)(image)
