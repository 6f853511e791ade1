"""Every reported standard error against the scatter of the figure over repeated draws of the samples."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from gan_jax.metrics.autocorrelation import autocorrelation, autocorrelation_estimate
from gan_jax.metrics.classes import (
    class_shares,
    confident_share,
    confident_share_estimate,
    rarest_share,
)
from gan_jax.metrics.diversity import mean_pairwise_distance, mean_pairwise_estimate
from gan_jax.metrics.errors import deviation_of, distance_from, mean_of, share
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.frechet import frechet_distance, frechet_estimate, frechet_infinity
from gan_jax.metrics.frechet_expansion import expansion
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel_distance import kernel_distance
from gan_jax.metrics.memorisation import closer_share
from gan_jax.metrics.modes import (
    kl_to_uniform,
    kl_to_uniform_estimate,
    kl_to_weights_estimate,
    relative_width,
    relative_width_estimate,
)
from gan_jax.metrics.moments import Moments
from gan_jax.metrics.ms_ssim import ms_ssim_diversity
from gan_jax.metrics.neighbour_errors import prdc_estimates
from gan_jax.metrics.neighbours import prdc
from gan_jax.metrics.resampling import bootstrap, jackknife
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein
from gan_jax.metrics.wasserstein import wasserstein_1, wasserstein_1_estimate

Random = np.random.Generator


class Case(NamedTuple):
    """An estimator in a situation.

    Attributes:
        name: of both.
        draw_fn: a source of numbers -> N new samples.
        estimate_fn: samples -> what is looked at, one or more estimates.
        draws: how many sets of samples.
        band: least and greatest ratio of the mean reported error to the scatter.
        reference_fn: a source of numbers -> what is held; given to ``estimate_fn`` as second argument.
    """

    name: str
    draw_fn: Callable[[Random], np.ndarray]
    estimate_fn: Callable[..., Estimate]
    draws: int = 100
    band: tuple[float, float] = (0.8, 1.25)
    reference_fn: Callable[[Random], np.ndarray] | None = None


def ratio(case: Case, seed: int = 0) -> float:
    """The mean reported error over the scatter of the values."""
    random = np.random.default_rng(seed)
    held = () if case.reference_fn is None else (case.reference_fn(random),)
    found = [case.estimate_fn(case.draw_fn(random), *held) for _ in range(case.draws)]
    values, errors = np.array([tuple(estimate) for estimate in found], float).T
    return errors.mean() / values.std(ddof=1)


def gauss(num, dims, *, scale=1.0, shift=0.0):
    """Deviations from 2 to 0.2, so that some directions matter more."""
    widths = np.geomspace(2.0, 0.2, dims) if dims > 1 else 1.0
    return lambda random: scale * random.normal(size=(num, dims)) * widths + shift


def relu(num, dims, *, scale=1.0):
    """As features of a network: many zeros, not normal."""
    mixing = np.linalg.qr(np.random.default_rng(7).normal(size=(dims, dims)))[0]
    draw = gauss(num, dims)
    return lambda random: scale * np.maximum(draw(random) @ mixing, 0.0)


def heavy(num, dims, freedom=5):
    widths = np.geomspace(2.0, 0.2, dims) if dims > 1 else 1.0
    return lambda random: random.standard_t(freedom, size=(num, dims)) * widths


def on_pairs(name, estimate_fn, *, sizes=(500, 2000), dims=8, draws=100, hard=True, large=10):
    """Another distribution, nearly the reference's, exactly its own; features of a network, heavy tails."""
    num, num_reference = sizes
    situations = {
        "far": (gauss(num, dims, scale=1.5, shift=0.5), gauss(num_reference, dims)),
        "near": (gauss(num, dims, scale=1.05, shift=0.05), gauss(num_reference, dims)),
        "equal": (gauss(num, dims), gauss(num, dims)),
        "equal, large reference": (gauss(num, dims), gauss(large * num, dims)),
        "features": (relu(num, dims, scale=1.1), relu(num_reference, dims)),
    }
    if hard:
        situations["heavy tails"] = (heavy(num, dims), gauss(num_reference, dims))
    return [
        Case(f"{name}, {situation}", draw, estimate_fn, draws, reference_fn=reference)
        for situation, (draw, reference) in situations.items()
    ]


def of_prdc(field):
    return lambda x, y: getattr(prdc_estimates(x, y, k=5), field)


def walks(num, steps, memory):
    def draw(random):
        noise = random.normal(size=(num, steps))
        for step in range(1, steps):
            noise[:, step] += memory * noise[:, step - 1]
        return noise

    return draw


