"""Resizing as each protocol prescribes; a Frechet inception distance without its resize is no figure.

Images are ``[B, H, W, C]``; the results are float32 and neither rounded nor clipped.

References:
    Parmar et al. 2022, arXiv 2104.11222, section 3 (what the resize does to the distance).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Images = Float[Array, "batch height width channels"]


def antialiased_bicubic(images: Images, size: int) -> Images:
    """Pillow's bicubic (a = -1/2), which widens its kernel when it shrinks: the protocol of clean-fid."""
    shape = (images.shape[0], size, size, images.shape[3])
    return jax.image.resize(images.astype(jnp.float32), shape, "bicubic", antialias=True)


def legacy_bilinear(images: Images, size: int) -> Images:
    """TensorFlow 1's bilinear, of the first program of the distance: corners at corners, no antialias.

    Output pixel i lies at ``i * H / size`` of the input, and beyond the last pixel is the last pixel.
    """
    images = images.astype(jnp.float32)
    rows = jnp.asarray(_legacy_weights(images.shape[1], size))
    columns = jnp.asarray(_legacy_weights(images.shape[2], size))
    return jnp.einsum("oh,pw,bhwc->bopc", rows, columns, images)


def _legacy_weights(length: int, size: int) -> np.ndarray:
    """``[size, length]``: what each output takes of each input."""
    places = np.arange(size) * (length / size)
    lower = np.minimum(np.floor(places).astype(int), length - 1)
    upper, share = np.minimum(lower + 1, length - 1), places - np.floor(places)
    weights = np.zeros((size, length), np.float32)
    np.add.at(weights, (np.arange(size), lower), 1.0 - share)
    np.add.at(weights, (np.arange(size), upper), share)
    return weights
