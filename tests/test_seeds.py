"""Many seeds in one program: each is the run of that seed alone."""

import contextlib
import io
import json

import jax
import numpy as np
import optax
import pytest
from games import vector_game
from test_training import POINTS, experiment, train

from gan_jax.augment import of_example
from gan_jax.data import ArraySource, Batches, as_is
from gan_jax.data.batches import Feed
from gan_jax.data.draws import Draws
from gan_jax.game.initial import shapes_of_samples
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators import Evaluator, Figure
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.mlp import MLPGenerator
from gan_jax.training.figures_log import read_figures
from gan_jax.training.figures_table import cell, worst
from gan_jax.training.loop import NonFiniteError
from gan_jax.training.over_seeds import Value, grouped
from gan_jax.training.restore import check_memory, last_state, members_of
from gan_jax.training.run_folder import RunFolder

# SGD: the gradient of a bias before batch norm is rounding error, which Adam would make large
GAME = vector_game(
    generator=MLPGenerator((2,), (8,), norm_fn=BatchNorm, output_fn=None),
    generator_optimizer=optax.sgd(0.05),
    discriminator_optimizer=optax.sgd(0.05),
)


def moments(data):
    def measure(sampler):
        samples = sampler.draw().samples
        return {"mean": Estimate(float(samples.mean())), "spread": Estimate(float(samples.std()))}

    return Evaluator(
        measure_fn=measure, figures={"mean": Figure("mean"), "spread": Figure("spread", "more")},
        protocol={}, num=16,
    )  # fmt: skip


def measured(run_dir, step=12):
    """The spread of each seed."""
    return {
        line["seed"]: line["value"]
        for line in read_figures(run_dir / "figures.jsonl")
        if (line["figure"], line["step"], line["draw_seed"]) == ("spread", step, "evaluate_final")
    }


@of_example
def jitter(key, points, turn=None):
    return points + 0.1 * jax.random.normal(key, points.shape)


def options(**changes):
    shared = dict(
        game=GAME, evaluators={"moments": moments}, evaluate_every_steps=3, augment_fn=jitter,
        steps_per_call=3,
        steps=12, log_every_steps=3, save_every_steps=6,
    )  # fmt: skip
    return shared | changes


@pytest.mark.parametrize(
    "batches_fn",
    [
        pytest.param(Batches, marks=pytest.mark.thorough),
        pytest.param(Draws, marks=pytest.mark.slow),
    ],
)
def test_a_seed_among_three_is_the_run_of_that_seed(tmp_path, batches_fn):
    """Initialisation, data order, augmentation and noise are its own, whatever runs beside it."""
    train(tmp_path / "three", **options(seed=5, num_seeds=3, batches_fn=batches_fn))
    train(tmp_path / "one", **options(seed=6, batches_fn=batches_fn))
    three = last_state(RunFolder(tmp_path / "three"), experiment(**options(num_seeds=3)))
    one = last_state(RunFolder(tmp_path / "one"), experiment(**options()))
    second = members_of(three, 3)[1]
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)  # noqa: E731
    jax.tree.map(close, second, one)
    first = members_of(three, 3)[0].generator.params
    assert not np.allclose(*[jax.tree.leaves(p)[1] for p in (first, one.generator.params)])
    rows = [measured(tmp_path / name) for name in ("three", "one")]
    assert list(rows[0]) == [5, 6, 7]
    close(rows[0][6], rows[1][6])


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("three")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        train(run_dir, **options(num_seeds=3))
    (run_dir / "said.txt").write_text(said.getvalue())
    return run_dir


def test_figures_are_means_with_errors_and_the_worst_is_named(three):
    spreads = measured(three)
    mean, said = np.mean(list(spreads.values())), (three / "said.txt").read_text()
    error = np.std(list(spreads.values()), ddof=1) / np.sqrt(3)
    assert f"{mean:.4g} +- {error:.2g}" in said
    lowest = min(spreads, key=spreads.get)  # of the spread, more is better
    assert f"worst seed {lowest}: spread {spreads[lowest]:g}" in said
    lines = [json.loads(line) for line in (three / "metrics.jsonl").read_text().splitlines()]
    told = [line for line in lines if "eval/moments/spread" in line]
    assert [line["step"] for line in told] == [0, 3, 6, 9, 12]
    during = [
        line["value"]
        for line in read_figures(three / "figures.jsonl")
        if (line["figure"], line["step"], line["draw_seed"]) == ("spread", 12, "evaluate")
    ]
    assert told[-1]["eval/moments/spread"] == pytest.approx(np.mean(during))


