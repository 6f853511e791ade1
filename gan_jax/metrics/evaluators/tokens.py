"""Evaluators of sequences of tokens whose truth is known: how likely what is written, and what is true, is.

One figure alone is won by cheating. A model that writes one likely sequence has the best likelihood under the
oracle; a model that calls everything possible has a fair likelihood of the truth. So both are measured, and the model's
samples at lower temperatures stand beside them: what an adversarial training must beat.

References:
    Caccia et al. 2020, arXiv 1811.02549, section 4 (temperature sweeps); Yu et al. 2017, arXiv 1609.05473, section 5.
"""

from collections.abc import Callable, Mapping

import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import Drawn
from gan_jax.drawing.sampler import real
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.rows import by_row, of_rows

LogProbsFn = Callable[[np.ndarray], np.ndarray]  # tokens [B, T] -> [B, T]


def oracle_likelihood(
    data: Data,
    *,
    log_probs_fn: LogProbsFn,
    vocabulary: int,
    num_samples: int = 2000,
    temperatures: tuple[float, ...] = (),
) -> Evaluator:
    """``nll_oracle``: nats a token of what the model writes, under the oracle; and how many pairs of tokens are distinct.

    Args:
        data: whose ``real`` are tokens ``[T]`` that the oracle wrote.
        log_probs_fn: of the oracle.
        vocabulary: how many tokens there are.
        num_samples: of a row.
        temperatures: at which the run's draw option ``temperature`` is measured too.
    """
    num = min(num_samples, data.size("held_out"))

    def observe(drawn: Drawn) -> dict[str, np.ndarray]:
        tokens = np.asarray(drawn.samples)
        return {"tokens": tokens, "nll": -np.asarray(log_probs_fn(tokens)).mean(1)}

    def figures(seen: Mapping[str, np.ndarray]) -> dict[str, float]:
        return {"nll_oracle": seen["nll"].mean(), "distinct_2": distinct(seen["tokens"], 2)}

    def uniform(players, keys, rows) -> np.ndarray:
        """A reference that knows nothing."""
        random = np.random.default_rng(int(np.asarray(rows["id"]).sum()))
        return random.integers(vocabulary, size=np.shape(rows["real"])).astype(np.int32)

    return Evaluator(
        measure_fn=of_rows(figures, observe, counts=("distinct_2",)),
        figures={
            "nll_oracle": Figure("nats a token under the oracle", "less"),
            "distinct_2": Figure("distinct pairs of tokens", "more"),
        },
        protocol={"description": f"{num:,} sequences a row", "data": data.fingerprints()},
        num=num,
        references={"real": real, "uniform": uniform},
        settings={f"temperature {t:g}": {"temperature": t} for t in temperatures},
    )


def model_likelihood(
    data: Data, *, log_probs_fn: LogProbsFn | None = None, vocabulary: int
) -> Evaluator:
    """``nll_model``: nats a token of held-out sequences under the model.

    The reference ``oracle`` is their entropy rate, which no model is below but by chance.

    Args:
        data: whose ``real`` are tokens ``[T]``.
        log_probs_fn: of the oracle, if it is known.
        vocabulary: how many tokens there are.
    """

    def under_the_model(players, latents, rows) -> np.ndarray:
        return players.generator_fn(rows["real"], method="log_probs")

    def under_the_oracle(players, keys, rows) -> np.ndarray:
        return np.asarray(log_probs_fn(rows["real"]))

    def uniform(players, keys, rows) -> np.ndarray:
        return np.full(np.shape(rows["real"]), -np.log(vocabulary))

    known = {} if log_probs_fn is None else {"oracle": under_the_oracle}
    return Evaluator(
        measure_fn=by_row(lambda drawn: {"nll_model": -np.asarray(drawn.samples).mean(1)}),
        figures={"nll_model": Figure("nats a token of held-out text", "less")},
        protocol={
            "description": f"{data.size('held_out'):,} held-out sequences",
            "data": data.fingerprints(),
        },
        num=None,
        references=known | {"uniform": uniform},
        draw_fn=under_the_model,
    )


def distinct(tokens: np.ndarray, size: int) -> float:
    """The share of runs of ``size`` tokens that are distinct, among all of ``[n, T]``.

    References:
        Li et al. 2016, arXiv 1510.03055, section 5.1.
    """
    windows = np.lib.stride_tricks.sliding_window_view(tokens, size, axis=1).reshape(-1, size)
    return len(np.unique(windows, axis=0)) / len(windows)
