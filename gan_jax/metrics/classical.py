"""Classical methods of restoration, as references: what a network must be better than.

Each is a draw function ``(None, keys, rows) -> images`` that reads ``rows["input"]``, and is measured by the very
evaluator that measures the network. They come from scipy, Pillow, scikit-image (extra ``reference``) and bm3d (extra
``bm3d``). :func:`methods_of` names those of a task.

References:
    Dabov et al. 2007, doi 10.1109/TIP.2007.901238 (BM3D); Buades et al. 2005, doi 10.1109/CVPR.2005.38 (NLM);
    Chambolle 2004, doi 10.1023/B:JMIV.0000011325.36760.1e (total variation).
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from PIL import Image
from scipy import ndimage

from gan_jax.data.degrade import gaussian_window, hole_mask
from gan_jax.data.restoration import colored
from gan_jax.drawing import DrawFn
from gan_jax.lab import rgb_to_lab

Pixels = np.ndarray  # one image [H, W, C] in [0, 1]
_NAN_FREE = 1e-12


def one_by_one(method_fn: Callable[[Pixels], Pixels]) -> DrawFn:
    """A reference that restores every image by itself, in [0, 1].

    Args:
        method_fn: ``[H, W, C] -> [H, W, C]``, of what is between 0 and 1; what it gives is clipped.
    """

    def draw_fn(players: Any, keys: Any, rows: Mapping[str, Any]) -> np.ndarray:
        images = (np.asarray(rows["input"], np.float64) + 1.0) / 2.0
        found = np.stack([np.clip(method_fn(image), 0.0, 1.0) for image in images])
        return (found * 2.0 - 1.0).astype(np.float32)

    return draw_fn


def median(image: Pixels) -> Pixels:
    """The median of 3x3 pixels, of each channel by itself."""
    return ndimage.median_filter(image, size=(3, 3, 1), mode="reflect")


def filled_impulses(image: Pixels) -> Pixels:
    """Pixels of 0 or 1 in all channels become the mean of their neighbours that are not, by a window of deviation 0.7.

    The honest rival of a network for impulses of exactly those values: they can be told from the image.
    """
    known = ~((image == 0.0).all(-1) | (image == 1.0).all(-1))[..., None]
    window = dict(sigma=(0.7, 0.7, 0), mode="reflect")
    weight = ndimage.gaussian_filter(known.astype(float), **window)
    mean = ndimage.gaussian_filter(image * known, **window) / np.maximum(weight, _NAN_FREE)
    return np.where(known, image, mean)


def switching_median(image: Pixels) -> Pixels:
    """Pixels of 0 or 1 in all channels become the median of 3x3 pixels, the others stay.

    Where black is the background, as in MNIST, :func:`filled_impulses` would throw it away.
    """
    hit = ((image == 0.0).all(-1) | (image == 1.0).all(-1))[..., None]
    return np.where(hit, median(image), image)


def non_local_means(sigma: float) -> Callable[[Pixels], Pixels]:
    """Non-local means with a known deviation.

    Args:
        sigma: of 255 levels.
    """
    from skimage.restoration import denoise_nl_means

    level = sigma / 255.0

    def method_fn(image: Pixels) -> Pixels:
        options = dict(patch_size=5, patch_distance=6, h=0.8 * level, sigma=level)
        return denoise_nl_means(image, channel_axis=-1, **options).reshape(image.shape)

    return method_fn


def total_variation(weight: float) -> Callable[[Pixels], Pixels]:
    """The image of least total variation that is near.

    Args:
        weight: of the variation.
    """
    from skimage.restoration import denoise_tv_chambolle

    return lambda image: denoise_tv_chambolle(image, weight=weight, channel_axis=-1)


def block_matching(sigma: float) -> Callable[[Pixels], Pixels]:
    """BM3D with a known deviation: seconds an image.

    Args:
        sigma: of 255 levels.
    """
    import bm3d

    def method_fn(image: Pixels) -> Pixels:
        function = bm3d.bm3d_rgb if image.shape[-1] == 3 else bm3d.bm3d
        return np.reshape(function(image, sigma / 255.0), image.shape)

    return method_fn


def wiener(deviation: float, balance: float = 0.003) -> Callable[[Pixels], Pixels]:
    """Wiener's inverse of a Gaussian window, on the image mirrored at its borders.

    Args:
        deviation: of the window, in pixels.
        balance: of noise and sharpness.
    """
    from skimage.restoration import wiener as inverse

    return _inverted(deviation, lambda image, window: inverse(image, window, balance, clip=False))


def richardson_lucy(deviation: float, steps: int = 20) -> Callable[[Pixels], Pixels]:
    """Richardson and Lucy's inverse of a Gaussian window, on the image mirrored at its borders.

    Args:
        deviation: of the window, in pixels.
        steps: of the iteration.
    """
    from skimage.restoration import richardson_lucy as inverse

    return _inverted(deviation, lambda image, window: inverse(image, window, num_iter=steps))


def _inverted(deviation: float, inverse_fn: Callable) -> Callable[[Pixels], Pixels]:
    weights = gaussian_window(deviation)
    window = np.outer(weights, weights)

    def method_fn(image: Pixels) -> Pixels:
        border = min(2 * len(weights), *image.shape[:2])
        padded = np.pad(image, ((border, border), (border, border), (0, 0)), mode="symmetric")
        found = [inverse_fn(padded[..., channel], window) for channel in range(image.shape[-1])]
        return np.stack(found, axis=-1)[border:-border, border:-border]

    return method_fn


def resized(scale: int, filter: Image.Resampling) -> Callable[[Pixels], Pixels]:
    """The image enlarged by Pillow, in floats.

    Args:
        scale: a whole number.
        filter: such as ``Image.Resampling.LANCZOS``.
    """

    def method_fn(image: Pixels) -> Pixels:
        size = (image.shape[1] * scale, image.shape[0] * scale)
        planes = [
            Image.fromarray(image[..., channel].astype(np.float32)).resize(size, filter)
            for channel in range(image.shape[-1])
        ]
        return np.stack([np.asarray(plane) for plane in planes], axis=-1)

    return method_fn


def biharmonic(share: float = 0.25) -> Callable[[Pixels], Pixels]:
    """The smoothest image that goes on from the border of the hole.

    Args:
        share: of the pixels that are missing, as :func:`gan_jax.data.degrade.hole` takes them.
    """
    from skimage.restoration import inpaint_biharmonic

    def method_fn(image: Pixels) -> Pixels:
        mask = hole_mask(image.shape, share)[..., 0]
        return inpaint_biharmonic(image, mask, channel_axis=-1).reshape(image.shape)

    return method_fn


def grey(players: Any, keys: Any, rows: Mapping[str, Any]) -> np.ndarray:
    """A reference of colorization: the image without color."""
    inputs = jnp.asarray(rows["input"])
    return np.asarray(colored(inputs, jnp.zeros((*inputs.shape[:3], 2))))


def own_tint(players: Any, keys: Any, rows: Mapping[str, Any]) -> np.ndarray:
    """A reference of colorization that no method can be: the truth's own mean color, everywhere."""
    lab = rgb_to_lab(jnp.asarray(rows["real"]))
    mean = jnp.broadcast_to(lab[..., 1:].mean((1, 2), keepdims=True), (*lab.shape[:3], 2))
    return np.asarray(colored(jnp.asarray(rows["input"]), jnp.arctanh(mean / 110.0)))


