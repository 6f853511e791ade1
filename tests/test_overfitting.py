"""What says that little data were learned by heart: logits of held-out images, and samples that are copies."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest
from experiment_files import file_of, load
from PIL import Image

from gan_jax.data import ArraySource, Data, as_is
from gan_jax.drawing import Sampler
from gan_jax.metrics.evaluators.overfitting import held_out_distances, overfitting
from gan_jax.metrics.networks.network import FeatureNetwork

DEVICES = 1
KEY = jax.random.key(3)
PIXELS = FeatureNetwork(
    "pixels", "the pixels themselves", "0", "none", {},
    lambda variables, images: (images.reshape(len(images), -1),) * 2,
)  # fmt: skip


def images(num, mean, seed):
    values = np.random.default_rng(seed).normal(mean, 0.1, (num, 1, 1, 2))
    return values.astype(np.float32)


TRAINING, HELD_OUT = images(300, 0.3, 0), images(400, 0.1, 1)
DATA = Data(
    source_fn=lambda: ArraySource({"real": TRAINING}),
    held_out_fn=lambda: ArraySource({"real": HELD_OUT}),
    prepare_fn=as_is,
)


def measured(evaluator, draw_fn, judge_fn=None):
    players = SimpleNamespace(judge_fn=judge_fn)
    sampler = Sampler(draw_fn, None, KEY, players=players, data=DATA, num=evaluator.num)
    found = evaluator.measure_fn(sampler)
    assert found.keys() == evaluator.figures.keys()
    return found


def judge(images):
    """The discriminator's logit: ten times the mean pixel."""
    return 10.0 * images.mean((1, 2, 3)), {}


def test_overfitting_is_the_share_of_the_way_from_training_images_to_samples():
    constant = lambda key, latents, rows: np.full((len(latents), 1, 1, 2), -0.1)  # noqa: E731
    evaluator = overfitting(DATA, num_samples=300)
    found = measured(evaluator, constant, judge)
    assert found["generated_logits"] == pytest.approx((-1.0, 0.0), abs=1e-6)
    for name, value in (("training", 3.0), ("held_out", 1.0)):
        estimate = found[f"{name}_logits"]
        assert estimate.standard_error == pytest.approx(1 / np.sqrt(600), rel=0.1)
        assert abs(estimate.value - value) < 4 * estimate.standard_error
    assert found["overfitting"].value == pytest.approx(0.5, abs=0.04)  # (3 - 1) / (3 + 1)
    # (d value / d training, d value / d held-out) = (2, 4) / 4^2, each mean with 1 / sqrt(600)
    expected = np.hypot(2, 4) / 16 / np.sqrt(600)
    assert found["overfitting"].standard_error == pytest.approx(expected, rel=0.1)


def test_copies_are_found_and_the_distance_is_to_held_out_images():
    evaluator = held_out_distances(DATA, network_fn=lambda data: PIXELS, num_samples=150)
    assert "150 samples" in evaluator.protocol["description"]
    copies = measured(evaluator, lambda key, latents, rows: TRAINING[: len(latents)])
    assert copies["data_copying"] == (1.0, 0.0)
    assert copies["frechet"].value == pytest.approx(0.08, rel=0.25)  # two pixels, each 0.2 away
    real = measured(evaluator, lambda key, latents, rows: rows["real"])
    assert (
        0 < real["frechet"].value < 0.2
    )  # other held-out images: not those that are compared with
    assert real["data_copying"].value == pytest.approx(0.5, abs=0.12)
    few = held_out_distances(DATA, network_fn=lambda data: PIXELS)
    assert few.num == 200  # a half of the held-out images is compared with


def test_three_held_out_images_are_too_few():
    data = Data(
        source_fn=lambda: ArraySource({"real": TRAINING}),
        held_out_fn=lambda: ArraySource({"real": HELD_OUT[:3]}),
        prepare_fn=as_is,
    )
    with pytest.raises(ValueError, match="expected at least 4 held-out images"):
        held_out_distances(data, network_fn=lambda data: PIXELS)


def test_every_row_of_the_table_is_a_game_on_a_thousand_images(tmp_path):
    for index in range(5):
        Image.fromarray(np.full((9, 9, 3), index, np.uint8)).save(tmp_path / f"{index}.png")
    experiment = load(file_of("limited_data")).experiment
    rows = load(file_of("benchmark_limited_data")).table().rows
    assert len(rows) == 8
    games = {
        name: experiment(data_dir=tmp_path, **row.arguments).game for name, row in rows.items()
    }
    assert {name for name, game in games.items() if game.memory} == {
        f"{of}-{remedy}" for of in ("cifar10", "folder") for remedy in ("ada", "lecam")
    }
    assert {name for name, game in games.items() if "lecam" in game.discriminator_terms} == {
        "cifar10-lecam", "folder-lecam"
    }  # fmt: skip
    assert all("r1" in game.discriminator_terms for game in games.values())
    data = experiment(data_dir=tmp_path, folder=True, num_images=3).data
    assert (data.size("training"), data.size("held_out")) == (3, 2)
    levels = [source.arrays["image"].max((1, 2, 3)) for source in (data.training, data.held_out)]
    assert sorted(np.concatenate(levels)) == [0, 1, 2, 3, 4]  # each image is in one part
