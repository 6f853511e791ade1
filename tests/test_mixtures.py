"""Mixtures, their judge, and the pictures of points of the plane."""

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.data import Data, as_is
from gan_jax.data.mixtures import Mixture, grid, high_dimensional, ring
from gan_jax.drawing import Drawn
from gan_jax.drawing.pictures import plane_picture, save_animation
from gan_jax.metrics.evaluators.mixtures import mixture_modes
from gan_jax.metrics.modes import kl_to_uniform, kl_to_weights, nearest_mode, quality_radius


def spiral():
    """A mixture of somebody's own: 13 modes along a spiral, unequal weights and widths."""
    turns = np.linspace(0.5, 3.0, 13)
    means = (turns * np.array([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)])).T
    return Mixture(means, scales=np.linspace(0.02, 0.06, 13), weights=np.arange(1, 14))


def test_the_ring_and_the_grid_are_those_of_the_papers():
    eight = ring()
    np.testing.assert_allclose(np.linalg.norm(eight.means, axis=1), 1.0)
    np.testing.assert_allclose(eight.means[:3], [[1, 0], [0.5**0.5] * 2, [0, 1]], atol=1e-12)
    places = {tuple(mean) for mean in grid().means}
    assert places == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert eight.scales.tolist() == [0.01] * 8 and grid().scales.tolist() == [0.05] * 25
    many = high_dimensional()
    assert many.means.shape == (10, 1200) and not many.means[:, 700:].any()


@pytest.mark.parametrize("make", (ring, grid, spiral, high_dimensional))
def test_a_perfect_sampler_meets_the_ceiling_and_the_floor(make):
    truth = make()
    evaluator = mixture_modes(data_of(truth), truth=truth, num_samples=20_000)
    num = len(truth.means)
    row = figures_of(evaluator, truth.sample(20_000, seed=1))
    assert row["modes"] == num
    assert abs(row["high_quality_share"] - 0.98889) < 0.003
    assert abs(row["width"] - 1) < 0.015
    assert row["kl"] < 3 * (num - 1) / (2 * 20_000)
    keys, rows = (
        jax.random.split(jax.random.key(0), 500),
        {"real": np.zeros((500, *truth.means[0].shape))},
    )
    noise = evaluator.references["noise"](None, keys, rows)
    assert figures_of(evaluator, np.asarray(noise))["high_quality_share"] < 0.3


def data_of(truth):
    return Data(source_fn=lambda: truth.source(100, seed=0), prepare_fn=as_is)


def figures_of(evaluator, samples):
    """What an evaluator finds in these samples."""
    blocks = [Drawn(samples, {}, None)]
    found = evaluator.measure_fn(lambda: blocks)
    return {name: estimate.value for name, estimate in found.items()}


def test_figures_of_the_evaluator_by_hand():
    truth = Mixture(np.array([[0.0, 0.0], [10.0, 0.0]]), 1.0, np.array([1, 3]))
    evaluator = mixture_modes(data_of(truth), truth=truth, num_samples=4)
    samples = np.array([[0, 0], [2.9, 0], [0, 3.1], [10, 0]], np.float32)
    figures = figures_of(evaluator, samples)
    # three good samples, two of them in the mode of weight 1/4
    expected = 2 / 3 * np.log(2 / 3 / 0.25) + 1 / 3 * np.log(1 / 3 / 0.75)
    width = figures.pop("width")
    assert figures == pytest.approx({"modes": 2, "high_quality_share": 0.75, "kl": expected})
    # E[d^2 | d < 3] of the plane is 2 - 9 exp(-9/2) / (1 - exp(-9/2))
    cut = 2 - 9 * np.exp(-4.5) / (1 - np.exp(-4.5))
    assert width == pytest.approx(np.sqrt(2.9**2 / 3 / cut), abs=1e-3)
    nothing = figures_of(evaluator, np.full((4, 2), 99.0))
    assert nothing == pytest.approx(
        {"modes": 0, "high_quality_share": 0.0, "kl": np.log(4), "width": 0.0}
    )


def test_distances_are_in_each_modes_own_deviations():
    means, scales = np.array([[0.0, 0.0], [4.0, 0.0]]), np.array([1.0, 0.1])
    modes, distances = nearest_mode(np.array([[3.0, 0.0], [3.9, 0.0]]), means, scales)
    assert modes.tolist() == [0, 1]
    np.testing.assert_allclose(distances, [3.0, 1.0], rtol=1e-6)
    assert quality_radius(2) == pytest.approx(3.0)
    modes = np.array([0, 0, 1])
    assert kl_to_weights(modes, np.array([0.5, 0.5])) == pytest.approx(kl_to_uniform(modes, 2))
    assert kl_to_weights(modes, np.array([2 / 3, 1 / 3])) == pytest.approx(0.0, abs=1e-12)


def test_samples_have_the_mixtures_weights_and_widths():
    truth = spiral()
    samples = truth.sample(50_000, seed=3)
    modes, distances = nearest_mode(samples, truth.means, truth.scales)
    shares = np.bincount(modes, minlength=13) / 50_000
    np.testing.assert_allclose(shares, np.arange(1, 14) / 91, atol=0.01)
    assert np.sqrt((distances**2).mean() / 2) == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(samples, truth.sample(50_000, seed=3))
    assert truth.source(10, seed=0).arrays["real"].shape == (10, 2)


BAD = [
    (dict(means=np.zeros(3), scales=1.0), r"means must be \[K, d\]"),
    (dict(means=np.zeros((3, 2)), scales=0.0), "scales must be positive"),
    (dict(means=np.zeros((3, 2)), scales=1.0, weights=np.array([1.0, -1, 1])), "weights must be"),
    (dict(means=np.zeros((3, 2)), scales=1.0, weights=np.ones(2)), r"weights must be \[3\]"),
]


@pytest.mark.parametrize("arguments, message", BAD)
def test_mixtures_that_make_no_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        Mixture(**arguments)


def test_the_plane_shows_points_on_the_landscape(tmp_path):
    real = ring().sample(500, seed=0)
    picture_fn = plane_picture(real, pixels=20)
    left = picture_fn(real, lambda points: points[:, 0])
    right = picture_fn(real, lambda points: -points[:, 0])
    assert left.size == right.size and min(left.size) > 400
    corner = left.width // 4, left.height // 2
    red = lambda picture: picture.getpixel(corner)[0] - picture.getpixel(corner)[2]  # noqa: E731
    assert red(left) < 0 < red(right)  # the left half: fake in one, real in the other
    files = []
    for index, picture in enumerate((left, right, left)):
        files.append(tmp_path / f"{index}.png")
        picture.save(files[-1])
    save_animation(files, tmp_path / "all.gif")
    with Image.open(tmp_path / "all.gif") as animation:
        assert animation.n_frames == 3
