"""Every estimator with an error, in situations that are easy and hard for the error."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_jax.metrics.autocorrelation import autocorrelation_estimate
from gan_jax.metrics.classes import (
    confident_share_estimate,
    rarest_share,
)
from gan_jax.metrics.data_copying import closer_share
from gan_jax.metrics.diversity import mean_pairwise_estimate
from gan_jax.metrics.errors import deviation_of, distance_from, mean_of, share
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.frechet import frechet_estimate, frechet_infinity
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel_distance import kernel_distance
from gan_jax.metrics.modes import (
    kl_to_uniform_estimate,
    kl_to_weights_estimate,
    relative_width_estimate,
)
from gan_jax.metrics.ms_ssim import ms_ssim_diversity
from gan_jax.metrics.neighbor_errors import prdc_estimates
from gan_jax.metrics.resampling import bootstrap, jackknife
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein
from gan_jax.metrics.wasserstein import wasserstein_1_estimate

Random = np.random.Generator


class Case(NamedTuple):
    """An estimator in a situation.

    Attributes:
        name: of both.
        draw_fn: a source of numbers -> N new samples.
        estimate_fn: samples -> the estimate.
        draws: how many sets of samples.
        reference_fn: a source of numbers -> what is held; given to ``estimate_fn`` as second
        argument.
    """

    name: str
    draw_fn: Callable[[Random], np.ndarray]
    estimate_fn: Callable[..., Estimate]
    draws: int = 100
    reference_fn: Callable[[Random], np.ndarray] | None = None


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
    """Another distribution, nearly the reference's, its own; features of a network, heavy tails."""
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
    Case("mean_pairwise_distance, heavy tails", heavy(100, 8), mean_pairwise_estimate),
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
        100,
    )
    for num, alike in ((250, 0.5), (40, 0.5), (1000, 0.3), (100, 0.0))
]
SCORES = [
    Case(f"inception_score, certainty {c}", logits(1000, 10, c), inception_score, 100)
    for c in (0.3, 2.0, 10.0)
]
NEIGHBORS = [
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
    *NEIGHBORS,
    *SCALARS,
    *CLOSER,
    *MODES,
    *SHARES,
    *ROWS,
    *PAIRS_OF_SAMPLES,
    *IMAGES,
    *SCORES,
]
