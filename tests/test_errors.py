"""Every reported standard error against the scatter over repeated draws of the samples."""

import numpy as np
import pytest
from error_cases import EVEN, HELD_OUT, TABLE, TRAINING, UNEVEN, Case, classes_of, probabilities
from threadpoolctl import threadpool_limits

from gan_jax.metrics.autocorrelation import autocorrelation, autocorrelation_estimate
from gan_jax.metrics.classes import (
    class_shares,
    confident_share,
    confident_share_estimate,
    rarest_share,
)
from gan_jax.metrics.data_copying import closer_share
from gan_jax.metrics.diversity import mean_pairwise_distance, mean_pairwise_estimate
from gan_jax.metrics.errors import deviation_of, distance_from, mean_of, share
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.frechet import frechet_distance, frechet_estimate
from gan_jax.metrics.frechet_expansion import expansion
from gan_jax.metrics.kernel_distance import kernel_distance
from gan_jax.metrics.modes import (
    kl_to_uniform,
    kl_to_uniform_estimate,
    relative_width,
    relative_width_estimate,
)
from gan_jax.metrics.moments import Moments
from gan_jax.metrics.neighbor_errors import prdc_estimates
from gan_jax.metrics.neighbors import prdc
from gan_jax.metrics.resampling import bootstrap, jackknife
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein
from gan_jax.metrics.wasserstein import wasserstein_1, wasserstein_1_estimate

BAND = 0.8, 1.25  # of the mean reported error over the scatter


def ratio(case: Case, seed: int = 0) -> float:
    """The mean reported error over the scatter of the values."""
    random = np.random.default_rng(seed)
    held = () if case.reference_fn is None else (case.reference_fn(random),)
    with threadpool_limits(1):  # small matrices: beside other workers, threads that wait cost most
        found = [case.estimate_fn(case.draw_fn(random), *held) for _ in range(case.draws)]
    values, errors = np.array([tuple(estimate) for estimate in found], float).T
    return errors.mean() / values.std(ddof=1)


# a second or two in all
CHEAP = (
    *("frechet, near", "frechet, equal, large reference", "frechet_infinity, near, 1,000"),
    *("wasserstein_1, near", "wasserstein_1, equal", "closer_share, a third are copies"),
    *("kl_to_uniform, equal", "kl_to_weights", "relative_width", "share, rare"),
    *("rarest_share, even", "deviation_of, sequences", "autocorrelation, 0.8"),
    *("autocorrelation, from what is expected", "mean_pairwise_distance, a circle"),
)


def check(case):
    found = ratio(case)
    assert BAND[0] < found < BAND[1], f"{case.name}: error / scatter = {found:.2f}"


@pytest.mark.parametrize("name", CHEAP)
def test_errors_that_are_cheap_to_check(name):
    (case,) = [case for case in TABLE if case.name == name]
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_every_error_is_the_scatter_of_repeated_draws(case):
    check(case)


# closed forms


def normal(num, dims, seed=0):
    return np.random.default_rng(seed).normal(size=(num, dims))


def test_the_error_of_a_frechet_distance_of_scalars_in_closed_form():
    """``(m - m_r)^2 + (s - s_r)^2`` with the mean and the deviation of N normal samples."""
    num, m, s = 20_000, 0.4, 1.5
    x, y = (rows - rows.mean() for rows in (normal(num, 1), normal(num, 1, 1)))
    x, y = m + s * x / x.std(), y / y.std()
    expected = np.sqrt((2 * m) ** 2 * s**2 / num + (2 * (s - 1)) ** 2 * s**2 / (2 * num))
    assert frechet_estimate(x, y).standard_error == pytest.approx(expected, rel=0.02)


def test_the_second_order_of_a_frechet_distance_of_equal_scalars_in_closed_form():
    """Of ``z^2 + d^2``, of a mean z of variance ``s^2 / N`` and a deviation d of ``s^2 / 2 N``."""
    x, s = 2.0 * normal(20_000, 1), 2.0
    found = expansion(x, Moments(100, np.zeros(1), 99 * np.full((1, 1), s**2)), np.full((1, 1), s))
    assert 2.0 * found.second == pytest.approx(2.5 * s**4, rel=0.2)
    assert found.first < 1e-3 * s**4  # no first order: the derivative is 0 at equality