def enlarged(scale: int) -> DrawFn:
    """A reference of super-resolution: each pixel ``scale x scale`` times.

    Args:
        scale: a whole number.
    """
    return one_by_one(lambda image: image.repeat(scale, 0).repeat(scale, 1))


def _each(method_fn: Callable, *arguments: Any) -> Callable[[], DrawFn]:
    return lambda: one_by_one(method_fn(*arguments))


def _as_it_is(draw_fn: DrawFn) -> Callable[[], DrawFn]:
    return lambda: draw_fn


# task of gan_jax.data.restoration.TASKS -> name -> what makes the reference
METHODS: dict[str, dict[str, Callable[[], DrawFn]]] = {
    "noise": {"nlm": _each(non_local_means, 25.0), "tv": _each(total_variation, 0.05)},
    "noise_50": {"nlm": _each(non_local_means, 50.0), "tv": _each(total_variation, 0.15)},
    "salt_and_pepper": {
        "median": _as_it_is(one_by_one(median)),
        "filled": _as_it_is(one_by_one(filled_impulses)),
        "switching": _as_it_is(one_by_one(switching_median)),
    },
    "impulses": {"median": _as_it_is(one_by_one(median))},
    "blur": {"wiener": _each(wiener, 1.5), "richardson_lucy": _each(richardson_lucy, 1.5)},
    "hole": {"biharmonic": _each(biharmonic)},
    "color": {"grey": _as_it_is(grey), "own_tint": _as_it_is(own_tint)},
    "cast": {},
} | {
    f"x{scale}": {
        "nearest": _as_it_is(enlarged(scale)),
        "bicubic": _each(resized, scale, Image.Resampling.BICUBIC),
        "lanczos": _each(resized, scale, Image.Resampling.LANCZOS),
    }
    for scale in (2, 4)
}
SLOW = {
    "noise": {"bm3d": _each(block_matching, 25.0)},
    "noise_50": {"bm3d": _each(block_matching, 50.0)},
}


def methods_of(task: str, *, slow: bool = False) -> dict[str, DrawFn]:
    """The classical methods of a task of :data:`gan_jax.data.restoration.TASKS`, by name.

    Those whose package is not installed are left out.

    Args:
        task: its name.
        slow: whether BM3D is among them, which takes seconds an image.
    """
    makers = METHODS[task] | (SLOW.get(task, {}) if slow else {})
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except ModuleNotFoundError:
            continue
    return found
