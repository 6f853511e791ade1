"""A run folder of the first version (0.1) is read by this one: its states, its samples, its next step."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import rebuild
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.runner import run
from gan_jax.training.states import best_state, last_state

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = GOLDEN / "samples.json"  # what the version that wrote the folder drew with it


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "golden")
    return RunFolder(tmp_path / "golden")


def test_its_states_draw_what_they_drew(folder):
    experiment = rebuild(folder)
    for name, read in (("last", last_state), ("best", best_state)):
        state = read(folder, experiment)
        assert int(state.step) == 60
        drawn = Drawer(experiment).draw(state, 8)
        expected = json.loads(SAMPLES.read_text())[name]
        np.testing.assert_allclose(drawn.ravel(), expected, rtol=1e-4, atol=1e-6)


def test_it_goes_on(folder, capsys):
    arguments = folder.config()["arguments"] | {"steps": 80}
    file = folder.path.with_name("gaussian_mlp.py")  # as it was called then
    shutil.copyfile(folder.experiment_file, file)
    run(
        rebuild(folder, steps=80),
        run_dir=folder.path,
        experiment_file=file,
        arguments=arguments,
    )
    assert f"resuming {folder.path} at step 60 of 80" in capsys.readouterr().out
    assert int(last_state(folder, rebuild(folder)).step) == 80
    assert all(
        np.isfinite(leaf).all() for leaf in jax.tree.leaves(best_state(folder, rebuild(folder)))
    )
