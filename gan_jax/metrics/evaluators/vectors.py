"""Evaluators of scalars and of sequences."""

import jax
import numpy as np

from gan_jax.data import Data
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import real, uniform_noise
from gan_jax.markov import fit_transition, transition_nll
from gan_jax.metrics.autocorrelation import autocorrelation, autocorrelation_estimate
from gan_jax.metrics.errors import deviation_of, distance_from, mean_of
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.images import rows_of_each_part
from gan_jax.metrics.wasserstein import wasserstein_1_estimate


def scalars(data: Data, *, num_samples: int = 50_000) -> Evaluator:
    """Wasserstein-1 of scalars to real ones.

    Args:
        data: whose ``real`` are ``[1]``.
        num_samples: of a row; at most what there are of real ones.
    """
    num = rows_of_each_part(data, num_samples)
    reference = _real(data, num)

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        samples = _samples(sampler)
        return {
            "wasserstein_1": wasserstein_1_estimate(samples, reference),
            "mean": mean_of(samples),
            "std": deviation_of(samples),
        }

    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "wasserstein_1": Figure("Wasserstein-1", "less", digits=5),
            "mean": Figure("mean", digits=4),
            "std": Figure("standard deviation", digits=4),
        },
        protocol={
            "description": f"{num:,} scalars a row against {num:,} of the training data; noise is "
            "uniform between the least and the greatest",
            "data": data.fingerprints(),
        },
        num=num,
        references={
            "real": real,
            "noise": uniform_noise(float(reference.min()), float(reference.max())),
        },
    )


def sequences(data: Data, *, num_samples: int = 50_000) -> Evaluator:
    """The error of the lag-1 autocorrelation, and other moments, against real sequences.

    Args:
        data: whose ``real`` are ``[T]``; the Gaussian transition is fitted to the training rows.
        num_samples: of a row; at most what there are of real ones.
    """
    num = rows_of_each_part(data, num_samples)
    reference = _real(data, num)
    transition = fit_transition(reference)
    expected = [autocorrelation(reference, lag=lag) for lag in (1, 2)]
    mean, std = float(reference.mean()), float(reference.std())

    def measure_fn(sampler: Sampler) -> dict[str, Estimate]:
        samples = _samples(sampler)
        found = [autocorrelation_estimate(samples, lag=lag) for lag in (1, 2)]
        nll = np.asarray(transition_nll(transition, samples))
        return {
            "lag_1_error": distance_from(expected[0], found[0]),
            "lag_2_error": distance_from(expected[1], found[1]),
            "lag_1": found[0],
            "std": deviation_of(samples),
            "transition_nll": mean_of(nll),
        }

    return Evaluator(
        measure_fn=measure_fn,
        figures={
            "lag_1_error": Figure("lag-1 error", "less", digits=5),
            "lag_2_error": Figure("lag-2 error", "less", digits=5),
            "lag_1": Figure("lag-1 autocorrelation", digits=4),
            "std": Figure("standard deviation", digits=4),
            "transition_nll": Figure("transition NLL", digits=4),
        },
        protocol={
            "description": f"{num:,} sequences of {reference.shape[1]} a row, compared with {num:,} of "
            "the training data; noise is Gaussian, without memory",
            "data": data.fingerprints(),
        },
        num=num,
        references={"real": real, "noise": _gaussian(mean, std)},
    )


def _gaussian(mean: float, std: float):
    def draw_fn(players, keys, rows):
        shape = np.shape(rows["real"])[1:]
        return mean + std * jax.vmap(lambda key: jax.random.normal(key, shape))(keys)

    return draw_fn


def _real(data: Data, num: int) -> np.ndarray:
    return np.concatenate([rows["real"] for rows in data.rows("training", num)])


def _samples(sampler: Sampler) -> np.ndarray:
    return np.concatenate([drawn.samples for drawn in sampler()])
