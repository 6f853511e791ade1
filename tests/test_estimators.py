"""Estimators against closed forms, invariances, and independent implementations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.special import gamma

from gan_jax.metrics.data_copying import closer_share
from gan_jax.metrics.frechet import frechet_distance, frechet_infinity
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel_distance import kernel_distance, squared_mmd
from gan_jax.metrics.moments import combined, moments, streaming_moments
from gan_jax.metrics.ms_ssim import ms_ssim, ms_ssim_diversity, num_scales
from gan_jax.metrics.neighbors import kth_distances, nearest, prdc
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein

seeds = st.integers(0, 2**31)


def normal(num, dims, seed=0):
    return np.random.default_rng(seed).normal(size=(num, dims))


def rotation(dims, seed=0):
    return np.linalg.qr(normal(dims, dims, seed))[0]


def blobs(seed=0, num=120, dims=6):
    """Two sets that differ in place, spread and shape."""
    x, y = normal(num, dims, seed), normal(num + 30, dims, seed + 1)
    return x @ np.diag(np.linspace(0.5, 2.0, dims)) + 0.3, y


ON_PAIRS = {
    "frechet": frechet_distance,
    "squared_mmd": squared_mmd,
    "sliced": lambda x, y: sliced_wasserstein(x, y).value,
    "precision": lambda x, y: prdc(x, y).precision,
    "recall": lambda x, y: prdc(x, y).recall,
    "density": lambda x, y: prdc(x, y).density,
    "coverage": lambda x, y: prdc(x, y).coverage,
}


# a program for each direction that is drawn: seconds
SLICED = pytest.param("sliced", marks=pytest.mark.thorough)


@pytest.mark.parametrize("name", [SLICED if name == "sliced" else name for name in ON_PAIRS])
@given(seed=seeds)
def test_the_order_of_the_rows_does_not_matter(name, seed):
    x, y = blobs()
    random = np.random.default_rng(seed)
    value, estimate = ON_PAIRS[name](x, y), ON_PAIRS[name]
    assert estimate(random.permutation(x), random.permutation(y)) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in ON_PAIRS if name != "sliced"])
@given(seed=seeds)
def test_rotations_of_both_sets_do_not_matter(name, seed):
    (x, y), turn = blobs(seed % 100), rotation(6, seed)
    assert ON_PAIRS[name](x @ turn, y @ turn) == pytest.approx(ON_PAIRS[name](x, y), rel=1e-6)


@pytest.mark.parametrize("name", ["frechet", SLICED, "precision", "recall", "density", "coverage"])
@given(seed=seeds)
def test_shifts_of_both_sets_do_not_matter(name, seed):
    (x, y), shift = blobs(seed % 100), 5 * normal(1, 6, seed)
    assert ON_PAIRS[name](x + shift, y + shift) == pytest.approx(ON_PAIRS[name](x, y), rel=1e-6)


@pytest.mark.parametrize("name", ON_PAIRS)
@pytest.mark.parametrize(
    "x, y, message",
    [
        (normal(1, 3), normal(20, 3), "must be"),
        (normal(20, 3), normal(20, 2), "as many columns"),
        (np.full((20, 3), np.nan), normal(20, 3), "NaN or infinity"),
        (normal(20, 3)[:, 0], normal(20, 3), "must be"),
    ],
)
def test_sets_that_do_not_fit_are_refused(name, x, y, message):
    if name == "sliced" and len(x) == 1:
        pytest.skip("one row has its distance")
    with pytest.raises(ValueError, match=message):
        ON_PAIRS[name](x, y)


# moments


@given(seed=seeds, cuts=st.lists(st.integers(1, 199), min_size=1, max_size=5, unique=True))
def test_moments_of_parts_are_those_of_the_whole(seed, cuts):
    features = 1e3 + normal(200, 4, seed)  # a large offset, which sums of squares would not survive
    whole = moments(features)
    parts = streaming_moments(iter(np.split(features, sorted(cuts))))
    assert parts.num == whole.num == 200
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(parts.covariance, np.cov(features, rowvar=False), rtol=1e-9)


def test_moments_of_single_rows_and_of_none():
    rows = normal(3, 2)
    one_by_one = combined(combined(moments(rows[:1]), moments(rows[1:2])), moments(rows[2:]))
    np.testing.assert_allclose(one_by_one.covariance, np.cov(rows, rowvar=False))
    with pytest.raises(ValueError, match="at least 2 rows, got 1"):
        _ = moments(rows[:1]).covariance
    with pytest.raises(ValueError, match="no batch of features"):
        streaming_moments([])


# Frechet


@pytest.mark.parametrize("num", [500, 20])  # more rows than features, and fewer
def test_frechet_is_the_textbook_formula(num):
    x, y = normal(num, 40) + 0.2, normal(num, 40, seed=1) @ np.diag(np.linspace(0.5, 2, 40))
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    offset = 1e-10 * np.eye(40)  # the textbook's root has none for a singular matrix
    root = sqrtm((cov_x + offset) @ (cov_y + offset)).real
    difference = x.mean(0) - y.mean(0)
    expected = difference @ difference + np.trace(cov_x + cov_y - 2 * root)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-4)


def test_frechet_infinity_takes_the_bias_away():
    """Sets of one distribution: the distance of N samples is about ``b / N``, that of infinitely many 0."""
    x, y = normal(4000, 30), normal(100_000, 30, seed=1)
    biased, estimate = frechet_distance(x, y), frechet_infinity(x, y)
    assert biased > 0.05 and abs(estimate.value) < 0.25 * biased
    assert 0 < estimate.standard_error < 0.25 * biased
    assert abs(estimate.value) < 4 * estimate.standard_error


@pytest.mark.parametrize("options", [dict(num_sizes=2), dict(smallest=1), dict(smallest=100)])
def test_a_line_needs_its_points(options):
    with pytest.raises(ValueError, match="a line needs at least 3 sizes between 2 and the 100"):
        frechet_infinity(normal(100, 3), normal(100, 3), **options)


# kernel distance


def test_squared_mmd_by_hand():
    """k(x, y) = (x y + 1)^3 of scalars: x = (0, 1), y = (1, -1)."""
    x, y = np.array([[0.0], [1.0]]), np.array([[1.0], [-1.0]])
    # k(x1, x2) = 1; k(y1, y2) = 0; k(x, y) = 1, 1, 8, 0
    assert squared_mmd(x, y) == pytest.approx(1.0 + 0.0 - 2 * 10 / 4)


def test_the_kernel_distance_of_one_distribution_is_0_within_its_error():
    estimates = [
        kernel_distance(normal(1000, 8, 2 * i), normal(1000, 8, 2 * i + 1), subset_size=100)
        for i in range(20)
    ]
    scores = [estimate.value / estimate.standard_error for estimate in estimates]
    # the error is that of samples redrawn, and here the references are new too
    assert 0.5 < np.std(scores) < 2.0 and abs(np.mean(scores)) < 0.5
    assert min(estimate.value for estimate in estimates) < 0  # unbiased: as often below


def test_the_kernel_distance_of_a_shift_in_closed_form():
    """One feature, N(0, 1) against N(m, 1): moments up to the third of the cubic kernel's expansion."""
    m = 0.5
    # (x y + 1)^3 = 1 + 3 x y + 3 x^2 y^2 + x^3 y^3, so the distance is a sum over squared differences
    moments_x, moments_y = (0.0, 1.0, 0.0), (m, 1 + m**2, m**3 + 3 * m)
    weights = (3, 3, 1)
    expected = sum(w * (b - a) ** 2 for w, a, b in zip(weights, moments_x, moments_y, strict=True))
    found = squared_mmd(normal(4000, 1), normal(4000, 1, 1) + m)
    assert found == pytest.approx(expected, rel=0.15)


