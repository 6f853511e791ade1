"""SSIM, on one scale and on several: how alike two images look.

The mean over pairs of samples says how little they vary.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.metrics.errors import of_two_orders
from gan_jax.metrics.estimate import Estimate

Images = Float[Array, "batch height width channels"]

# Wang et al. 2003, section 3.2: of the scales, the finest first
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, DEVIATION = 11, 1.5  # of the Gaussian window, in pixels
_RANGE = 2.0  # of images in [-1, 1]
_C1, _C2 = (0.01 * _RANGE) ** 2, (0.03 * _RANGE) ** 2


def num_scales(height: int, width: int) -> int:
    """How many scales images of this size have: each halves them, and a window must fit; at most 5.

    Raises:
        ValueError: not even one window fits.
    """
    if min(height, width) < WINDOW:
        raise ValueError(f"images must be at least {WINDOW}x{WINDOW} pixels, got {height}x{width}")
    return min(int(np.log2(min(height, width) / WINDOW)) + 1, len(WEIGHTS))


def ssim(first: Images, second: Images) -> Float[Array, " batch"]:
    """The structural similarity of images in [-1, 1], in a Gaussian window of 11x11, deviation 1.5.

    Means over the windows that lie wholly inside the image, and over channels.

    Args:
        first: ``[B, H, W, C]`` in [-1, 1], at least 11x11 pixels.
        second: likewise.

    Returns:
        ``[B]`` in [-1, 1]; 1 for equal images.

    Raises:
        ValueError: the shapes differ, or the images are too small.

    References:
        Wang, Bovik, Sheikh and Simoncelli 2004, doi 10.1109/TIP.2003.819861, equation 13.
    """
    _check(first, second)
    luminance, structure = _similarities(first, second)
    return (luminance * structure).mean((1, 2, 3))


def ms_ssim(first: Images, second: Images) -> Float[Array, " batch"]:
    """``l_M^w_M prod_j (c_j s_j)^w_j`` of images in [-1, 1]: luminance l, contrast and structure c s.

    Windows lie wholly inside the image; channels are averaged; the images are halved by means of
    2x2 pixels between two scales. Images too small for five scales take the first weights only, scaled to
    sum 1. A negative mean of c s (opposite structure) counts as 0.

    Args:
        first: ``[B, H, W, C]`` in [-1, 1], at least 11x11 pixels.
        second: likewise.

    Returns:
        ``[B]`` in [0, 1]; 1 for equal images.

    Raises:
        ValueError: the shapes differ, or the images are too small.

    References:
        Wang, Simoncelli and Bovik 2003, doi 10.1109/ACSSC.2003.1292216, equation 7.
    """
    _check(first, second)
    weights = jnp.array(WEIGHTS[: num_scales(*first.shape[1:3])])
    weights = weights / weights.sum()
    product = jnp.ones(len(first))
    for index, weight in enumerate(weights):
        luminance, structure = _similarities(first, second)
        last = index == len(weights) - 1
        mean = (luminance * structure if last else structure).mean((1, 2, 3))
        product = product * jnp.maximum(mean, 0.0) ** weight
        first, second = _halved(first), _halved(second)
    return product


def ms_ssim_diversity(
    images: Float[np.ndarray, "n height width channels"], *, num_pairs: int = 1000, seed: int = 0
) -> Estimate:
    """The mean :func:`ms_ssim` of random pairs of different samples; lower is more diverse.

    Args:
        images: samples in [-1, 1], at least 2.
        num_pairs: drawn with replacement; at least 2.
        seed: of the pairs.

    Returns:
        In [0, 1], 1 where all samples are one; with its standard error, samples redrawn: an image
        is in several pairs, so these are not independent. Noise, too, is diverse.

    Raises:
        ValueError: there are too few samples or pairs, or the images are too small.

    References:
        Odena et al. 2017, arXiv 1610.09585, section 4.2 (there within classes).
    """
    num = len(images)
    if num < 2 or num_pairs < 2:
        raise ValueError(f"expected at least 2 samples and 2 pairs, got {num} and {num_pairs}")
    random = np.random.default_rng(seed)
    first = random.integers(num, size=num_pairs)
    second = (first + random.integers(1, num, size=num_pairs)) % num
    compare = jax.jit(ms_ssim)
    values = np.concatenate(
        [
            compare(jnp.asarray(images[first[rows]]), jnp.asarray(images[second[rows]]))
            for rows in np.array_split(np.arange(num_pairs), -(-num_pairs // 250))
        ]
    )
    return Estimate(float(values.mean()), _error_of_pairs(values, first, second, num))


def _error_of_pairs(values: np.ndarray, first: np.ndarray, second: np.ndarray, num: int) -> float:
    """Of a mean over pairs: each row with all pairs that it is in, so that each counts twice."""
    away = np.asarray(values, np.float64) - values.mean()
    of_rows = sum(np.bincount(rows, away, minlength=num) for rows in (first, second))
    _, times = np.unique(np.sort(np.stack([first, second]), axis=0), axis=1, return_counts=True)
    pairs = (away**2).mean() * (times**2).sum()
    return of_two_orders((of_rows**2).sum() / len(values) ** 2, pairs / len(values) ** 2)


def _check(first: Images, second: Images) -> None:
    if first.shape != second.shape:
        raise ValueError(f"images must have one shape, got {first.shape} and {second.shape}")
    num_scales(*first.shape[1:3])


def _similarities(x: Images, y: Images) -> tuple[jax.Array, jax.Array]:
    """Luminance, and contrast times structure, in every window."""
    mean_x, mean_y = _windowed(x), _windowed(y)
    var_x = _windowed(x * x) - mean_x**2
    var_y = _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return luminance, (2 * covariance + _C2) / (var_x + var_y + _C2)


def _windowed(images: Images) -> Images:
    """Gaussian means of every window that lies inside: one axis after the other."""
    places = np.arange(WINDOW) - WINDOW // 2
    window = np.exp(-(places**2) / (2 * DEVIATION**2))
    window = window / window.sum()
    for axis in (1, 2):
        length = images.shape[axis] - WINDOW + 1
        images = sum(
            float(weight) * jax.lax.slice_in_dim(images, start, start + length, axis=axis)
            for start, weight in enumerate(window)
        )
    return images


def _halved(images: Images) -> Images:
    batch, height, width, channels = images.shape
    even = images[:, : height // 2 * 2, : width // 2 * 2]
    return even.reshape(batch, height // 2, 2, width // 2, 2, channels).mean((2, 4))
