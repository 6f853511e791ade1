"""Run folders of earlier versions are read by this one: their states, their samples, their next step."""

import dataclasses
import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax.drawing import players_of
from gan_jax.game import Memory, draw_latents
from gan_jax.game.keys import run_keys
from gan_jax.remedies.lecam import lecam, logits_average
from gan_jax.training.experiment import rebuild
from gan_jax.training.restore import best_state, last_state
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.runner import run

# name -> the file that the run's experiment was in; samples.json is what the version that wrote it drew
FOLDERS = {
    "golden": "gaussian_mlp",  # before games were opened: `average`, and averages of the logits
    "golden_open": "open_game",  # `ema`, memories, the shapes of a batch
}
every_folder = pytest.mark.parametrize("name", FOLDERS)


def copied(name, tmp_path):
    shutil.copytree(Path(__file__).parent / name, tmp_path / name)
    return RunFolder(tmp_path / name)


@every_folder
def test_its_states_draw_what_they_drew(name, tmp_path, capsys):
    folder = copied(name, tmp_path)
    experiment = rebuild(folder, trust=True)
    for checkpoint, read in (("last", last_state), ("best", best_state)):
        state = read(folder, experiment)
        assert int(state.step) == 60
        # the latents are those of the version that wrote it
        key = jax.random.split(run_keys(experiment.root_key).drawing)[0]
        players = players_of(experiment.game, state, key=key)
        drawn = np.asarray(players.generator_fn(draw_latents(experiment.game, key, 8)))
        expected = json.loads((folder.path / "samples.json").read_text())[checkpoint]
        np.testing.assert_allclose(drawn.ravel(), expected, rtol=1e-4, atol=1e-6)
    told = "its `average` is now `ema`; the averages of its logits are dropped"
    assert (told in capsys.readouterr().err) == (name == "golden")


@pytest.mark.thorough
@every_folder
def test_it_goes_on(name, tmp_path, capsys):
    folder = copied(name, tmp_path)
    arguments = folder.config()["arguments"] | {"steps": 80}
    file = folder.path.with_name(f"{FOLDERS[name]}.py")  # as it was called then
    shutil.copyfile(folder.experiment_file, file)
    run(
        rebuild(folder, trust=True, steps=80),
        run_dir=folder.path,
        experiment_file=file,
        arguments=arguments,
    )
    assert f"resuming {folder.path} at step 60 of 80" in capsys.readouterr().out
    assert int(last_state(folder, rebuild(folder, trust=True)).step) == 80
    leaves = jax.tree.leaves(best_state(folder, rebuild(folder, trust=True)))
    assert all(np.isfinite(leaf).all() for leaf in leaves)


def test_the_old_averages_of_logits_become_a_memory(tmp_path):
    folder = copied("golden", tmp_path)
    built = rebuild(folder, trust=True)

    def with_memory(memory):
        game = dataclasses.replace(built.game, discriminator_terms=lecam(), memory=memory)
        return last_state(folder, dataclasses.replace(built, game=game))

    average = with_memory(logits_average()).memory["logits_average"]
    assert float(average.real) != 0.0 != float(average.fake)
    pool = {"pool": Memory(lambda rows: 0.0, lambda key, value, seen: value)}
    with pytest.raises(ValueError, match="a version without memories, and the game has pool"):
        with_memory(pool)
