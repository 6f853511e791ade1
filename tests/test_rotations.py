"""Features of images that have no labels, and what is measured in them."""

import functools
from pathlib import Path

import jax
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gan_jax.data import ArraySource, Data, FolderSource, digits, in_memory
from gan_jax.drawing import Sampler
from gan_jax.metrics.evaluators.own_features import features_of, own_features
from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.networks.classifier import train_classifier
from gan_jax.metrics.networks.network import embed
from gan_jax.metrics.networks.rotations import rotations_network, squares, turned

EMOJI = Path(__file__).parents[2] / "shared" / "emoji"
TINY = dict(steps=4, widths=(2, 4), num_features=8)


def unlabeled(images):
    return Data(source_fn=lambda: ArraySource({"image": images}), held_out_share=0.2)


@pytest.fixture(scope="module")
def data():
    return unlabeled(digits().arrays["image"][:200])


@pytest.fixture(scope="module")
def tiny(data):
    """A network of four steps."""
    return rotations_network(data, **TINY)


def test_a_turned_copy_is_labeled_by_its_turn():
    image = np.zeros((1, 4, 4, 1), np.uint8)
    image[0, 0, 0] = 1  # the corner goes round, anticlockwise
    source = turned(image)
    assert source.arrays["label"].tolist() == [0, 1, 2, 3]
    corners = [np.argwhere(each[..., 0]).tolist() for each in source.arrays["image"]]
    assert corners == [[[0, 0]], [[3, 0]], [[3, 3]], [[0, 3]]]


@pytest.mark.parametrize(
    ("shape", "starts"), [((4, 4), [0]), ((4, 10), [0, 3, 6]), ((7, 4), [0, 3])]
)
def test_squares_cover_an_image(shape, starts):
    images = np.arange(2 * shape[0] * shape[1]).reshape(2, *shape, 1)
    parts = np.asarray(squares(images))
    assert parts.shape == (2, len(starts), 4, 4, 1)
    for place, start in enumerate(starts):
        down, across = (start, 0) if shape[0] > 4 else (0, start)
        expected = images[:, down : down + 4, across : across + 4]
        np.testing.assert_array_equal(parts[:, place], expected)
    assert set(parts.ravel()) == set(images.ravel())


