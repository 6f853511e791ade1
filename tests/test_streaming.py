"""Data that is read while training: the order and the figures of data in memory."""

import json
import pickle
import shutil
import time
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image
from test_training import POINTS, SPEED, final_state, train

from gan_jax.data import ArraySource, Batches, FolderSource, decoded, image_fields, in_memory
from gan_jax.data.arrays import fingerprint
from gan_jax.data.read_ahead import read_ahead
from gan_jax.training.loop import next_feed

DEVICES = 2  # as the run that theirs are compared with


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Twenty little pictures as files."""
    folder = tmp_path_factory.mktemp("images")
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3))):
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{index:02d}.png")
    return FolderSource(folder, size=8)


@pytest.mark.parametrize("num_workers", (0, 2))
def test_what_is_read_ahead_is_what_is_in_memory(images, num_workers):
    """In threads and in other processes, from the middle on, two steps at a time."""
    batches = Batches(images, batch_size=4, seed=3)
    feed, whole = batches.feed(image_fields), Batches(in_memory(images), batch_size=4, seed=3)
    steps = range(6, 30, 2)
    feeds = read_ahead(feed.feed_fn, steps, num_workers=num_workers)
    for step, tree in zip(steps, feeds, strict=True):
        expected = np.stack([whole[step]["image"], whole[step + 1]["image"]])
        np.testing.assert_array_equal(tree["examples"]["image"], expected)


class Slow:
    """Points that take their time."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __len__(self):
        return len(POINTS)

    def __getitem__(self, index):
        time.sleep(self.seconds)
        return {"point": POINTS[index]}


def logged(run_dir):
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "waiting_for_data_percent" in line]


@pytest.mark.thorough
def test_a_run_on_streamed_data_is_that_on_data_in_memory(whole, tmp_path):
    train(tmp_path / "streamed", source_fn=lambda: Slow(0), steps=4)
    train(tmp_path / "streamed", source_fn=lambda: Slow(0))
    runs = (whole, tmp_path / "streamed")
    jax.tree.map(np.testing.assert_array_equal, *map(final_state, runs))
    for one, two in zip(*map(logged, runs), strict=True):
        assert {k: v for k, v in one.items() if k not in SPEED} == {
            k: v for k, v in two.items() if k not in SPEED
        }


def test_the_log_says_how_long_the_step_waited_for_data(tmp_path):
    """Four steps of sixteen slow examples are read side by side: every fourth step waits for the next four."""
    train(
        tmp_path, source_fn=lambda: Slow(0.02), steps=10, sample_every_steps=10, save_every_steps=10
    )
    assert 50 < max(line["waiting_for_data_percent"] for line in logged(tmp_path)[1:]) <= 100


def test_waiting_counts_while_the_devices_have_nothing_to_do():
    def feeds():
        while True:
            time.sleep(0.05)
            yield "feed"

    def metrics(ready):
        return {"loss": SimpleNamespace(is_ready=lambda: ready)}

    for pending, waited in (([], True), ([metrics(True)], True), ([metrics(False)], False)):
        feed, seconds = next_feed(feeds(), pending)
        assert feed == "feed" and (seconds >= 0.05 if waited else seconds == 0.0)


def test_an_image_that_cannot_be_read_is_named(images, tmp_path):
    for file in images.files:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "07.png").write_bytes(b"no image")
    feed = Batches(FolderSource(tmp_path, size=8), batch_size=4, seed=3).feed(image_fields)
    for num_workers in (0, 1):
        with pytest.raises(ValueError, match=r"07.png \(8 bytes\) cannot be read as an image"):
            list(read_ahead(feed.feed_fn, range(10), num_workers=num_workers))
    with pytest.raises(ValueError, match="num_workers must not be negative, got -1"):
        read_ahead(feed.feed_fn, range(10), num_workers=-1)


def test_decoded_once_and_found_again(images, tmp_path, monkeypatch):
    first = decoded(images, tmp_path)
    monkeypatch.setattr(FolderSource, "__getitem__", lambda *args: pytest.fail("decoded again"))
    again = decoded(images, tmp_path)
    assert len(first) == len(again) == 20 and first.fingerprint() == fingerprint(images)
    assert first[3]["image"].dtype == np.uint8
    monkeypatch.undo()
    np.testing.assert_array_equal(
        in_memory(again).arrays["image"], in_memory(images).arrays["image"]
    )
    copy = pickle.loads(pickle.dumps(again))
    assert len(pickle.dumps(again)) < 500  # the path, not the data
    np.testing.assert_array_equal(copy[5]["image"], images[5]["image"])
    other = FolderSource(images.folder, size=4)  # other pixels, another place
    assert decoded(other, tmp_path)[0]["image"].shape == (4, 4, 3)
    assert len(list(tmp_path.iterdir())) == 2
    assert decoded(images, None) is images
    memory = in_memory(images)
    assert decoded(memory, tmp_path) is memory


def test_what_decoding_refuses_leaves_nothing_behind(images, tmp_path, monkeypatch):
    mixed = FolderSource(images.folder, size=None)
    Image.new("RGB", (9, 8)).save(images.folder / "wide.png")
    try:
        mixed = FolderSource(images.folder, size=None)
        with pytest.raises(
            ValueError, match=r"one shape, got \(8, 8, 3\) first and \(8, 9, 3\) at index 20"
        ):
            decoded(mixed, tmp_path)
    finally:
        (images.folder / "wide.png").unlink()
    with pytest.raises(ValueError, match="no field 'label' in the data, only \\['image'\\]"):
        decoded(images, tmp_path, fields=("label",))
    free = lambda folder: SimpleNamespace(free=100)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", free)
    with pytest.raises(OSError, match="no room for the decoded examples"):
        decoded(images, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fingerprints_tell_data_apart(images):
    slow, other = Slow(0), Slow(0)
    assert fingerprint(slow) == fingerprint(other)
    other.__class__ = type("Other", (Slow,), {"__getitem__": lambda s, i: {"point": POINTS[i] + 1}})
    assert fingerprint(slow) != fingerprint(other)
    assert fingerprint(ArraySource({"point": POINTS}))["examples"] == 64
    assert fingerprint(FolderSource(images.folder, size=4)) != fingerprint(images)
