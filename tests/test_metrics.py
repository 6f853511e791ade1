import functools

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references import always, rows_of

from gan_jax.data import ArraySource, Data, digits
from gan_jax.data.images import stack_digits
from gan_jax.metrics.classes import class_shares, classes_covered, confident_share
from gan_jax.metrics.classifier_score import classifier_accuracy_score
from gan_jax.metrics.evaluators.images import quality
from gan_jax.metrics.evaluators.stacked import stacked_digits
from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.networks.cache import cached_classifier
from gan_jax.metrics.networks.classifier import train_classifier, training_and_held_out


def standardised(n, dims, seed=0):
    """Rows with mean exactly 0 and covariance (over N - 1) exactly the identity."""
    rows = np.random.default_rng(seed).normal(size=(n, dims))
    rows -= rows.mean(0)
    root = np.linalg.cholesky(np.linalg.inv(np.cov(rows, rowvar=False)))
    return rows @ root


def test_frechet_of_two_gaussians_in_closed_form():
    x = standardised(500, 3)
    scale, shift = np.array([2.0, 0.5, 1.0]), np.array([1.0, -2.0, 0.0])
    # commuting covariances: |m|^2 + sum (s1 - s2)^2
    expected = 5.0 + 1.0 + 0.25 + 0.0
    assert frechet_distance(x * scale + shift, x) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)


@given(seed=st.integers(0, 1000))
def test_frechet_symmetry_rotation_and_order(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(40, 4)), rng.normal(1.0, 2.0, size=(30, 4))
    value = frechet_distance(x, y)
    rotation, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    for other in (
        frechet_distance(y, x),
        frechet_distance(x @ rotation, y @ rotation),
        frechet_distance(rng.permutation(x), y),
    ):
        assert other == pytest.approx(value, rel=1e-7)
    assert frechet_distance(3 * x, 3 * y) == pytest.approx(9 * value, rel=1e-7)


def test_frechet_of_singular_covariances_against_scipy():
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 8)), rng.normal(size=(6, 8)) + 1  # fewer rows than features
    cov = [np.cov(f, rowvar=False) for f in (x, y)]
    offset = 1e-9 * np.eye(8)
    root = sqrtm((cov[0] + offset) @ (cov[1] + offset)).real
    mean = x.mean(0) - y.mean(0)
    expected = mean @ mean + np.trace(cov[0] + cov[1] - 2 * root)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    "x, y, message",
    [
        (np.zeros((1, 3)), np.zeros((5, 3)), "N >= 2"),
        (np.zeros((4, 3)), np.zeros((5, 2)), "as many columns"),
        (np.full((4, 3), np.nan), np.zeros((5, 3)), "NaN or infinity"),
    ],
)
def test_frechet_refuses(x, y, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(x, y)


def test_classes_by_hand():
    probabilities = np.array(
        [[0.95, 0.05, 0.0], [0.92, 0.08, 0.0], [0.5, 0.5, 0.0], [0.0, 0.9, 0.1]]
    )
    np.testing.assert_allclose(class_shares(probabilities), [0.5, 0.25, 0.0])
    assert confident_share(probabilities) == 0.75
    assert classes_covered(probabilities) == 2
    assert classes_covered(probabilities, min_share=0.3) == 1


def test_the_evaluator_knows_real_digits_from_noise_and_collapse():
    data = Data(source_fn=digits)
    evaluator = quality(data, classifier_steps=250)
    rows = rows_of(evaluator, data, collapsed=always(data.first(1)["real"]))
    assert rows["real"]["classes"] == 10 and rows["real"]["rarest_share"] > 0.04
    assert rows["collapsed"]["classes"] == 1  # one image over and over
    assert rows["real"]["frechet"] < 0.1 * rows["collapsed"]["frechet"]
    assert rows["real"]["frechet"] < 0.1 * rows["noise"]["frechet"]
    assert "898 samples a row" in evaluator.protocol["description"]
    assert evaluator.figures["frechet"].better == "less"


def test_the_evaluator_of_stacked_digits_counts_their_modes():
    source = digits()
    stacked = stack_digits(source, num=4000, seed=0)
    classifier = cached_classifier(*training_and_held_out(source), steps=250)
    data = Data(source_fn=lambda: stacked)
    evaluator = stacked_digits(data, classifier=classifier, num_samples=2000)
    rows = rows_of(evaluator, data, collapsed=always(data.first(1)["real"]))
    # 1,000 (1 - (1 - 1/1000) ** 2000) = 865 of the modes are expected in 2,000 draws
    assert 800 < rows["real"]["modes"] < 920
    assert rows["collapsed"]["modes"] == 1
    np.testing.assert_allclose(rows["collapsed"]["kl"], np.log(1000), atol=1e-3)
    worse = min(rows[name]["frechet"] for name in ("collapsed", "noise"))
    assert rows["real"]["frechet"] < 0.1 * worse


def test_a_classifier_needs_labels():
    unlabeled = ArraySource({"image": np.zeros((12, 8, 8, 1), np.uint8)})
    with pytest.raises(ValueError, match="needs 'label'"):
        train_classifier(unlabeled, unlabeled)


def digit_classifier(folder, **changes):
    options = dict(steps=8, widths=(4, 8), num_features=8, max_shift=1, max_degrees=9.0)
    return cached_classifier(*training_and_held_out(digits()), folder=folder, **(options | changes))


def test_a_classifier_is_trained_once(tmp_path, monkeypatch):
    made = digit_classifier(tmp_path)
    trainings = []

    @functools.wraps(train_classifier)
    def train(*sources, **options):
        trainings.append(options)
        return made

    monkeypatch.setattr("gan_jax.metrics.networks.cache.train_classifier", train)
    found = digit_classifier(tmp_path)
    assert (found.network, found[2:]) == (made.network, made[2:])
    jax.tree.map(np.testing.assert_array_equal, found.variables, made.variables)
    assert trainings == []
    # anything else that is asked for is another classifier
    for change in (dict(steps=9), dict(seed=1), dict(max_shift=0), dict(widths=(4, 4))):
        digit_classifier(tmp_path, **change)
    assert len(trainings) == 4 and len(list(tmp_path.iterdir())) == 5


def test_a_damaged_classifier_is_trained_again(tmp_path):
    made = digit_classifier(tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for damage in (b"", b"not a zip file", whole[: len(whole) // 2]):
        file.write_bytes(damage)
        jax.tree.map(
            np.testing.assert_array_equal, digit_classifier(tmp_path).variables, made.variables
        )
        assert np.load(file, allow_pickle=False)["record"]


@pytest.mark.slow
def test_a_classifier_of_digits_on_a_small_budget():
    """That of MNIST on a small scale: turned digits of 8x8, fewer steps, a narrower network."""
    classifier = train_classifier(*training_and_held_out(digits()), steps=600, max_degrees=10.0)
    assert classifier.num_held_out == 299 and classifier.accuracy > 0.96


@pytest.mark.thorough
def test_the_classifier_accuracy_score_of_good_and_of_wrong_labels():
    first, second = training_and_held_out(digits())
    good = classifier_accuracy_score(first, second, steps=200, batch_size=64)
    assert good.value > 0.9 and 0.005 < good.standard_error < 0.02
    turned = ArraySource({**first.arrays, "label": (first.arrays["label"] + 1) % 10})
    assert classifier_accuracy_score(turned, second, steps=200, batch_size=64).value < 0.1
    few = ArraySource(first[first.arrays["label"] < 9])
    with pytest.raises(ValueError, match=r"no samples of the classes \[9\]"):
        classifier_accuracy_score(few, second, steps=1)
