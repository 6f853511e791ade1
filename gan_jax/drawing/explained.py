"""What a discriminator looks at, and where a generator's samples change most.

References:
    Sundararajan et al. 2017, arXiv 1703.01365, equation 1 and proposition 1 (integrated gradients);
    Ramesh et al. 2018, arXiv 1812.01161, section 3 (the Jacobian's leading singular vectors).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

LogitFn = Callable[[jax.Array], jax.Array]  # images [n, H, W, C] -> [n]


def integrated_gradients(
    logit_fn: LogitFn, images: jax.Array, baseline: jax.Array, *, nodes: int = 32
) -> np.ndarray:
    """How much each pixel adds to the logit: they sum to ``f(x) - f(x')``.

    ``(x - x') * integral over a in [0, 1] of grad f(x' + a (x - x'))``, by Gauss and Legendre: exact for
    polynomials of degree ``2 nodes``. Leaky ReLUs have kinks, at which it is exact only as nodes grow.

    Args:
        logit_fn: f; each logit depends on its own image alone.
        images: x, ``[n, H, W, C]``.
        baseline: x', of the shape of one image or of all.
        nodes: evaluations of the gradient.

    Returns:
        ``[n, H, W, C]``.
    """
    places, weights = np.polynomial.legendre.leggauss(nodes)
    images = jnp.asarray(images)
    baseline = jnp.broadcast_to(baseline, images.shape)
    gradient = jax.jit(jax.grad(lambda x: logit_fn(x).sum()))
    total = np.zeros(images.shape, np.float64)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):  # from [-1, 1] to [0, 1]
        total += weight * np.asarray(gradient(baseline + place * (images - baseline)), np.float64)
    return np.asarray(images - baseline, np.float64) * total


def leading_directions(
    sample_fn: Callable[[jax.Array], jax.Array], latents: jax.Array, num: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Along which directions of its latents one sample changes most.

    Right singular vectors of the Jacobian of ``sample_fn``, and its singular values: a small step e
    along ``v_i`` changes the sample by ``e s_i``.

    Args:
        sample_fn: latents ``[Z]`` -> a sample of any shape.
        latents: where, ``[Z]``.
        num: of directions.

    Returns:
        Directions ``[num, Z]`` of length 1 and singular values ``[num]``, the largest first.
    """

    def gram(latents: jax.Array) -> jax.Array:
        jacobian = jax.jacfwd(lambda z: sample_fn(z).ravel())(latents)
        return jacobian.T @ jacobian

    squares, vectors = np.linalg.eigh(np.asarray(jax.jit(gram)(latents), np.float64))
    chosen = slice(None, -1 - min(num, len(squares)), -1)
    return vectors.T[chosen], np.sqrt(np.maximum(squares[chosen], 0.0))


def heat(values: np.ndarray) -> np.ndarray:
    """Signed values ``[n, H, W]`` as images in [-1, 1]: red above 0, blue below, white at 0.

    The 99th percentile of their sizes is the full color.
    """
    limit = float(np.quantile(np.abs(values), 0.99)) or 1.0
    level = np.clip(values / limit, -1.0, 1.0)[..., None]
    red, blue = np.array([0.7, 0.0, 0.1]), np.array([0.0, 0.25, 0.7])
    shown = 1.0 - np.abs(level) * (1.0 - np.where(level > 0, red, blue))
    return (2.0 * shown - 1.0).astype(np.float32)
