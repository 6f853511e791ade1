"""A gradient for samples that have none: tokens are rewarded by what the discriminator says of them.

The game shows tokens under ``stop_gradient`` and their log-probabilities in ``extras["log_probs"]`` ``[B, T]``
(:func:`written`). What moves the generator is a term; its adversarial loss is none (:func:`for_tokens`).

References:
    Williams 1992, doi 10.1007/BF00992696, equation 4 (REINFORCE); Yu et al. 2017, arXiv 1609.05473; Che et al. 2017,
    arXiv 1702.07983, equation 2 (MaliGAN).
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp

from gan_jax import losses, schedules
from gan_jax.context import Context, Memory, Seen, Shown, Term, Turn, Weight

Estimator = Literal["likelihood", "reinforce", "maligan", "gumbel"]


def written(vocabulary: int) -> Callable[..., Shown]:
    """A ``show_fn``: real tokens against written ones, as one-hot vectors; ``extras`` hold ``log_probs``.

    Args:
        vocabulary: how many tokens there are.
    """

    def show_fn(
        generator_fn: Callable, latents: Any, batch: Mapping[str, Any], turn: Turn
    ) -> Shown:
        tokens = jax.lax.stop_gradient(generator_fn(latents, method="sample"))
        log_probs = generator_fn(tokens, method="log_probs")
        real, fake = (jax.nn.one_hot(each, vocabulary) for each in (batch["real"], tokens))
        return Shown(real, fake, extras={"log_probs": log_probs})

    return show_fn


def softly_written(
    vocabulary: int, temperature_fn: Callable[[jax.Array], jax.Array]
) -> Callable[..., Shown]:
    """A ``show_fn``: real tokens against tokens that carry the Gumbel-softmax gradient.

    Args:
        vocabulary: how many tokens there are.
        temperature_fn: a schedule of the round.
    """

    def show_fn(
        generator_fn: Callable, latents: Any, batch: Mapping[str, Any], turn: Turn
    ) -> Shown:
        fake = generator_fn(latents, temperature_fn(turn.step), method="soft")
        return Shown(jax.nn.one_hot(batch["real"], vocabulary), fake)

    return show_fn


def for_tokens(loss: losses.AdversarialLoss) -> losses.AdversarialLoss:
    """The discriminator's half of a loss, and none for the generator, which has a term instead."""
    return losses.AdversarialLoss(loss.discriminator, losses.none().generator)


def reinforce(weight: Weight = 1.0) -> dict[str, Term]:
    """The generator's term ``-(r - b) sum_t log p(x_t | ...)``, whose gradient is that of the mean reward.

    The reward is ``r = 2 sigmoid(D(x)) - 1``, the same for all tokens of a sequence. The baseline b is the memory of
    :func:`reward_average`: it lowers the variance and leaves the mean as it is.

    Args:
        weight: a number, or a schedule of the round.
    """

    def term_fn(key: jax.Array, context: Context) -> tuple[jax.Array, dict[str, jax.Array]]:
        reward = jax.lax.stop_gradient(2.0 * jax.nn.sigmoid(context.fake.logits) - 1.0)
        advantage = reward - context.memory["reward"]
        values = -advantage * context.extras["log_probs"].sum(1)
        return values, {"reward": reward.mean()}

    return {"reinforce": Term(term_fn, weight)}


def reward_average(decay: float = 0.95) -> dict[str, Memory]:
    """The memory ``reward``: a moving average of what :func:`reinforce` reports, from 0 on.

    Args:
        decay: in [0, 1).
    """

    def update_fn(key: jax.Array, average: jax.Array, seen: Seen) -> jax.Array:
        return decay * average + (1.0 - decay) * seen.metrics["generator/reinforce/reward"]

    return {"reward": Memory(lambda batch: jnp.zeros(()), update_fn)}


def maligan(weight: Weight = 1.0) -> dict[str, Term]:
    """The generator's term ``-(w_i / mean_j w_j - 1) sum_t log p(x_t | ...)`` with ``w = D / (1 - D) = exp(logit)``.

    Where the discriminator is the best there is, the weights are those of importance sampling from the data.

    Args:
        weight: a number, or a schedule of the round.
    """

    def term_fn(key: jax.Array, context: Context) -> jax.Array:
        weights = jnp.exp(jax.lax.stop_gradient(context.fake.logits))
        share = weights / context.gather_fn(weights).mean() - 1.0
        return -share * context.extras["log_probs"].sum(1)

    return {"maligan": Term(term_fn, weight)}


def likelihood(weight: Weight = 1.0) -> dict[str, Term]:
    """The generator's term ``-sum_t log p(x_t | ...)`` of real tokens: maximum likelihood.

    Args:
        weight: a number, or a schedule of the round, such as one that ends a pre-training.
    """

    def term_fn(key: jax.Array, context: Context) -> jax.Array:
        return -context.generator_fn(context.batch["real"], method="log_probs").sum(1)

    return {"likelihood": Term(term_fn, weight)}


def moved_by(
    estimator: Estimator, vocabulary: int, *, pretraining: int, steps: int
) -> dict[str, Any]:
    """What an estimator sets of a game of tokens: maximum likelihood up to a round, the adversary from it on.

    ``Game(..., **moved_by("reinforce", vocabulary, pretraining=2000, steps=4000))``.

    Args:
        estimator: ``likelihood`` has no adversary. The temperature of ``gumbel`` falls from 1 to 0.3.
        vocabulary: how many tokens there are.
        pretraining: rounds of maximum likelihood alone.
        steps: all rounds.
    """
    late = schedules.since(pretraining)
    early = likelihood(schedules.until(pretraining)) if pretraining else {}
    shown = {"show_fn": written(vocabulary)}
    if estimator == "likelihood":
        return {"loss": losses.none(), "generator_terms": likelihood(), **shown}
    if estimator == "gumbel":
        cooling = schedules.linear(1.0, 0.3, begin=pretraining, end=max(steps, pretraining + 1))
        return {
            "loss": losses.non_saturating(),
            "show_fn": softly_written(vocabulary, cooling),
            "generator_terms": early,
            "generator_mean_fn": lambda values, fake_logits, step: late(step) * jnp.mean(values),
        }
    loss = for_tokens(losses.non_saturating())
    if estimator == "reinforce":
        terms, memory = reinforce(late), reward_average()
    else:
        terms, memory = maligan(late), {}
    return {"loss": loss, "generator_terms": early | terms, "memory": memory, **shown}
