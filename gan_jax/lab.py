"""CIE L*a*b*, in which lightness and color are apart: what colorization works in.

sRGB with its white of 2 degrees under D65. Both directions are differentiable, and one is the other's inverse
within the colors that a screen has.

References:
    IEC 61966-2-1 (sRGB); CIE 15:2004, section 8.2.1 (L*a*b*).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Colors = Float[Array, "... 3"]

# columns: X, Y, Z of sRGB's red, green and blue
_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.95047, 1.0, 1.08883)  # X, Y, Z of D65
_EDGE = 6.0 / 29.0  # below it the cube root is continued by its tangent


def rgb_to_lab(images: Colors) -> Colors:
    """sRGB in [-1, 1] to ``L*`` in [0, 100] and ``a*``, ``b*``, which lie within 110 of 0."""
    levels = jnp.clip((images + 1.0) / 2.0, 0.0, 1.0)
    low = levels <= 0.04045
    light = jnp.where(low, levels / 12.92, ((jnp.where(low, 1.0, levels) + 0.055) / 1.055) ** 2.4)
    xyz = light @ _to_xyz().astype(images.dtype)
    low = xyz <= _EDGE**3
    root = jnp.where(low, xyz / (3 * _EDGE**2) + 4.0 / 29.0, jnp.cbrt(jnp.where(low, 1.0, xyz)))
    x, y, z = jnp.moveaxis(root, -1, 0)
    return jnp.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def lab_to_rgb(lab: Colors) -> Colors:
    """The inverse of :func:`rgb_to_lab`; colors that no screen has are clipped to [-1, 1]."""
    lightness, a, b = jnp.moveaxis(lab, -1, 0)
    y = (lightness + 16.0) / 116.0
    root = jnp.stack([y + a / 500.0, y, y - b / 200.0], axis=-1)
    xyz = jnp.where(root <= _EDGE, 3 * _EDGE**2 * (root - 4.0 / 29.0), root**3)
    light = xyz @ jnp.linalg.inv(_to_xyz()).astype(lab.dtype)
    low = light <= 0.0031308
    levels = jnp.where(low, light * 12.92, 1.055 * jnp.where(low, 1.0, light) ** (1 / 2.4) - 0.055)
    return jnp.clip(levels, 0.0, 1.0) * 2.0 - 1.0


def chroma(images: Colors) -> jax.Array:
    """``sqrt(a*^2 + b*^2)`` of each pixel: 0 of grey."""
    lab = rgb_to_lab(images)
    return jnp.sqrt(lab[..., 1] ** 2 + lab[..., 2] ** 2)


def _to_xyz() -> jax.Array:
    """From light of red, green and blue to X, Y and Z, that of white being 1."""
    return jnp.array(_XYZ).T / jnp.array(_WHITE)[None]
