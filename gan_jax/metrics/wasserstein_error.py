"""The mean Wasserstein-1 distance over projections, and its error when samples are redrawn."""

import numpy as np

from gan_jax.metrics.estimate import Estimate

GROUPS = 40
RESAMPLES = 60
POINTS, TAIL = 128, 24  # of a distribution function: evenly spaced ranks, and each of the outermost


def mean_wasserstein_1(samples: np.ndarray, reference: np.ndarray) -> Estimate:
    """The mean over columns of Wasserstein-1 between two sets of scalars, with its error.

    For one column of L, with F and G the distribution functions: ``D = int |F - G| dt``. Its
    first-order error is the deviation, over samples, of the potential ``-int^x sign(F - G) dt``. It
    is too large where F is close to G, up to 1.5 times, as the signs there are noise (and so is the
    bootstrap's, for the same reason). By how much is seen in a world where the truth is known:
    there the difference is ``c = sign(F - G) sqrt(max((F - G)^2 - F (1 - F) / 2 N, 0))``, and
    groups of samples, chosen with replacement, move it to c*. The error is multiplied by the ratio
    of the scatter of ``int |c*| dt`` to the first-order error of the choices. (Half of the variance
    is taken off the difference: with none the errors near equality were 0.89 to 1.23 of the
    scatter, with half 0.85 to 1.15, with all 0.81 to 1.10.)

    Args:
        samples: ``[N, L]`` or ``[N, T, L]``; the values of one row may depend on each other.
        reference: ``[M, L]``.

    Returns:
        The mean, and its error when samples are drawn again and the reference is held; None for one
        row.

    References:
        Vallender 1974, Theory of Probability and its Applications 18(4), 784-786 (the distance);
        Beran 1987, doi 10.1093/biomet/74.3.457 (a bootstrap that corrects another error).
    """
    samples = samples.reshape(len(samples), -1, samples.shape[-1])
    num, values, columns = samples.shape
    random = np.random.default_rng(0)
    groups = min(GROUPS, num)
    group = random.permutation(num) % groups
    chosen = random.multinomial(groups, np.full(groups, 1.0 / groups), size=RESAMPLES) / groups
    away = (chosen - 1.0 / groups) * np.sqrt(groups / max(groups - 1, 1))
    distance, potentials = 0.0, np.zeros(num)
    resampled, their_potentials = np.zeros(RESAMPLES), np.zeros((RESAMPLES, groups))
    for column in range(columns):
        x, y = samples[..., column], reference[:, column]
        ranks, gaps, difference, below = _compared(x.ravel(), y)
        distance += np.abs(difference) @ gaps
        potential = np.concatenate([[0.0], -np.cumsum(np.sign(difference) * gaps)])[ranks]
        potentials += potential.reshape(num, values).mean(1)
        cuts, widths, coarse = _coarse(gaps, difference)
        noise = below[cuts] * (1.0 - below[cuts]) / num
        center = np.sign(coarse) * np.sqrt(np.maximum(coarse**2 - noise / 2.0, 0.0))
        of_groups = _group_functions(ranks, np.repeat(group, values), cuts, groups)
        other = center + away @ of_groups  # [R, cuts]: c*
        resampled += np.abs(other) @ widths
        their_potentials += np.sign(other) @ (widths[:, None] * of_groups.T)
    error = _calibrated(potentials, resampled, their_potentials) / columns if num > 1 else None
    return Estimate(float(distance / columns), error)


def _compared(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Ranks of x among both; gaps between neighbours; ``F - G`` and F on each gap."""
    points = np.concatenate([x, y])
    order = np.argsort(points, kind="stable")
    ranks = np.empty(len(points), int)
    ranks[order] = np.arange(len(points))
    ours = order < len(x)
    below = np.cumsum(ours)[:-1] / len(x)
    difference = below - np.cumsum(~ours)[:-1] / len(y)
    return ranks[: len(x)], np.diff(points[order]), difference, below


def _coarse(gaps: np.ndarray, difference: np.ndarray) -> tuple[np.ndarray, ...]:
    """Ranks at which few wide gaps begin, their widths, and the mean difference on each."""
    last = len(gaps) - 1
    outermost = np.arange(min(TAIL, len(gaps)))
    even = np.linspace(0, last, POINTS).astype(int)
    cuts = np.unique(np.concatenate([outermost, last - outermost, even]))
    widths = np.add.reduceat(gaps, cuts)
    total = np.add.reduceat(difference * gaps, cuts)
    return cuts, widths, np.divide(total, widths, out=np.zeros_like(total), where=widths > 0)


def _group_functions(
    ranks: np.ndarray, group: np.ndarray, cuts: np.ndarray, groups: int
) -> np.ndarray:
    """``[groups, cuts]``: the groups' distribution functions at the cuts, less that of all."""
    bins = len(cuts) + 1
    counts = np.bincount(group * bins + np.searchsorted(cuts, ranks), minlength=groups * bins)
    below = np.cumsum(counts.reshape(groups, bins), axis=1)
    shares = below[:, :-1] / below[:, -1:]
    return shares - below[:, :-1].sum(0) / len(ranks)


def _calibrated(
    potentials: np.ndarray, resampled: np.ndarray, their_potentials: np.ndarray
) -> float:
    """The first-order error, times the scatter of resampled sums over their first-order error."""
    theirs = (their_potentials.var(1, ddof=1) / their_potentials.shape[1]).mean()
    if theirs == 0.0:  # all samples are one
        return 0.0
    first = potentials.var(ddof=1) / len(potentials)
    return float(np.sqrt(first * resampled.var(ddof=1) / theirs))