def test_subsets_must_fit():
    with pytest.raises(ValueError, match="between 2 and the 50 rows of the smaller set"):
        kernel_distance(normal(100, 3), normal(50, 3), subset_size=51)
    assert kernel_distance(normal(60, 3), normal(60, 3), subset_size=60).standard_error > 0


# Inception score


def test_the_inception_score_of_certain_even_and_absent_answers():
    certain = 100.0 * np.eye(10)[np.arange(1000) % 10]
    assert inception_score(certain, num_splits=1).value == pytest.approx(10.0)
    assert inception_score(certain[:1].repeat(1000, 0)).value == pytest.approx(1.0)
    assert inception_score(np.zeros((1000, 10))).value == pytest.approx(1.0)
    assert inception_score(certain, num_splits=1).standard_error is None
    with pytest.raises(ValueError, match="needs at least 2 samples, got 15 in all"):
        inception_score(certain[:15])
    with pytest.raises(ValueError, match="finite numbers"):
        inception_score(certain + np.inf)


# neighbours


def test_prdc_by_hand():
    real = np.array([[0.0], [1.0], [3.0], [7.0]])
    fake = np.array([[0.5], [0.6], [20.0]])
    # k = 1: radii of the real ones 1, 1, 2, 4; of the fakes 0.1, 0.1, 19.4
    found = prdc(fake, real, k=1)
    # 0.5 and 0.6 lie in the balls of 0 and 1; |3 - 0.6| = 2.4 is outside 2, |7 - 20| outside 4
    assert found.precision == pytest.approx(2 / 3)
    assert found.density == pytest.approx(4 / 3)
    # all real ones lie within 19.4 of 20 but 0 and, at 19.0 and more, 1: 20 - 1 = 19 < 19.4
    assert found.recall == pytest.approx(3 / 4)
    assert found.coverage == pytest.approx(2 / 4)


def test_prdc_is_that_of_its_authors():
    package = pytest.importorskip("prdc", reason="the authors' package is not installed")
    x, y = blobs(num=300)
    expected = package.compute_prdc(real_features=y, fake_features=x, nearest_k=5)
    assert prdc(x, y)._asdict() == pytest.approx(expected)


@given(seed=seeds)
def test_more_copies_of_the_samples_never_lower_precision_nor_raise_coverage(seed):
    x, y = blobs(seed % 1000)
    once, twice = prdc(x, y), prdc(np.concatenate([x, x]), y)
    assert twice.precision == once.precision and twice.coverage == once.coverage
    assert twice.density == pytest.approx(once.density)
    half = prdc(np.concatenate([x[:60], x[:60]]), y)  # half the samples, twice each
    assert half.coverage <= once.coverage