def probabilities(num, chances, confident=0.8):
    """Some sure of one class, the rest of none."""

    def draw(random):
        classes = len(chances)
        sure = 0.97 * np.eye(classes)[random.choice(classes, num, p=chances)] + 0.03 / classes
        return np.where(random.random((num, 1)) < confident, sure, 1.0 / classes)

    return draw


def logits(num, classes, certainty):
    return lambda random: certainty * random.normal(size=(num, classes))


def images(num, alike):
    """``alike`` is the share of all images that is one and the same image."""
    common = np.random.default_rng(3).uniform(-1, 1, size=(1, 16, 16, 1))

    def draw(random):
        weights = alike * random.uniform(0.5, 1.5, size=(num, 1, 1, 1))
        return weights * common + (1 - alike) * random.uniform(-1, 1, size=(num, 16, 16, 1))

    return draw


def copies(num, of_copies, far=0.0):
    """Samples of which a share are copies of training examples."""

    def draw(random):
        fresh = random.normal(size=(num, 4)) + far
        taken = TRAINING[random.integers(len(TRAINING), size=num)]
        return np.where(random.random((num, 1)) < of_copies, taken, fresh)

    return draw


def closer(samples):
    return closer_share(samples, HELD_OUT, TRAINING)


TRAINING, HELD_OUT = np.random.default_rng(11).normal(size=(2, 400, 4))
EVEN, UNEVEN = np.full(10, 0.1), np.append(np.full(9, 0.11), 0.01)


def kernel(x, y):
    return kernel_distance(x, y, subset_size=150, num_subsets=50)


def classes_of(num, chances):
    return lambda random: random.choice(len(chances), num, p=chances)


def flags(num, chance):
    return lambda random: random.random(num) < chance


