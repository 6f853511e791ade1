"""The evaluator of a bound on the evidence: how probable held-out examples are under a model with latents."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import Drawn
from gan_jax.drawing.players import Players, Rows
from gan_jax.drawing.sampler import one_key_a_row
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.rows import by_row
from gan_jax.variational import drawn_bound

PosteriorFn = Callable[[Players, Rows], tuple[jax.Array, jax.Array]]
LikelihoodFn = Callable[[Players, Rows, jax.Array], jax.Array]


def evidence(
    data: Data,
    *,
    posterior_fn: PosteriorFn,
    log_likelihood_fn: LikelihoodFn,
    samples: int = 50,
    description: str = "",
) -> Evaluator:
    """The negative bounds of 1 and of many samples on ``-log p(x)``, in nats, over every held-out row once.

    ``nll_1`` is the negative ELBO (the mean over the samples), ``nll_bound`` that of ``samples``. Both are
    upper bounds on average; the second is the nearer one.

    Args:
        data: whose held-out rows are judged.
        posterior_fn: ``(players, rows) -> (mean, log variance)`` of the codes, ``[n, Z]`` each.
        log_likelihood_fn: ``(players, rows, codes [s, n, Z]) -> log p(x | z) [s, n]``, s samples of each row.
        samples: k, at least 1.
        description: of the data in a sentence, for the protocol, such as their binarisation.

    References:
        Burda et al. 2016, arXiv 1509.00519, equation 8 and section 5.1.
    """
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")

    def bound_fn(players: Players, keys: jax.Array, rows: Rows) -> dict[str, Any]:
        elbo, bound = drawn_bound(
            keys[0],
            posterior_fn(players, rows),
            lambda codes: log_likelihood_fn(players, rows, codes),
            samples,
        )
        return {"nll_1": -elbo, "nll_bound": -bound}

    def negative(drawn: Drawn) -> dict[str, np.ndarray]:
        return dict(drawn.samples)

    return Evaluator(
        measure_fn=by_row(negative),
        figures={
            "nll_1": Figure("negative ELBO (nats)", "less", digits=2),
            "nll_bound": Figure(f"negative bound of {samples:,} (nats)", "less", digits=2),
        },
        protocol={
            "description": f"{data.size('held_out'):,} held-out rows, {samples:,} codes of each; {description}",
            "samples": samples,
            "data": data.fingerprints(),
        },
        num=None,
        draw_fn=bound_fn,
        latents_fn=one_key_a_row,
        when="end",
    )