def test_no_image_that_measures_the_accuracy_is_trained_on(monkeypatch):
    """Every copy of an image is on one side, and held-out rows are on neither."""
    images = np.tile(np.arange(60, dtype=np.uint8)[:, None, None, None], (1, 8, 8, 1))
    seen = {}

    def caught(training, held_out, **options):
        seen.update(training=training, held_out=held_out, options=options)
        raise InterruptedError

    monkeypatch.setattr("gan_jax.metrics.networks.rotations.cached_classifier", caught)
    data = unlabeled(images)
    with pytest.raises(InterruptedError):
        rotations_network(data, steps=7, max_shift=1)
    found = {name: seen[name].arrays["image"][:, 0, 0, 0] for name in ("training", "held_out")}
    sets = {name: set(values.tolist()) for name, values in found.items()}
    assert not sets["training"] & sets["held_out"]
    assert sets["training"] | sets["held_out"] == set(
        data.training.arrays["image"][:, 0, 0, 0].tolist()
    )
    assert len(found["held_out"]) == 4 * (48 // 6)
    assert seen["options"] == {"steps": 7, "seed": 0, "max_shift": 1}


def test_images_that_are_not_square_are_the_mean_of_their_squares(tiny):
    images = np.random.default_rng(0).uniform(-1, 1, (3, 8, 13, 1)).astype(np.float32)
    features, logits = tiny.apply_fn(tiny.variables, images)
    left, right = (tiny.apply_fn(tiny.variables, images[:, :, a : a + 8]) for a in (0, 5))
    np.testing.assert_allclose(features, (left[0] + right[0]) / 2, atol=1e-6)
    assert features.shape == (3, 8) and logits.shape == (3, 4)
    wide = unlabeled(np.random.default_rng(1).integers(0, 256, (40, 8, 13, 3)).astype(np.uint8))
    assert embed(rotations_network(wide, **TINY), [np.zeros((2, 8, 13, 3)) - 1]).features.shape == (
        2,
        8,
    )


def test_it_is_trained_once_also_where_nothing_can_be_written(data, tiny, monkeypatch, tmp_path):
    again = rotations_network(data, **TINY)
    assert again.fingerprint == tiny.fingerprint and "turned images apart" in again.description
    assert rotations_network(data, **TINY | {"seed": 1}).fingerprint != tiny.fingerprint
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    assert rotations_network(data, **TINY).fingerprint == tiny.fingerprint
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    monkeypatch.setattr("numpy.savez", _full)
    assert rotations_network(data, **TINY).fingerprint == tiny.fingerprint
    assert not [path for path in (tmp_path / "new").rglob("*") if path.is_file()]


def _full(*args, **arrays):
    raise OSError("no space left on device")


def test_another_version_of_the_code_is_another_network(data, tiny, monkeypatch):
    @functools.wraps(train_classifier)
    def asked(*sources, **options):
        raise InterruptedError

    monkeypatch.setattr("gan_jax.metrics.networks.cache.train_classifier", asked)
    assert rotations_network(data, **TINY).fingerprint == tiny.fingerprint  # from the disk
    monkeypatch.setattr("gan_jax.metrics.networks.cache.VERSION", 999)
    with pytest.raises(InterruptedError):
        rotations_network(data, **TINY)


def test_data_that_cannot_be_turned(data):
    with pytest.raises(ValueError, match="needs at least 6 to train on, got 4"):
        rotations_network(unlabeled(digits().arrays["image"][:5]), **TINY)
    vectors = Data(
        source_fn=lambda: ArraySource({"image": np.zeros((20, 3), np.uint8)}), held_out_share=0.2
    )
    with pytest.raises(ValueError, match=r"make images \[H, W, C\]"):
        rotations_network(vectors, **TINY)


def test_labels_are_told_apart_where_there_are_some(data):
    labeled = Data(source_fn=digits, held_out_share=0.2)
    assert "a classifier trained here" in features_of(labeled, **TINY).description
    assert "turned images apart" in features_of(data, **TINY).description


def measured(evaluator, data, images):
    """The figures of images that are drawn in their order."""
    sampler = Sampler(
        lambda key, latents, rows: rows["real"], None, jax.random.key(0), data=data,
        given={"real": images}, num=evaluator.num,
    )  # fmt: skip
    found = evaluator.measure_fn(sampler)
    assert found.keys() == evaluator.figures.keys()
    assert all(each.standard_error is not None for each in found.values()) or evaluator.num == 2
    return {name: estimate.value for name, estimate in found.items()}


def real(data, part, num):
    return np.concatenate([rows["real"] for rows in data.rows(part, num)])


def test_own_features_of_a_folder(data, tiny):
    evaluator = own_features(data, network_fn=lambda data: tiny)
    assert evaluator.num == 40 and evaluator.when == "training"
    assert evaluator.figures["frechet"].better == "less"
    best = measured(evaluator, data, real(data, "held_out", 40))
    copies = measured(evaluator, data, real(data, "training", 160))
    one = measured(evaluator, data, np.repeat(real(data, "held_out", 1), 40, 0))
    # held-out images are as new as themselves; every copy is nearer than all of them
    assert best["data_copying"] == 0.5 and copies["data_copying"] > 0.95
    assert copies["precision"] == copies["recall"] == copies["coverage"] == 1.0
    assert one["recall"] == 0.0 and one["coverage"] < 0.5
    assert best["frechet"] < one["frechet"]
    # the distance is to all training images, in all of them
    expected = frechet_distance(
        *(
            embed(tiny, [real(data, *part)]).features
            for part in (("held_out", 40), ("training", 160))
        )
    )
    assert best["frechet"] == pytest.approx(expected)
    said = evaluator.protocol["description"]
    assert said.startswith("40 samples a row (the row real: held-out images); Frechet distance and")
    assert "to 160 training images, the others to 40 of them" in said


def test_own_features_without_held_out_images(tiny):
    data = Data(source_fn=lambda: ArraySource({"image": digits().arrays["image"][:50]}))
    evaluator = own_features(data, network_fn=lambda data: tiny, num_samples=10)
    assert evaluator.num == 10 and "data_copying" not in evaluator.figures
    assert "data copying" not in evaluator.protocol["description"]
    assert evaluator.protocol["real_row"] == "trained on, not the reference"
    measured(evaluator, data, real(data, "held_out", 10))
    few = own_features(unlabeled(digits().arrays["image"][:10]), network_fn=lambda data: tiny)
    assert few.num == 2 and few.protocol["neighbours"] == 1
    measured(few, data, real(data, "held_out", 2))


def blurred(images, deviation):
    return gaussian_filter(images, (0, deviation, deviation, 0))


def distances(data):
    """Frechet distances of changed held-out images, in the features of turned ones."""
    network = rotations_network(data, steps=400)
    images = real(data, "held_out", min(2000, data.size("held_out")))
    random = np.random.default_rng(0)
    rows = {
        "real": images,
        "light blur": blurred(images, 0.7),
        "blur": blurred(images, 1.5),
        "noise": random.uniform(-1.0, 1.0, images.shape).astype(np.float32),
        "few": images[random.integers(0, 8, len(images))],
        "one": np.repeat(images[:1], len(images), 0),
    }
    reference = embed(network, (rows["real"] for rows in data.rows("training", 3000))).features
    return {k: frechet_distance(embed(network, [v]).features, reference) for k, v in rows.items()}


@pytest.mark.slow
@pytest.mark.skipif(not EMOJI.is_dir(), reason="the folder of emoji is not there")
@pytest.mark.parametrize("size", [32, (24, 32)])
def test_poorer_emoji_lie_farther_away(size):
    source = in_memory(FolderSource(EMOJI, size=size))
    found = distances(Data(source_fn=lambda: source, held_out_share=0.1))
    assert 3 * found["real"] < found["light blur"] < found["blur"] < found["noise"] < found["one"]
    assert found["light blur"] < found["few"] < found["one"]
