"""A folder of images against another, without a run."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

from gan_jax.commands import folders
from gan_jax.commands.folders import evaluate_folders
from gan_jax.data import digits
from gan_jax.metrics.networks.rotations import rotations_network


@pytest.fixture(autouse=True)
def a_quick_network(monkeypatch):
    tiny = partial(rotations_network, steps=4, widths=(2, 4), num_features=8)
    monkeypatch.setattr(folders, "rotations_network", tiny)


def write(folder, images):
    folder.mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(folder / f"{index:04}.png")
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A hundred digits of 8x8."""
    return write(tmp_path_factory.mktemp("folders") / "real", digits().arrays["image"][:100])


@pytest.mark.thorough
def test_real_images_lie_nearer_than_noise(real, tmp_path, capsys):
    fake = write(tmp_path / "fake", digits().arrays["image"][200:230])
    found = evaluate_folders(real, fake, channels=1)
    assert list(found) == ["fake", "real", "noise"]
    values = {row: {name: each.value for name, each in found[row].items()} for row in found}
    for row in ("fake", "real"):
        assert values[row]["frechet"] < 0.2 * values["noise"]["frechet"]
        assert values[row]["coverage"] > 0.5
    assert "data_copying" not in found["fake"]  # it is not known what the fake ones were made from
    said = capsys.readouterr().out
    assert "fake: 30 images of" in said and "real: 100 of" in said
    assert "30 samples a row against 30 training images (the row real: other real images)" in said
    assert "turned images apart" in said and "precision" in said


def test_noise_in_a_folder_is_as_far_as_noise(real, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 8, 8), np.uint8)
    found = evaluate_folders(real, write(tmp_path / "fake", pixels), channels=1)
    fake, noise = (found[row]["frechet"].value for row in ("fake", "noise"))
    assert fake == pytest.approx(noise, rel=0.5)
    assert fake > 5 * found["real"]["frechet"].value


def test_the_smallest_folders_at_a_size_that_is_asked_for(real, tmp_path):
    few = write(tmp_path / "few", digits().arrays["image"][:40])
    found = evaluate_folders(few, real, size=(6, 9), num_samples=20)
    assert np.isfinite([each.value for each in found["real"].values()]).all()


def test_folders_that_cannot_be_compared(real, tmp_path):
    few = write(tmp_path / "few", digits().arrays["image"][:7])
    for pair in ((few, real), (real, few)):
        with pytest.raises(ValueError, match="few holds 7 images: expected at least 20, twice as"):
            evaluate_folders(*pair)
    with pytest.raises(ValueError, match="num_samples must be at least 20, got 3"):
        evaluate_folders(real, real, num_samples=3)
    large = write(tmp_path / "large", np.zeros((20, 9, 12), np.uint8))
    with pytest.raises(
        ValueError, match=r"large/\d+\.png is 12x9 pixels, the first real image 8x8"
    ):
        evaluate_folders(real, large)
    write(tmp_path / "empty", [])
    with pytest.raises(FileNotFoundError, match="empty holds no image file"):
        evaluate_folders(real, tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        evaluate_folders(tmp_path / "nowhere", real)
