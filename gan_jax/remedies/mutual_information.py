"""Mutual information (InfoGAN): a part of the latents, the code, must be read back from what was made of it.

    code = Code(categories=(10,), continuous=2)
    Game(
        discriminator=DCGANDiscriminator(head_fn=partial(CodeHead, code_size=code.size)),
        latent_size=62 + code.size,
        latent_fn=code.latent_fn,
        generator_terms=mutual_information(code),
        discriminator_terms=mutual_information(code),
        ...
    )

The term looks at fakes alone: of real samples no code is known.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Term, Weight
from gan_jax.penalties import PerExample


def uniform_noise(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Uniform on ``[-1, 1)``: the noise of the paper's program."""
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)


class Code(NamedTuple):
    """What the last columns of the latents mean: one-hot categories, then numbers in ``[-1, 1)``.

    Attributes:
        categories: of each categorical variable, how many there are; uniformly drawn.
        continuous: how many numbers, each uniform on ``[-1, 1)``.
        noise_fn: ``(key, shape) -> noise``, for the columns before the code.
    """

    categories: tuple[int, ...] = (10,)
    continuous: int = 2
    noise_fn: Callable = uniform_noise

    @property
    def size(self) -> int:
        """How many columns it takes."""
        return sum(self.categories) + self.continuous

    @property
    def nats(self) -> float:
        """The entropy of the categories: what can be known of them."""
        return sum(map(math.log, self.categories))

    def latent_fn(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        """Latents ``[B, Z]`` whose last columns are the code, for ``Game.latent_fn``.

        Raises:
            ValueError: the latents have fewer columns than the code.
        """
        rows, columns = shape
        if columns < self.size:
            raise ValueError(
                f"latent_size must hold the code's {self.size} columns, got {columns}: give the "
                "noise's columns and the code's together"
            )
        noise_key, number_key, *keys = jax.random.split(key, 2 + len(self.categories))
        noise = self.noise_fn(noise_key, (rows, columns - self.size))
        numbers = uniform_noise(number_key, (rows, self.continuous))
        drawn = [
            jax.nn.one_hot(jax.random.randint(k, (rows,), 0, count), count, dtype=noise.dtype)
            for k, count in zip(keys, self.categories, strict=True)
        ]
        return jnp.concatenate([noise, *drawn, numbers], axis=1)

    def split(self, rows: jax.Array) -> tuple[list[jax.Array], jax.Array]:
        """The last columns as categories ``[B, count]`` each, and numbers ``[B, continuous]``.

        Of latents, or of what a head says of the code (logits and means).
        """
        code = rows[:, rows.shape[1] - self.size :]
        ends = [sum(self.categories[: index + 1]) for index in range(len(self.categories))]
        *categories, numbers = jnp.split(code, ends, axis=1)
        return categories, numbers


def mutual_information(
    code: Code, weight: Weight = 1.0, *, continuous_weight: float = 1.0, deviation: float = 1.0
) -> dict[str, Term]:
    """``-log q(c | G(z, c))``, for both players; the negative of a bound on the information.

    Its report ``nats`` is the bound for the categories, ``H(c) + mean log q(c | G(z, c))``: at most
    :attr:`Code.nats`, which is reached when every category is read back with certainty.

    Args:
        code: the meaning of the latents' last columns.
        weight: the paper's lambda, not negative; a number or a schedule of the round.
        continuous_weight: of the numbers beside the categories, not negative.
        deviation: of the normal distribution about the mean that the head says, positive. It is
            fixed: one that is learned goes to 0, and the term to minus infinity.

    Raises:
        ValueError: now, when the code is empty or a number is out of range.

    References:
        Chen et al. 2016, arXiv 1606.03657, equations 5 and 6.
    """
    if code.size < 1 or not continuous_weight >= 0 or not deviation > 0:
        raise ValueError(
            "the code must have a column, continuous_weight must not be negative and deviation be "
            f"positive, got {code.size} columns, {continuous_weight} and {deviation}"
        )

    def term_fn(key: jax.Array, context: Context) -> tuple[PerExample, dict[str, jax.Array]]:
        drawn, numbers = code.split(context.latents)
        said, means = code.split(context.fake.sown["code"][0])
        unread = jnp.zeros(len(numbers))
        for one_hot, logits in zip(drawn, said, strict=True):
            unread -= jnp.sum(one_hot * jax.nn.log_softmax(logits), axis=1)
        misses = jnp.square((numbers - means) / deviation) / 2.0
        far = jnp.sum(misses + math.log(deviation * math.sqrt(2.0 * math.pi)), axis=1)
        return unread + continuous_weight * far, {"nats": code.nats - unread.mean()}

    return {"mutual_information": Term(term_fn, weight)}
