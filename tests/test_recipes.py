"""Claims about learning, on seeds and mixtures that no table holds: minutes, so on demand (-m slow)."""

import dataclasses
from functools import partial
from pathlib import Path

import pytest
from test_experiments import load
from test_mixtures import spiral

from gan_jax.drawing.pictures import plane_picture
from gan_jax.metrics.mixture_judge import mixture_modes
from gan_jax.training.run_folder import read_json
from gan_jax.training.runner import run

FILE = Path(__file__).parents[1] / "experiments" / "mixture.py"
mixture = load(FILE)


def rows_of_seeds(experiment, run_dir):
    run(experiment, run_dir=run_dir, experiment_file=FILE, arguments={})
    return read_json(run_dir / "summary.json")["seeds"]["generated"].values()


@pytest.mark.slow
def test_the_ring_on_seeds_of_no_table(tmp_path):
    experiment = dataclasses.replace(mixture.experiment(shape="ring", seed=1000), num_seeds=3)
    for row in rows_of_seeds(experiment, tmp_path):
        assert row["modes of 8"] == 8 and row["high quality %"] >= 96 and row["KL"] <= 0.01


@pytest.mark.slow
def test_a_mixture_of_somebodys_own(tmp_path):
    """13 modes along a spiral, of unequal weights and widths, with the recipe of the ring."""
    truth = spiral()
    experiment = dataclasses.replace(
        mixture.experiment(shape="ring", seed=1000),
        num_seeds=3,
        source_fn=partial(truth.source, 100_000, seed=0),
        held_out_fn=None,
        judge_fn=partial(mixture_modes, truth=truth),
        picture_fn=plane_picture(truth.sample(2500, seed=2)),
    )
    for row in rows_of_seeds(experiment, tmp_path):
        assert row["modes of 13"] >= 12 and row["high quality %"] >= 90 and row["KL"] <= 0.05
