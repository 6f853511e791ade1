"""Path lengths: a step of the styles must move the image about as far wherever it is taken.

For a generator with a method ``synthesis``, and a game that shows the styles among its extras as
``ws``, such as :func:`gan_jax.models.stylegan2.styled`::

    Game(show_fn=styled, generator_terms=path_length(), memory=path_length_mean(), ...)
"""

import jax
import jax.numpy as jnp

from gan_jax import schedules
from gan_jax.context import Context, Memory, Seen, Term
from gan_jax.penalties import PerExample


def path_lengths(key: jax.Array, context: Context, *, every_row: int = 2) -> PerExample:
    """``|J^T y|`` with J the Jacobian of the synthesis at the styles and y noise.

    y is normal, divided by the root of the number of pixels, so that its length does not depend on
    the size. The length is the root of the mean over layers of the sum over a style's entries.

    Args:
        key: of the noise.
        context: with ``extras["ws"]``, styles ``[B, L, W]``, and ``generator_fn``.
        every_row: only each so many'th row is looked at, which saves memory.

    Returns:
        ``[B / every_row]``, not negative.

    References:
        Karras et al. 2020, arXiv 1912.04958, equation 4 and appendix B.
    """
    styles = context.extras["ws"][::every_row]
    images, pull_back = jax.vjp(
        lambda styles: context.generator_fn(styles, method="synthesis"), styles
    )
    pixels = images.shape[1] * images.shape[2]
    noise = jax.random.normal(key, images.shape, images.dtype) / pixels**0.5
    (slopes,) = pull_back(noise)
    squares = jnp.square(slopes).sum(-1).mean(-1)
    # a root has no slope at 0
    return jnp.where(squares > 0.0, jnp.sqrt(jnp.where(squares > 0.0, squares, 1.0)), 0.0)


def path_length(weight: float = 2.0, *, every: int = 4, every_row: int = 2) -> dict[str, Term]:
    """``weight (|J^T y| - a)^2``, with a the moving average of :func:`path_length_mean`.

    The average is that from before the round. Its report ``length`` is the mean of the lengths.

    Args:
        weight: the mean over the rounds, not negative.
        every: the term is computed in each so many'th round, with as many times the weight.
        every_row: as of :func:`path_lengths`.

    Raises:
        ValueError: a number is out of range.

    References:
        Karras et al. 2020, arXiv 1912.04958, equation 4 and appendix B (weight 2, every 4th round,
        half of the rows).
    """
    if every_row < 1:
        raise ValueError(f"every_row must be at least 1, got {every_row}")

    def term_fn(key: jax.Array, context: Context) -> tuple[PerExample, dict[str, jax.Array]]:
        lengths = path_lengths(key, context, every_row=every_row)
        distances = jnp.square(lengths - context.memory["path_length"])
        return distances, {"length": lengths.mean()}

    return {"path_length": Term(term_fn, schedules.lazy(weight, every=every))}


def path_length_mean(*, every: int = 4, rate: float = 0.01) -> dict[str, Memory]:
    """The memory of :func:`path_length`: ``a + rate (mean length - a)`` in the rounds that measure it.

    Args:
        every: as of :func:`path_length`.
        rate: in ``(0, 1]``.

    Raises:
        ValueError: a number is out of range.

    References:
        Karras et al. 2020, arXiv 1912.04958, appendix B.
    """
    if every < 1 or not 0.0 < rate <= 1.0:
        raise ValueError(
            f"every must be at least 1 and rate in (0, 1], got every={every} and rate={rate}"
        )

    def update_fn(key: jax.Array, mean: jax.Array, seen: Seen) -> jax.Array:
        length = seen.metrics["generator/path_length/length"]
        return jnp.where(seen.step % every == 0, mean + rate * (length - mean), mean)

    return {"path_length": Memory(lambda batch: jnp.zeros(()), update_fn)}
