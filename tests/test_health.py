"""Failures that are said once, in a sentence, and figures worked out by hand."""

import json
import re

import numpy as np
import pytest
from games import vector_game
from test_training import POINTS, train

from gan_jax.data import ArraySource
from gan_jax.drawing import Samplers
from gan_jax.game import Term
from gan_jax.metrics.diversity import mean_pairwise_distance
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.training.health import Watch, health_figures

DEVICES = 1


def test_the_mean_distance_of_pairs():
    corners = np.array([[0, 0], [3, 0], [0, 4]]) + 1000.0
    assert mean_pairwise_distance(corners) == pytest.approx((3 + 4 + 5) / 3)
    assert mean_pairwise_distance(np.ones((5, 2, 2, 1))) == 0.0
    normal = np.random.default_rng(0).normal(size=(2000, 1))
    assert mean_pairwise_distance(normal) == pytest.approx(2 / np.sqrt(np.pi), rel=0.03)
    with pytest.raises(ValueError, match="at least 2"):
        mean_pairwise_distance(np.ones((1, 2)))


def test_figures_by_hand():
    real = np.array([[2.0, 0.0], [4.0, 1.0]])
    figures = health_figures(
        real - 4.0,
        real,
        of_samples=np.array([-2.0, 0.0]),
        of_real=np.array([2.0, 4.0]),
        of_held_out=np.array([-1.0, 3.0]),
    )
    expected = {
        "diversity": 1, "logit_gap": 4, "separation": 1, "real_accuracy": 1,
        "fake_accuracy": 0.5, "held_out_accuracy": 0.5, "overfitting": 0.5,
    }  # fmt: skip
    assert figures == pytest.approx(expected)


def test_separation_is_of_differences():
    """As a relativistic loss has it: neither moves with a shift of all logits."""
    real, fake = np.array([[1.0], [3.0], [2.0]]), np.array([[0.0], [2.5]])
    for shift in (0.0, -50.0):
        logits = {"of_samples": fake[:, 0] + shift, "of_real": real[:, 0] + shift}
        figures = health_figures(fake, real, **logits)
        assert figures["separation"] == pytest.approx(4 / 6)


GOOD = {
    "diversity": 0.9, "logit_gap": 1.0, "separation": 0.8, "real_accuracy": 0.7,
    "fake_accuracy": 0.7,
}  # fmt: skip


@pytest.mark.parametrize(
    "change, words",
    [
        ({"diversity": 0.03}, "generator collapsed at step 4,200: sample diversity is 3.00% of"),
        (
            {"separation": 1.0, "logit_gap": 25.0},
            "separates everything at step 4,200: its logits of real and fake are 25 apart",
        ),
        (
            {"overfitting": 0.8, "logit_gap": 2.0},
            "by heart at step 4,200: .* by 80% of the gap",
        ),
    ],
)
def test_a_failure_is_said_once_and_again_when_it_comes_back(change, words):
    watch, bad = Watch([]), GOOD | change
    assert watch.sentences(4000, GOOD) == watch.sentences(4100, bad) == []
    (said,) = watch.sentences(4200, bad)
    assert re.search(words, said) and "; try " in said
    assert watch.sentences(4300, bad) == watch.sentences(4400, GOOD) == []
    assert watch.sentences(4500, bad) == [] != watch.sentences(4600, bad)
    resumed = Watch([GOOD, bad, bad])
    assert resumed.sentences(4700, bad) == []


def test_a_run_tells_of_a_collapse_and_logs_its_health(tmp_path, capsys):
    """A generator whose last layer is pulled to nothing draws one point."""
    shrinking = {"size": Term(lambda key, context: 1e4 * (context.fake.samples**2).sum(1), 1.0)}
    game = vector_game(generator_terms=shrinking)
    points = ArraySource({"point": POINTS})
    train(
        tmp_path, game=game, steps=300, sample_every_steps=50, save_every_steps=300,
        log_every_steps=50, held_out_fn=lambda: points,
    )  # fmt: skip
    told = capsys.readouterr()
    assert "warning: the generator collapsed at step" in told.out + told.err
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    health = [line for line in lines if "health/diversity" in line]
    assert len(health) == 6 and health[-1]["health/diversity"] < 0.1
    assert health[-1]["health/overfitting"] == 0.0  # held out are the training points themselves
    names = {"discriminator/real_accuracy", "discriminator/fake_accuracy", "generator/update_ratio"}
    assert names <= lines[0].keys()


def test_players_with_conditions_are_watched_with_them(tmp_path):
    """Samples with those they were drawn for, which are those of the real ones."""
    labels = (POINTS[:, 0] > 0).astype(np.int32)
    source = ArraySource({"point": POINTS, "label": labels})
    seen = []
    game = vector_game(
        generator=MLPGenerator((2,), (8,), output_fn=None, num_classes=2),
        discriminator=MLPDiscriminator((8,), num_classes=2),
    )

    def told(key, example):
        return {"real": example["point"], "condition": example["label"]}

    with pytest.MonkeyPatch.context() as patch:
        logits = Samplers.logits

        def spy(self, state, samples, condition=None):
            seen.append((len(samples), condition))
            return logits(self, state, samples, condition)

        patch.setattr(Samplers, "logits", spy)
        train(
            tmp_path,
            game=game,
            source_fn=lambda: source,
            held_out_fn=lambda: source,
            prepare_fn=told,
        )
    assert [num for num, _ in seen] == [64] * 6  # samples, real, held out; twice
    for _, condition in seen:
        np.testing.assert_array_equal(condition, labels)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    health = [line for line in lines if "health/diversity" in line]
    assert [line["step"] for line in health] == [3, 6]
    assert health[-1]["health/overfitting"] == 0.0  # held-out samples are the training's here