def test_shares_means_and_distances_by_hand():
    assert share(np.array([True, False, False, True])).value == 0.5
    assert share(np.zeros(100)).standard_error == pytest.approx(0.005, rel=0.01)  # half a sample
    assert share(np.ones(100)) == (1.0, pytest.approx(share(np.zeros(100)).standard_error))
    assert share(np.arange(1000) < 300).standard_error == pytest.approx(
        np.sqrt(0.21 / 1000), rel=1e-2
    )
    rows = np.array([[1.0, 3.0], [4.0, 4.0], [0.0, 0.0]])
    assert mean_of(rows) == (2.0, pytest.approx(2.0 / np.sqrt(3)))
    wide = 3.0 * normal(10_000, 1)
    assert deviation_of(wide).standard_error == pytest.approx(3 / np.sqrt(2 * 10_000), rel=0.05)
    at, far = (distance_from(1.0, Estimate(value, 0.1)) for value in (1.0, 5.0))
    assert at == (0.0, pytest.approx(0.1 * np.sqrt(1 - 2 / np.pi)))
    assert far == (4.0, pytest.approx(0.1))
    assert distance_from(1.0, Estimate(3.0)) == Estimate(2.0, None)


def test_leaving_out_single_rows_is_the_error_of_a_mean():
    rows = {"a": normal(30, 2), "b": normal(30, 1, 1)}

    def mean(rows):
        return rows["a"].mean() + rows["b"].mean()

    of_rows = mean_of(rows["a"].mean(1) + rows["b"][:, 0])
    assert jackknife(rows, mean, groups=30) == pytest.approx(of_rows)
    assert bootstrap(rows, mean, resamples=400) == pytest.approx(of_rows, rel=0.15)


def test_values_are_those_of_the_plain_functions():
    x, y = normal(60, 4) * 1.3 + 0.2, normal(50, 4, 1)
    assert frechet_estimate(x, y).value == pytest.approx(frechet_distance(x, y), rel=1e-9)
    assert wasserstein_1_estimate(x, y).value == pytest.approx(wasserstein_1(x, y))
    assert mean_pairwise_estimate(x).value == pytest.approx(mean_pairwise_distance(x))
    assert autocorrelation_estimate(x, lag=2).value == autocorrelation(x, lag=2)
    plain, estimates = prdc(x, y, k=3)._asdict(), prdc_estimates(x, y, k=3)._asdict()
    assert {name: found.value for name, found in estimates.items()} == pytest.approx(plain)
    modes = classes_of(40, EVEN)(np.random.default_rng(0))
    assert kl_to_uniform_estimate(modes, 10).value == kl_to_uniform(modes, 10)
    distances = np.abs(x[:, 0])
    assert relative_width_estimate(distances, 2, 3.0).value == relative_width(distances, 2, 3.0)
    sure = probabilities(50, UNEVEN)(np.random.default_rng(0))
    assert confident_share_estimate(sure).value == confident_share(sure)
    assert rarest_share(sure).value == class_shares(sure).min()


ON_PAIRS = {
    "frechet": frechet_estimate,
    "kernel": lambda x, y: kernel_distance(x, y, subset_size=20, num_subsets=3),
    "sliced": lambda x, y: sliced_wasserstein(x, y, num_directions=8),
    "wasserstein_1": wasserstein_1_estimate,
}


@pytest.mark.parametrize("name", ON_PAIRS)
def test_samples_that_are_all_one_have_no_scatter(name):
    one = normal(1, 6).repeat(40, axis=0)
    estimate = ON_PAIRS[name](one, normal(50, 6, 1))
    assert estimate.value > 0 and estimate.standard_error == pytest.approx(0.0, abs=1e-6)


def test_fewer_samples_than_features_have_an_error():
    estimate = frechet_estimate(normal(20, 50), normal(200, 50, 1))
    assert np.isfinite(estimate).all() and estimate.standard_error > 0


def test_one_sample_has_no_error():
    one = normal(1, 5)
    assert mean_of(one).standard_error is None and deviation_of(one).standard_error is None
    assert wasserstein_1_estimate(one, normal(9, 5)).standard_error is None
    assert sliced_wasserstein(one, normal(9, 5)).standard_error is None
    assert autocorrelation_estimate(one).standard_error is None
    assert closer_share(one[:, :4], HELD_OUT, TRAINING).standard_error is None


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: share(np.zeros((3, 2))), "flags must be"),
        (lambda: mean_of([]), "N >= 1"),
        (lambda: deviation_of([np.inf]), "NaN or infinity"),
        (lambda: wasserstein_1_estimate([], [1.0]), "samples is empty"),
        (lambda: jackknife(np.zeros(5), np.mean, groups=6), "between 2 and the 5 rows"),
        (lambda: bootstrap(np.zeros(1), np.mean), "at least 2 rows"),
        (lambda: bootstrap({"a": np.zeros(3), "b": np.zeros(2)}, np.mean), "of one length"),
        (lambda: prdc_estimates(normal(9, 2), normal(9, 2), k=0), "at least 1"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
