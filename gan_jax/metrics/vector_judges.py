"""Judges of scalars and of sequences, against held-out real ones."""

from collections.abc import Callable

import numpy as np

from gan_jax.data import ArraySource
from gan_jax.markov import fit_transition, transition_nll
from gan_jax.metrics.autocorrelation import autocorrelation
from gan_jax.metrics.judgement import Figures, Judge
from gan_jax.metrics.wasserstein import wasserstein_1


def scalars(source: ArraySource, held_out: np.ndarray) -> Judge:
    """Wasserstein-1 of scalars to held-out real ones.

    Args:
        source: with ``real`` ``[N, 1]``: a row of the table, the floor.
        held_out: ``[M, 1]`` from the same distribution; as many are drawn for each row, at most N.
    """
    num = min(len(held_out), len(source))
    held_out = held_out[:num]

    def figures_fn(samples: np.ndarray) -> Figures:
        return {
            "Wasserstein-1": round(wasserstein_1(samples, held_out), 5),
            "mean": round(float(np.mean(samples)), 4),
            "std": round(float(np.std(samples)), 4),
        }

    noise = np.random.default_rng(0).uniform(held_out.min(), held_out.max(), held_out.shape)
    return _judge(
        figures_fn,
        real=source[:num]["real"],
        noise=noise,
        metric="Wasserstein-1",
        protocol=f"{num} scalars a row against {num} held-out real ones; noise is uniform between "
        "the least and the greatest",
    )


def sequences(source: ArraySource, held_out: np.ndarray) -> Judge:
    """The error of the lag-1 autocorrelation, and other moments, against held-out real sequences.

    Args:
        source: with ``real`` ``[N, T]``; the Gaussian transition is fitted to them.
        held_out: ``[M, T]`` from the same distribution; as many are drawn for each row, at most N.
    """
    num = min(len(held_out), len(source))
    held_out = held_out[:num]
    transition = fit_transition(source.arrays["real"])
    expected = [autocorrelation(held_out, lag=lag) for lag in (1, 2)]

    def figures_fn(samples: np.ndarray) -> Figures:
        found = [autocorrelation(samples, lag=lag) for lag in (1, 2)]
        return {
            "lag-1 error": round(abs(found[0] - expected[0]), 5),
            "lag-2 error": round(abs(found[1] - expected[1]), 5),
            "lag-1": round(found[0], 4),
            "std": round(float(np.std(samples)), 4),
            "transition NLL": round(float(transition_nll(transition, samples).mean()), 4),
        }

    noise = np.random.default_rng(0).normal(held_out.mean(), held_out.std(), held_out.shape)
    return _judge(
        figures_fn,
        real=source[:num]["real"],
        noise=noise,
        metric="lag-1 error",
        protocol=f"{num} sequences of {held_out.shape[1]} a row, compared with {num} held-out real "
        "ones; noise is Gaussian, without memory",
    )


def _judge(
    figures_fn: Callable[[np.ndarray], Figures],
    *,
    real: np.ndarray,
    noise: np.ndarray,
    metric: str,
    protocol: str,
) -> Judge:
    return Judge(
        protocol=protocol,
        num_samples=len(real),
        figures_fn=figures_fn,
        references={
            "real": figures_fn(real),
            "noise": figures_fn(noise.astype(np.float32)),
        },
        metric=metric,
    )