FRECHET_INFINITY = [
    Case(f"frechet_infinity, {name}", draw, frechet_infinity, 60, reference_fn=reference)
    for name, draw, reference in (
        ("far, 1,000", gauss(1000, 16, scale=1.5, shift=0.5), gauss(1000, 16)),
        ("near, 1,000", gauss(1000, 16, scale=1.1, shift=0.1), gauss(1000, 16)),
        ("near, 3,000", gauss(3000, 16, scale=1.1, shift=0.1), gauss(3000, 16)),
        ("equal, 1,000", gauss(1000, 16), gauss(10_000, 16)),
        ("features", relu(1000, 16, scale=1.1), relu(3000, 16)),
    )
]
CLOSER = [
    Case("closer_share, new", copies(300, 0.0), closer),
    Case("closer_share, a third are copies", copies(300, 0.33), closer),
    Case("closer_share, nearly all are copies", copies(300, 0.95), closer),
    Case("closer_share, far", copies(300, 0.0, far=1.5), closer),
]
MODES = [
    Case("kl_to_uniform, equal", classes_of(500, EVEN), lambda m: kl_to_uniform_estimate(m, 10)),
    Case("kl_to_uniform, far", classes_of(500, UNEVEN), lambda m: kl_to_uniform_estimate(m, 10)),
    Case(
        "kl_to_uniform, 1,000 modes",
        classes_of(5000, np.full(1000, 1e-3)),
        lambda m: kl_to_uniform_estimate(m, 1000),
    ),
    Case("kl_to_weights", classes_of(500, EVEN), lambda m: kl_to_weights_estimate(m, UNEVEN)),
    Case(
        "relative_width",
        lambda random: 0.9 * np.abs(random.normal(size=(300, 2))).max(1),
        lambda d: relative_width_estimate(d[d < 3.0], 2, 3.0),
    ),
]
SHARES = [
    Case("share, half", flags(200, 0.5), share, 200),
    Case("share, rare", flags(200, 0.01), share, 200),
    Case("share, very rare", flags(200, 0.004), share, 200),
    Case("share, few samples", flags(12, 0.3), share, 200),
    Case("confident_share", probabilities(300, EVEN), confident_share_estimate, 200),
    Case("rarest_share, even", probabilities(1000, EVEN), rarest_share, 200),
    Case("rarest_share, one is rare", probabilities(1000, UNEVEN), rarest_share, 200),
    Case("rarest_share, few samples", probabilities(200, EVEN), rarest_share, 200),
]
ROWS = [
    Case("mean_of, sequences", walks(200, 20, 0.8), mean_of, 200),
    Case("mean_of, heavy tails", heavy(200, 1, 3), mean_of, 200),
    Case("deviation_of, sequences", walks(200, 20, 0.8), deviation_of, 200),
    Case("deviation_of, few samples", gauss(20, 1), deviation_of, 200),
    Case("autocorrelation, 0.8", walks(200, 20, 0.8), autocorrelation_estimate, 200),
    Case("autocorrelation, 0", walks(200, 20, 0.0), autocorrelation_estimate, 200),
    Case("autocorrelation, few", walks(20, 20, 0.8), autocorrelation_estimate, 200),
    Case(
        "autocorrelation, from what is expected",
        walks(200, 20, 0.0),
        lambda x: distance_from(0.0, autocorrelation_estimate(x)),
        200,
    ),
    Case(
        "autocorrelation, from what is nearly expected",
        walks(200, 20, 0.0),
        lambda x: distance_from(0.02, autocorrelation_estimate(x)),
        200,
    ),
    Case("jackknife, of a deviation", gauss(200, 1), lambda x: jackknife(x, np.std)),
    Case("bootstrap, of a median", gauss(201, 1), lambda x: bootstrap(x, np.median)),
]
SCALARS = [
    Case("wasserstein_1, far", gauss(500, 1, shift=0.5), wasserstein_1_estimate, 200),
    Case("wasserstein_1, near", gauss(500, 1, shift=0.1), wasserstein_1_estimate, 200),
    Case("wasserstein_1, equal", gauss(500, 1), wasserstein_1_estimate, 200),
    Case("wasserstein_1, sequences", walks(100, 10, 0.9), wasserstein_1_estimate, 200),
    Case("wasserstein_1, heavy tails", heavy(500, 1, 3), wasserstein_1_estimate, 200),
    Case("wasserstein_1, few", gauss(30, 1, shift=0.5), wasserstein_1_estimate, 200),
]
SCALARS = [case._replace(reference_fn=gauss(3000, 1)) for case in SCALARS]
PAIRS_OF_SAMPLES = [
    Case("mean_pairwise_distance", gauss(100, 8), mean_pairwise_estimate),
    Case("mean_pairwise_distance, heavy tails", heavy(100, 8, 3), mean_pairwise_estimate),
    Case(
        "mean_pairwise_distance, a circle",  # all means over pairs are equal: second order only
        lambda random: np.exp(2j * np.pi * random.random((100, 1))).view(float),
        mean_pairwise_estimate,
        200,
    ),
]
IMAGES = [
    Case(
        f"ms_ssim_diversity, {num} images, {alike}",
        images(num, alike),
        lambda x: ms_ssim_diversity(x.astype(np.float32), num_pairs=250),
        60,
    )
    for num, alike in ((250, 0.5), (40, 0.5), (1000, 0.3), (100, 0.0))
]
SCORES = [
    Case(f"inception_score, certainty {c}", logits(1000, 10, c), inception_score, 100)
    for c in (0.3, 2.0, 10.0)
]
NEIGHBOURS = [
    case
    for field in ("precision", "recall", "density", "coverage")
    for case in on_pairs(field, of_prdc(field), sizes=(300, 300), dims=16, hard=False, large=3)
]
TABLE = [
    *on_pairs("frechet", frechet_estimate, dims=16),
    *on_pairs("frechet, 64 features", frechet_estimate, sizes=(900, 900), dims=64, draws=60),
    *FRECHET_INFINITY,
    *on_pairs("kernel_distance", kernel, sizes=(600, 2000), dims=32, draws=60, hard=False),
    *on_pairs("sliced_wasserstein", lambda x, y: sliced_wasserstein(x, y, num_directions=64)),
    *NEIGHBOURS,
    *SCALARS,
    *CLOSER,
    *MODES,
    *SHARES,
    *ROWS,
    *PAIRS_OF_SAMPLES,
    *IMAGES,
    *SCORES,
]
# a second or two in all
CHEAP = (
    *("frechet, near", "frechet, equal, large reference", "frechet_infinity, near, 1,000"),
    *("wasserstein_1, near", "wasserstein_1, equal", "closer_share, a third are copies"),
    *("kl_to_uniform, equal", "kl_to_weights", "relative_width", "share, rare"),
    *("rarest_share, even", "deviation_of, sequences", "autocorrelation, 0.8"),
    *("autocorrelation, from what is expected", "mean_pairwise_distance, a circle"),
)


def check(case):
    least, greatest = case.band
    found = ratio(case)
    assert least < found < greatest, f"{case.name}: error / scatter = {found:.2f}"


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
    """``z^2 + d^2`` with a mean z of variance ``s^2 / N`` and a deviation d of ``s^2 / 2 N``: 2.5 s^4 / N^2."""
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
