"""Enlarging and halving images with the filter [1, 3, 3, 1], without aliasing and without parameters.

Beyond the border an image is 0. Both are sums of shifted images, which any platform does at the speed
of its memory. One is the other's transpose: ``<enlarged(x), y> = 4 <x, reduced(y)>``.

References:
    Karras et al. 2020, arXiv 1912.04958, appendix B (the filter);
    Zhang 2019, arXiv 1904.11486 (filters against aliasing).
"""

import jax
import jax.numpy as jnp


def enlarged(images: jax.Array) -> jax.Array:
    """``[B, H, W, C] -> [B, 2 H, 2 W, C]``: along each axis ``(x[i-1] + 3 x[i]) / 4, (3 x[i] + x[i+1]) / 4``."""
    for axis in (1, 2):
        before, after = _neighbors(images, axis)
        pairs = [(before + 3.0 * images) / 4.0, (3.0 * images + after) / 4.0]
        shape = (*images.shape[:axis], 2 * images.shape[axis], *images.shape[axis + 1 :])
        images = jnp.stack(pairs, axis=axis + 1).reshape(shape)
    return images


def reduced(images: jax.Array) -> jax.Array:
    """``[B, H, W, C] -> [B, H / 2, W / 2, C]``: ``(x[2i-1] + 3 x[2i] + 3 x[2i+1] + x[2i+2]) / 8``.

    Raises:
        ValueError: H or W is odd.
    """
    if images.shape[1] % 2 or images.shape[2] % 2:
        raise ValueError(
            f"a map of {images.shape[1]}x{images.shape[2]} cannot be halved: its sides must be even"
        )
    for axis in (1, 2):
        shape = (*images.shape[:axis], images.shape[axis] // 2, 2, *images.shape[axis + 1 :])
        first, second = jnp.moveaxis(images.reshape(shape), axis + 1, 0)
        before, after = _neighbors(second, axis)[0], _neighbors(first, axis)[1]
        images = (before + 3.0 * first + 3.0 * second + after) / 8.0
    return images


def smoothed(images: jax.Array, before: int, after: int, *, gain: float = 1.0) -> jax.Array:
    """The filter at the size of the image: ``[B, H + before + after - 3, W + before + after - 3, C]``.

    ``gain^2 / 64`` times the sums of 4x4 neighbours with weights [1, 3, 3, 1] along each axis.

    Args:
        images: ``[B, H, W, C]``.
        before: zeros before the first row and column.
        after: zeros after the last.
        gain: along each axis.
    """
    for axis in (1, 2):
        pad = [(0, 0)] * images.ndim
        pad[axis] = (before, after)
        length = images.shape[axis] + before + after - 3
        padded = jnp.pad(images, pad)
        a, b, c, d = (jax.lax.slice_in_dim(padded, i, i + length, axis=axis) for i in range(4))
        images = (a + 3.0 * (b + c) + d) * (gain / 8.0)
    return images


def _neighbors(images: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """``x[i - 1]`` and ``x[i + 1]`` at each i."""
    pad = [(0, 0)] * images.ndim
    pad[axis] = (1, 1)
    padded, length = jnp.pad(images, pad), images.shape[axis]
    return (
        jax.lax.slice_in_dim(padded, 0, length, axis=axis),
        jax.lax.slice_in_dim(padded, 2, length + 2, axis=axis),
    )