@pytest.mark.thorough
def test_interrupted_seeds_go_on_bit_for_bit(three, tmp_path):
    train(tmp_path, **options(num_seeds=3, steps=6))
    train(tmp_path, **options(num_seeds=3))
    states = [
        last_state(RunFolder(d), experiment(**options(num_seeds=3))) for d in (three, tmp_path)
    ]
    jax.tree.map(np.testing.assert_array_equal, *states)


def test_mean_error_and_worst_by_hand():
    told = {"evaluator": "e", "figure": "f", "row": "generated", "standard_error": 9.0}
    told["protocol"] = "p"
    lines = [told | {"seed": seed, "value": v} for seed, v in enumerate((1.0, 3.0, 8.0))]
    by_seed = grouped(lines, lambda line: line["row"])["generated"]["e/f"]
    assert cell(by_seed) == f"4 +- {np.sqrt(13 / 3):.2g}"
    assert cell({0: by_seed[0]}) == "1 +- 9" and cell({}) == "-"
    assert cell(by_seed | {3: Value(None)}) == "-"
    assert worst(lines, "e", "f", "less") == (2, 8.0) and worst(lines, "e", "f", "more") == (0, 1.0)
    assert worst(lines[:1], "e", "f", "less") is None


def test_what_seeds_refuse(three, tmp_path):
    with pytest.raises(ValueError, match="num_seeds: the run has 3, the command 2"):
        train(three, **options(num_seeds=2, steps=24))
    with pytest.raises(ValueError, match="num_seeds must be at least 1, got 0"):
        experiment(num_seeds=0)
    with pytest.raises(
        ValueError, match=r"of \d+ seeds need at least .* GiB .* num_seeds can be at most \d+"
    ):
        check_memory(experiment(num_seeds=10**9), shapes_of_samples(GAME, 16))
    with pytest.raises(ValueError, match="parameter_shards=2 belongs to --parallel jit, got pmap"):
        train(tmp_path, parallel="pmap", parameter_shards=2, **options(num_seeds=2))


def test_a_value_that_is_not_finite_names_its_seed(tmp_path):
    """Only the second seed's data are infinite: its examples carry the seed they were drawn with."""

    class Spoiled(Batches):
        def feed(self, prepare_fn, *, augment_fn=None):
            return Feed({}, self._read, lambda resident, tree, key: tree)

        def _read(self, step, count):
            real = POINTS[self.indices(step, count)]
            return {"real": real * (np.inf if self.spoiled and step >= 6 else 1)}

        def __init__(self, source, *, seed, **rest):
            super().__init__(source, seed=seed, **rest)
            self.spoiled = seed == 8

    with pytest.raises(NonFiniteError, match=r"of seed 8 became nan at step 7"):
        train(tmp_path, **options(seed=7, num_seeds=2, batches_fn=Spoiled, augment_fn=None))


def test_draws_are_a_function_of_key_and_position_and_uniform():
    source = ArraySource({"real": np.arange(10, dtype=np.float32)[:, None]})
    draws = Draws(source, batch_size=500, steps_per_round=2)
    feed = draws.feed(as_is)
    key = jax.random.key(3)
    one = feed.load_fn(feed.resident, feed.feed_fn(4, 1)[0], key)["real"]
    two = feed.load_fn(feed.resident, feed.feed_fn(3, 2)[1], key)["real"]
    np.testing.assert_array_equal(one, two)
    counts = np.bincount(np.asarray(one, int).ravel(), minlength=10)
    assert one.shape == (2, 500, 1) and counts.min() > 60 and counts.max() < 140
    with pytest.raises(TypeError, match="source in memory"):
        Draws([1, 2], batch_size=1)
    with pytest.raises(ValueError, match="batch_size"):
        Draws(source, batch_size=0)
