import os

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_jax.augment import of_example
from gan_jax.data import (
    ArraySource,
    Batches,
    digits,
    image_fields,
    in_memory,
    pixels_to_real,
    tfds_source,
)
from gan_jax.data.arrays import joined
from gan_jax.data.celeb_a import Faces
from gan_jax.data.images import check_images, pad_images, real_to_pixels, stack_digits
from gan_jax.game.keys import example_keys

numbers = ArraySource({"x": np.arange(10)})


def test_digits_are_the_real_ones():
    source = digits()
    assert source.arrays["image"].shape == (1797, 8, 8, 1)
    assert source.arrays["image"].dtype == np.uint8 and source.arrays["image"].max() == 255
    assert np.bincount(source.arrays["label"]).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip


def test_every_epoch_is_a_new_permutation():
    batches = Batches(numbers, batch_size=5, seed=0)
    epochs = [batches.indices(2 * epoch, 2).ravel().tolist() for epoch in range(4)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


@given(
    seed=st.integers(0, 1000), step=st.integers(0, 10**6), size=st.integers(1, 10), rounds=st.integers(1, 3)
)  # fmt: skip
def test_the_batch_is_a_pure_function_of_source_seed_and_step(seed, step, size, rounds):
    make = lambda: Batches(numbers, batch_size=size, seed=seed, steps_per_round=rounds)  # noqa: E731
    batch = make()[step]["x"]
    assert batch.shape == (rounds, size)
    other = make()
    _ = other[step + 3]
    np.testing.assert_array_equal(other[step]["x"], batch)
    np.testing.assert_array_equal(make().indices(step, 2)[0], batch)


def test_another_seed_is_another_order():
    orders = [Batches(numbers, batch_size=10, seed=seed)[0]["x"].ravel() for seed in range(2)]
    assert not np.array_equal(*orders)


def test_processes_share_every_batch():
    whole = Batches(numbers, batch_size=6, seed=1)
    parts = [
        Batches(numbers, batch_size=6, seed=1, process_index=i, process_count=3) for i in range(3)
    ]
    shares = [part[4]["x"] for part in parts]
    assert {share.shape for share in shares} == {(1, 2)}
    np.testing.assert_array_equal(np.concatenate(shares, axis=1), whole[4]["x"])


def test_bad_batch_sizes():
    for size in (0, 11):
        with pytest.raises(ValueError, match="between 1 and the 10 examples"):
            Batches(numbers, batch_size=size, seed=0)
    with pytest.raises(ValueError, match="multiple of the 4 processes"):
        Batches(numbers, batch_size=6, seed=0, process_count=4)


def test_pixels_and_samples_are_inverse():
    levels = np.arange(256, dtype=np.uint8)
    real = pixels_to_real({"image": jax.numpy.asarray(levels)})["real"]
    assert float(real[0]) == -1.0 and float(real[255]) == 1.0
    np.testing.assert_array_equal(real_to_pixels(real), levels)


@pytest.mark.parametrize(
    "arrays, error, message",
    [
        ({}, ValueError, "leading axis"),
        ({"x": np.zeros((0, 2))}, ValueError, "empty"),
        ({"x": np.zeros(3), "y": np.zeros(4)}, ValueError, "leading axis"),
        ({"x": np.array(["a"])}, TypeError, "must hold numbers"),
        ({"x": np.array([[0.0], [np.nan], [1.0]])}, ValueError, "1 of 3 examples, the first at index 1"),
    ],
)  # fmt: skip
def test_bad_arrays(arrays, error, message):
    with pytest.raises(error, match=message):
        ArraySource(arrays)


@pytest.mark.parametrize(
    "images, error, message",
    [
        (np.zeros((2, 8, 8), np.uint8), ValueError, r"images\[..., None\]"),
        (np.zeros((2, 8, 8, 2), np.uint8), ValueError, "1, 3 or 4 channels"),
        (np.zeros((2, 8, 8, 1), np.float32), TypeError, "uint8"),
    ],
)
def test_bad_images(images, error, message):
    with pytest.raises(error, match=message):
        check_images(ArraySource({"image": images}))
    with pytest.raises(ValueError, match="holds 'image'"):
        check_images(numbers)


def test_fingerprints_tell_data_apart():
    same = ArraySource({"x": np.arange(10)}).fingerprint()
    assert same == numbers.fingerprint()
    changed = np.arange(10)
    changed[7] = 0
    assert ArraySource({"x": changed}).fingerprint() != same


def test_tfds_without_the_data(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        tfds_source("mnist", data_dir=tmp_path / "nowhere")
    (tmp_path / "cifar10" / "3.0.2").mkdir(parents=True)
    (tmp_path / "cifar10" / "3.0.2" / "dataset_info.json").touch()
    with pytest.raises(
        FileNotFoundError, match=r"no prepared data set 'mnist' \(it holds: cifar10\)"
    ):
        tfds_source("mnist", data_dir=tmp_path)


def test_tfds_that_would_have_to_be_prepared(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    from gan_jax.data import tfds as module

    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    with pytest.raises(ValueError, match="knows no data set 'mnits'"):
        tfds_source("mnits")
    monkeypatch.setattr(module, "_has_tensorflow", lambda: False)
    with pytest.raises(ImportError, match=r"pip install 'gan-jax\[prepare\]'"):
        tfds_source("mnist")
    monkeypatch.setattr(module, "_has_tensorflow", lambda: True)

    def no_network(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(tfds, "builder", no_network)
    with pytest.raises(ConnectionError, match="connect to a network"):
        tfds_source("mnist")
    assert os.listdir(tmp_path) == []


@pytest.mark.filterwarnings("ignore:.*mutable default.*")
def test_faces_are_the_middle_of_each_picture_with_a_label_for_each_combination(image_sets):
    pictures = tfds_source("celeb_a", split="train[:8]", data_dir=image_sets)
    source = Faces(pictures, size=16, attributes=("Smiling", "Male"))
    faces = [source[place] for place in range(8)]
    # 178x178 of 218x178: what lies 20 pixels from the top and the bottom is gone
    assert faces[0]["image"].shape == (16, 16, 3)
    assert all((face["image"] > 0).all() for face in faces)
    # every second picture is Male, of value 2, every second pair Smiling, of value 1
    assert [int(face["label"]) for face in faces] == [0, 2, 1, 3] * 2
    assert source.names["label"] == (
        "not Smiling, not Male",
        "Smiling, not Male",
        "not Smiling, Male",
        "Smiling, Male",
    )
    assert "label" not in Faces(pictures)[0] and Faces(pictures)[0]["image"].shape == (64, 64, 3)
    assert source.fingerprint() != Faces(pictures, size=16).fingerprint()
    with pytest.raises(ValueError, match="no attribute 'Smile': expected some of Male, Smiling"):
        Faces(pictures, attributes=("Smile",))
    with pytest.raises(
        ValueError, match="crop must be 1 to 178 pixels, as the pictures are, got 200"
    ):
        Faces(pictures, crop=200)


def test_mnist_through_tfds(image_sets):
    source = tfds_source("mnist", split="train[:50]", data_dir=image_sets)
    assert len(source) == 50 and source[0]["image"].shape == (28, 28, 1)
    arrays = in_memory(source, fields=("image", "label"))
    assert check_images(arrays).arrays["label"].shape == (50,)
    np.testing.assert_array_equal(arrays[7]["image"], source[7]["image"])
    with pytest.raises(ValueError, match="no split 'trian'"):
        tfds_source("mnist", split="trian", data_dir=image_sets)
    with pytest.raises(ValueError, match="no field 'lable'"):
        in_memory(source, fields=("lable",))


def jitter(key, images, turn=None):
    """Another number for each image: what key it was given."""
    return images + jax.random.normal(key, (len(images), 1, 1, 1))


def test_what_a_preparation_draws_is_a_function_of_the_place():
    def noisy(key, example):
        return {"real": jax.random.normal(key, ())}

    feed, key = Batches(digits(), batch_size=8, seed=0).feed(noisy), jax.random.key(1)
    row = jax.tree.map(lambda leaf: leaf[0], feed.feed_fn(3, 1))
    drawn = feed.load_fn(feed.resident, row, key)["real"]
    places = range(3 * 8, 4 * 8)
    expected = [jax.random.normal(example_keys(key, place).preparation) for place in places]
    np.testing.assert_allclose(drawn[0], expected, rtol=1e-6)


def test_augmented_data_are_a_function_of_key_and_step_whatever_the_call():
    batches = Batches(digits(), batch_size=8, seed=0, steps_per_round=2)
    key = jax.random.key(1)
    feed = batches.feed(image_fields, augment_fn=of_example(jitter))
    plain = batches.feed(image_fields)

    def load(feed, step, count):
        chunk = feed.feed_fn(step, count)
        rows = [jax.tree.map(lambda leaf, i=i: leaf[i], chunk) for i in range(count)]
        return np.stack([feed.load_fn(feed.resident, row, key)["real"] for row in rows])

    changes = load(feed, 3, 2) - load(plain, 3, 2)
    assert changes.shape == (2, 2, 8, 8, 8, 1)
    # one call of two steps is two calls of one
    np.testing.assert_array_equal(load(feed, 4, 1), load(feed, 3, 2)[1:])
    draws = changes[..., 0, 0, 0].ravel()
    assert len(np.unique(draws)) == len(draws)  # each example of each step has its own
    # example i of step n has the key of its position in the stream
    position = (3 * 2 + 1) * 8 + 5
    draw = jax.random.normal(example_keys(key, position).augmentation, (1, 1, 1, 1))
    np.testing.assert_allclose(changes[0, 1, 5], np.broadcast_to(draw[0], (8, 8, 1)), atol=1e-5)


def test_each_process_augments_its_rows_as_one_process_would():
    whole = Batches(digits(), batch_size=8, seed=0)
    parts = [
        Batches(digits(), batch_size=8, seed=0, process_index=i, process_count=2) for i in (0, 1)
    ]
    joined = np.concatenate([part.places(5, 3) for part in parts], axis=2)
    np.testing.assert_array_equal(joined, whole.places(5, 3))


def test_padding_puts_black_around():
    padded = pad_images(digits(), 2)
    assert padded.arrays["image"].shape == (1797, 12, 12, 1)
    np.testing.assert_array_equal(padded.arrays["image"][:, 2:-2, 2:-2], digits().arrays["image"])
    assert padded.arrays["image"].sum() == digits().arrays["image"].sum()
    np.testing.assert_array_equal(padded.arrays["label"], digits().arrays["label"])


def test_stacked_digits_spell_their_label():
    single = digits()
    stacked = stack_digits(single, num=50, seed=0)
    assert stacked.arrays["image"].shape == (50, 8, 8, 3)
    known = {}
    for image, label in zip(single.arrays["image"], single.arrays["label"], strict=True):
        known.setdefault(image.tobytes(), label)
    for image, label in zip(stacked.arrays["image"], stacked.arrays["label"], strict=True):
        spelled = [known[image[:, :, channel].tobytes()] for channel in range(3)]
        assert 100 * spelled[0] + 10 * spelled[1] + spelled[2] == label


def test_sources_one_after_the_other():
    both = joined(numbers, ArraySource({"x": np.arange(10, 13)}))
    assert both.arrays["x"].tolist() == list(range(13))
    with pytest.raises(KeyError, match="x"):
        joined(numbers, ArraySource({"y": np.arange(3)}))