def test_blocks_do_not_matter(monkeypatch):
    x, y = blobs(num=600)
    whole, near = prdc(x, y), nearest(x, y, k=3)
    monkeypatch.setattr("gan_jax.metrics.neighbors.BLOCK_MIB", 0.05)  # ten rows at a time
    assert prdc(x, y) == whole
    np.testing.assert_array_equal(nearest(x, y, k=3)[0], near[0])


def test_nearest_and_kth_by_hand():
    rows = np.array([[0.0], [1.0], [1.0], [5.0]])
    np.testing.assert_allclose(kth_distances(rows, 1), [1, 0, 0, 4])
    np.testing.assert_allclose(kth_distances(rows, 2), [1, 1, 1, 4])
    numbers, distances = nearest(np.array([[4.0]]), rows, k=2)
    assert numbers[0, 0] == 3 and distances[0].tolist() == [1.0, 3.0]


# sliced Wasserstein


@pytest.mark.parametrize("dims", [1, 2, 10])
def test_the_sliced_distance_of_a_shift_in_closed_form(dims):
    x, shift = normal(50, dims), np.full(dims, 0.7)
    factor = gamma(dims / 2) / (np.sqrt(np.pi) * gamma((dims + 1) / 2))
    found = sliced_wasserstein(x, x + shift, num_directions=4000)
    assert found.value == pytest.approx(
        np.linalg.norm(shift) * factor, abs=4 * found.standard_error + 1e-9
    )


# MS-SSIM


def flat(value, size=32):
    return jnp.full((1, size, size, 1), value)


def test_ms_ssim_of_equal_and_of_flat_images():
    images = jax.random.uniform(jax.random.key(0), (2, 32, 32, 3), minval=-1, maxval=1)
    np.testing.assert_allclose(ms_ssim(images, images), 1.0, atol=1e-5)
    # flat images have their luminance only, at the coarsest of two scales: (0.0448, 0.2856) / 0.3304
    a, b, c1 = 0.2, 0.6, 0.02**2
    luminance = (2 * a * b + c1) / (a**2 + b**2 + c1)
    np.testing.assert_allclose(ms_ssim(flat(a), flat(b)), luminance ** (0.2856 / 0.3304), rtol=1e-4)
    noise = jax.random.uniform(jax.random.key(1), (2, 32, 32, 3), minval=-1, maxval=1)
    assert (ms_ssim(images, noise) < 0.2).all()


def test_one_scale_is_the_ssim_of_scikit_image():
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    x, y = (np.asarray(jax.random.uniform(jax.random.key(i), (16, 16))) for i in (0, 1))
    y = 0.7 * x + 0.3 * y
    _, whole = metrics.structural_similarity(
        x,
        y,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=2.0,
        full=True,
    )
    inner = whole[5:-5, 5:-5].mean()
    found = ms_ssim(jnp.asarray(x)[None, :, :, None], jnp.asarray(y)[None, :, :, None])
    assert num_scales(16, 16) == 1
    np.testing.assert_allclose(found, inner, rtol=1e-4)


def test_scales_and_diversity():
    assert [num_scales(size, size) for size in (11, 22, 28, 32, 44, 176, 400)] == [
        1,
        2,
        2,
        2,
        3,
        5,
        5,
    ]
    with pytest.raises(ValueError, match="at least 11x11 pixels, got 8x8"):
        ms_ssim(flat(0.0, 8), flat(0.0, 8))
    noise = np.asarray(jax.random.uniform(jax.random.key(0), (40, 16, 16, 1), minval=-1, maxval=1))
    one = noise[:1].repeat(40, 0)
    assert ms_ssim_diversity(one, num_pairs=50).value == pytest.approx(1.0, abs=1e-5)
    estimate = ms_ssim_diversity(noise, num_pairs=50)
    assert estimate.value < 0.3 and 0 < estimate.standard_error < 0.05
    with pytest.raises(ValueError, match="at least 2 samples"):
        ms_ssim_diversity(noise[:1])


# data copying


def test_copies_new_samples_and_far_ones():
    training, held_out, new = (normal(300, 4, seed) for seed in range(3))
    as_new = closer_share(new, held_out, training)
    assert abs(as_new.value - 0.5) < 3 * as_new.standard_error
    assert closer_share(training[:50], held_out, training).value == 1.0
    assert closer_share(new + 50.0, held_out, training).value == 0.0
    assert closer_share(held_out, held_out, training).value == 0.5  # ties


@pytest.mark.slow
def test_the_reference_values_of_density_and_coverage():
    """Naeem et al. 2020, section 4.1.1: two sets of 10,000 from N(0, I) of 1,000 dimensions, k = 5."""
    found = prdc(normal(10_000, 1000), normal(10_000, 1000, 1), k=5)
    expected = dict(precision=0.477, recall=0.471, density=1.06, coverage=0.97)
    assert found._asdict() == pytest.approx(expected, abs=0.03)
