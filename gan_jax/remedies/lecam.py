"""LeCam: the discriminator is held near the average of what it said of the other side."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.context import Context, Memory, Seen, Term, Weight
from gan_jax.penalties import PerExample
from gan_jax.remedies.consistency import per_example


class LogitsAverage(NamedTuple):
    """Moving averages, over the rounds before this one, of what the discriminator says.

    Attributes:
        real: of the mean of ``real_logits``; scalar.
        fake: of the mean of ``fake_logits``; scalar.
    """

    real: jax.Array
    fake: jax.Array


def lecam_distance(key: jax.Array, context: Context) -> PerExample:
    """``(D(x) - a_F)^2 + (D(G(z)) - a_R)^2`` with a_R, a_F the averages of real and fake logits.

    No gradient flows into the averages.

    References:
        Tseng et al. 2021, arXiv 2104.03310, equation 3.
    """
    average = context.memory["logits_average"]
    to_fake = per_example(lambda logits: jnp.square(logits - average.fake), context.real.logits)
    to_real = per_example(lambda logits: jnp.square(logits - average.real), context.fake.logits)
    return to_fake + to_real


def lecam(weight: Weight = 0.3) -> dict[str, Term]:
    """The LeCam term: ``Game(discriminator_terms=lecam(0.3), memory=logits_average())``.

    Args:
        weight: the paper's lambda, not negative; a number or a schedule of the round.

    References:
        Tseng et al. 2021, arXiv 2104.03310, equations 3 and 4.
    """
    return {"lecam": Term(lecam_distance, weight)}


def logits_average() -> dict[str, Memory]:
    """The memory of LeCam: the arithmetic mean over the rounds so far, from the 100th on with a decay of 0.99.

    References:
        Tseng et al. 2021, arXiv 2104.03310 (the decay of 0.99; the beginning is ours).
    """

    def init_fn(batch) -> LogitsAverage:
        return LogitsAverage(jnp.zeros(()), jnp.zeros(()))

    def update_fn(key: jax.Array, average: LogitsAverage, seen: Seen) -> LogitsAverage:
        decay = jnp.minimum(0.99, seen.step / (seen.step + 1.0))
        said = [seen.metrics[f"discriminator/{side}_logits"] for side in average._fields]
        return LogitsAverage(
            *(decay * a + (1.0 - decay) * b for a, b in zip(average, said, strict=True))
        )

    return {"logits_average": Memory(init_fn, update_fn)}
