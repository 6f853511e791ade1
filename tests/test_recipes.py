"""Claims about learning, on seeds and mixtures that no table holds: minutes, so on demand (-m slow)."""

import dataclasses
from functools import partial

import pytest
from experiment_files import file_of, load
from test_mixtures import spiral

from gan_jax.data import Data, as_is
from gan_jax.data.draws import Draws
from gan_jax.drawing.pictures import plane_picture
from gan_jax.drawing.shown import pictured
from gan_jax.metrics.evaluators.mixtures import mixture_modes
from gan_jax.training.figures_log import read_figures
from gan_jax.training.runner import run

FILE = file_of("mixture")
mixture = load(FILE)


def rows_of_seeds(experiment, run_dir):
    run(experiment, run_dir=run_dir, experiment_file=FILE, arguments={})
    rows = {}
    for line in read_figures(run_dir / "figures.jsonl"):
        if line["draw_seed"] == "evaluate_final" and line["step"] == experiment.steps:
            rows.setdefault(line["seed"], {})[line["figure"]] = line["value"]
    assert len(rows) == experiment.num_seeds
    return rows.values()


@pytest.mark.slow
def test_the_ring_on_seeds_of_no_table(tmp_path):
    experiment = dataclasses.replace(mixture.experiment(shape="ring", seed=1000), num_seeds=3)
    for row in rows_of_seeds(experiment, tmp_path):
        assert row["modes"] == 8 and row["high_quality_share"] >= 0.96 and row["kl"] <= 0.01


@pytest.mark.slow
def test_a_mixture_of_somebodys_own(tmp_path):
    """13 modes along a spiral, of unequal weights and widths, with the recipe of the ring."""
    truth = spiral()
    experiment = dataclasses.replace(
        mixture.experiment(shape="ring", seed=1000),
        num_seeds=3,
        data=Data(
            source_fn=partial(truth.source, 100_000, seed=0),
            held_out_fn=partial(truth.source, 2500, seed=1),
            prepare_fn=as_is,
            batches_fn=Draws,
        ),
        evaluators={"modes": partial(mixture_modes, truth=truth)},
        artefacts_fn=pictured(plane_picture(truth.sample(2500, seed=2)), num=2500),
    )
    for row in rows_of_seeds(experiment, tmp_path):
        assert row["modes"] >= 12 and row["high_quality_share"] >= 0.9 and row["kl"] <= 0.05
