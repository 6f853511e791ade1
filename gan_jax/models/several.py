"""MAD-GAN: several generators, and a discriminator that also tells which of them drew a sample.

A generator that is told apart from the others is pushed to where they are not, so together they reach more
modes than one does. Which of them draws is a leaf of the latents::

    Game(
        SeveralGenerators(MLPGenerator((2,)), num=4),
        MLPDiscriminator(head_fn=partial(WhichHead, num_generators=4)),
        loss=losses.non_saturating(),  # the paper's loss is losses.minimax()
        latent_fn=latents_of(4),
        discriminator_terms=which_generator(),
    )

The paper's discriminator has a class for each generator and one for real samples, with probabilities
``p_1 ... p_K`` and ``p_real``. Its loss falls into two: ``-log p_k = -log(1 - p_real) - log(p_k / (1 - p_real))``,
the loss of every game with the logit of ``p_real``, and the cross-entropy of who drew a fake. So any loss
and any penalty may stand beside the second.

References:
    Ghosh et al. 2018, arXiv 1704.02906 (MAD-GAN).
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gan_jax.context import Context, Term, Weight
from gan_jax.models.heads import Head


def latents_of(num: int) -> Callable[[jax.Array, tuple[int, ...]], dict[str, jax.Array]]:
    """The ``latent_fn``: ``{"noise": [B, Z], "which": [B]}``, normal numbers and the generator that draws.

    Each of the ``num`` generators draws a row with the same probability.

    Raises:
        ValueError: there is no generator.
    """
    _check_num(num)

    def latent_fn(key: jax.Array, shape: tuple[int, ...]) -> dict[str, jax.Array]:
        noise_key, which_key = jax.random.split(key)
        which = jax.random.randint(which_key, shape[:1], 0, num)
        return {"noise": jax.random.normal(noise_key, shape), "which": which}

    return latent_fn


class SeveralGenerators(nn.Module):
    """Generators of one architecture, each with parameters of its own; every row is drawn by one of them.

    Every generator draws every row and one is taken, so a batch costs ``num`` times what it costs
    with a single one. Each parameter is an array with one more axis, the first, of ``num``
    generators, and so are running statistics. The paper's generators share their first layers; these
    share nothing.

    Attributes:
        generator: ``(latents, condition=None, *, train) -> samples``, a tree of rows.
        num: how many there are, at least 1.
    """

    generator: nn.Module
    num: int

    @nn.compact
    def __call__(self, latents: dict[str, jax.Array], condition: Any = None, *, train: bool) -> Any:
        """``{"noise": [B, Z], "which": [B]}`` to samples of B rows."""
        _check_num(self.num)
        told = () if condition is None else (condition,)

        def drawn(generator: nn.Module, noise: jax.Array) -> Any:
            return generator(noise, *told, train=train)

        each = nn.vmap(
            drawn,
            in_axes=None,
            axis_size=self.num,
            variable_axes={True: 0},
            split_rngs={True: True},
        )
        samples = each(self.generator, latents["noise"])  # [num, B, ...]
        rows = jnp.arange(len(latents["which"]))
        return jax.tree.map(lambda leaf: leaf[latents["which"], rows], samples)


class WhichHead(Head):
    """The last layer of a discriminator that tells real samples and each generator's apart.

    A dense layer to ``c_real, c_1 ... c_K``. The logit is that of the probability of the class "real":
    ``c_real - log sum_k exp(c_k)``. It sows ``which`` ``[B, K]``, the other logits, and ``features``.

    Attributes:
        num_generators: K.
    """

    num_generators: int = 0

    @nn.compact
    def __call__(
        self, features: jax.Array, condition: jax.Array | None, *, train: bool
    ) -> jax.Array:
        """``[B, F]`` to logits ``[B]``."""
        _check_num(self.num_generators)
        if condition is not None or self.num_classes is not None:
            raise ValueError(
                "a WhichHead is told no labels: its classes are the generators; leave num_classes at None"
            )
        self.sow("intermediates", "features", features)
        classes = self.dense(self.num_generators + 1, features, train).astype(jnp.float32)
        self.sow("intermediates", "which", classes[:, 1:])
        return classes[:, 0] - jax.nn.logsumexp(classes[:, 1:], axis=-1)


def which_generator(weight: Weight = 1.0) -> dict[str, Term]:
    """``-log(p_k / (1 - p_real))`` of the fakes of generator k, for the discriminator.

    It reports ``accuracy``, the share of fakes whose generator is found; 1 / K is chance.

    Args:
        weight: not negative; with 1 and the non-saturating or the minimax loss the discriminator's
            loss is the paper's.

    References:
        Ghosh et al. 2018, arXiv 1704.02906 (the discriminator's objective).
    """

    def term_fn(key: jax.Array, context: Context):
        logits, which = context.fake.sown["which"][0], context.latents["which"]
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, which)
        return loss, {"accuracy": (logits.argmax(-1) == which).mean()}

    return {"which": Term(term_fn, weight)}


def _check_num(num: int) -> None:
    if num < 1:
        raise ValueError(f"expected at least 1 generator, got {num}")
