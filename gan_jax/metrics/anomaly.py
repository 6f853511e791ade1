"""Scores of anomalies: how far an example is from what is normal. All are larger where it is farther."""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.decomposition import PCA

from gan_jax.drawing.players import DrawFn, Players, Rows
from gan_jax.metrics.checks import check_features
from gan_jax.metrics.neighbors import nearest


def reconstruction_error(players: Players, latents: jax.Array, rows: Rows) -> jax.Array:
    """``|x - G(E(x))|^2`` over the size of x, of a game with the methods ``encode`` and ``decode``."""
    real, made = rows["real"], reconstructed(players, rows)
    return jnp.square(real - made).reshape(len(real), -1).mean(1)


def pair_features(weight: float = 0.1) -> DrawFn:
    """``(1 - w) |x - G(E(x))|_1 + w |f(x, E(x)) - f(G(E(x)), E(x))|_1``, with f the discriminator's features.

    Args:
        weight: w, in [0, 1].

    Raises:
        ValueError: the weight is out of range.

    References:
        Zenati et al. 2018, arXiv 1802.06222, section 3 (EGBAD, with feature matching; alpha is 1 - w).
    """
    if not 0.0 <= weight <= 1.0:
        raise ValueError(f"weight must be in [0, 1], got {weight}")

    def score_fn(players: Players, latents: jax.Array, rows: Rows) -> jax.Array:
        real = rows["real"]
        code = players.generator_fn(real, method="encode")
        made = players.generator_fn(code, method="decode")
        here, there = (
            players.judge_fn((each, code))[1]["features"][0][: len(real)] for each in (real, made)
        )
        far = jnp.abs(real - made).reshape(len(real), -1).sum(1)
        return (1.0 - weight) * far + weight * jnp.abs(here - there).sum(1)

    return score_fn


def reconstructed(players: Players, rows: Rows) -> jax.Array:
    """``G(E(x))``."""
    code = players.generator_fn(rows["real"], method="encode")
    return players.generator_fn(code, method="decode")


def pca_error(normal: np.ndarray, components: int) -> DrawFn:
    """A reference: ``|x - P x|^2``, P the projection on the first principal components of normal examples.

    Args:
        normal: ``[N, ...]``, flattened.
        components: how many, at least 1 and at most what N and the size of an example allow.

    Raises:
        ValueError: there are too few examples, or too many components.
    """
    flat = np.reshape(normal, (len(normal), -1))
    check_features("normal", flat, at_least=2)
    if not 1 <= components <= min(flat.shape):
        raise ValueError(f"components must be 1 to {min(flat.shape)}, got {components}")
    pca = PCA(components, svd_solver="covariance_eigh").fit(flat)

    def score_fn(players: None, keys: jax.Array, rows: Rows) -> np.ndarray:
        real = np.reshape(rows["real"], (len(rows["real"]), -1))
        return np.square(real - pca.inverse_transform(pca.transform(real))).sum(1)

    return score_fn


def neighbor_distance(normal: np.ndarray, neighbors: int) -> DrawFn:
    """A reference: the mean Euclidean distance to the nearest normal examples.

    Args:
        normal: ``[N, ...]``, flattened.
        neighbors: how many, 1 to N.

    Raises:
        ValueError: there are fewer examples than neighbours.
    """
    flat = np.reshape(normal, (len(normal), -1))
    if not 1 <= neighbors <= len(flat):
        raise ValueError(f"neighbors must be 1 to {len(flat)}, got {neighbors}")

    def score_fn(players: None, keys: jax.Array, rows: Rows) -> np.ndarray:
        real = np.reshape(rows["real"], (len(rows["real"]), -1))
        return nearest(real, flat, neighbors)[1].mean(1)

    return score_fn
