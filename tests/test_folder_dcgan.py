"""The experiment on a folder of one's own: what it reads, refuses, and leaves behind."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from experiment_files import file_of, load
from PIL import Image

from gan_jax.game import init, make_train_step

DEVICES = 1
FILE = file_of("folder_dcgan")
TINY = dict(base_width=2, batch_size=4, feature_steps=4)


@pytest.fixture(scope="module")
def experiment():
    return load(FILE).experiment


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """Twelve images of 9x13 with transparency in each of two class folders."""
    folder = tmp_path_factory.mktemp("classes")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 12, 9, 13, 4), np.uint8)
    for name, images in zip(("cat", "dog"), pixels, strict=True):
        (folder / name).mkdir()
        for index, image in enumerate(images):
            Image.fromarray(image).save(folder / name / f"{index}.png")
    return folder


def test_building_it_reads_nothing(experiment):
    assert experiment(data_dir=Path("/nowhere"), num_classes=3).game.generator.num_classes == 3
    for size in (7, (8, 200)):
        with pytest.raises(ValueError, match="size must be between 8 and 128 pixels"):
            experiment(data_dir=Path("/nowhere"), size=size)


@pytest.mark.parametrize("size", [8, 15, (16, 24), [40, 28], 64, 128])
def test_a_step_of_any_shape(experiment, size):
    """Traced alone."""
    built = experiment(data_dir=Path("/nowhere"), size=size, num_classes=2, **TINY)
    height, width = (size, size) if isinstance(size, int) else size
    check_step(built.game, jnp.zeros((1, 4, height, width, 3)))


def check_step(game, real):
    batch = {"real": real, "condition": jnp.zeros((1, 4), jnp.int32)}

    def play(key):
        return make_train_step(game)(init(game, key, batch), batch, key)

    _, metrics = jax.eval_shape(play, jax.random.key(0))
    assert {"generator/loss", "discriminator/r1"} <= metrics.keys()


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["folder_r3gan", "folder_stylegan2"])
def test_newer_networks_on_a_folder(name):
    """Traced alone; their networks are compiled in tests/test_families.py and tests/test_stylegan2.py."""
    experiment = load(file_of(name)).experiment
    built = experiment(data_dir=Path("/nowhere"), size=16, num_classes=2, batch_size=4)
    check_step(built.game, jnp.zeros((1, 4, 16, 16, 3)))
    for size in (4, 24):
        with pytest.raises(ValueError, match="a power of two, at least 8"):
            experiment(data_dir=Path("/nowhere"), size=size)


def test_what_it_reads(experiment, classes, capsys):
    built = experiment(data_dir=classes, size=(8, 12), channels=4, num_classes=2, flip=True, **TINY)
    data = built.data
    assert len(data.training) == 22 and len(data.held_out) == 2
    assert data.names["condition"] == ("cat", "dog")
    rows = next(data.rows("training"))
    assert rows["real"].shape == (22, 8, 12, 4) and set(rows["condition"]) == {0, 1}
    assert capsys.readouterr().out == "24 of 24 images are transparent\n"
    one = {name: jnp.asarray(value[0]) for name, value in rows.items()}
    flipped = [data.augment_fn(jax.random.key(seed), one)["real"] for seed in range(8)]
    mirrored = [bool((image == one["real"][:, ::-1]).all()) for image in flipped]
    assert 0 < sum(mirrored) < 8
    assert all(
        (image == one["real"]).all() for image, m in zip(flipped, mirrored, strict=True) if not m
    )
    assert experiment(data_dir=classes).data.augment_fn is None


def test_another_number_of_classes(experiment, classes):
    with pytest.raises(
        ValueError, match=r"2 class folders \(cat, dog\): give --num-classes 2, got 3"
    ):
        len(experiment(data_dir=classes, num_classes=3).data.training)


@pytest.mark.thorough
def test_a_labeled_folder_of_rectangles_trains_and_is_measured(classes, tmp_path, command_here):
    code, _, err = command_here(
        FILE, "--tiny", "--size", "8", "12", "--num-classes", "2", "--channels", "4", "--flip",
        "--data-dir", classes, "--run-dir", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    text = (tmp_path / "run" / "figures.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    found = {(line["row"], line["figure"]): line["value"] for line in lines}
    assert {"generated", "real", "noise"} == {row for row, _ in found}
    assert None not in found.values() and ("generated", "data_copying") in found
