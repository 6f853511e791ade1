"""The table of mode collapse, and the spectrum of a run."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from games import vector_game
from test_experiments import load

from gan_jax.commands.spectrum import eigenvalues
from gan_jax.game import init
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.stability.jacobian import field_jacobian

DEVICES = 1
EXPERIMENTS = Path(__file__).parents[1] / "experiments"


def command(*args):
    return subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A row of the table, and the call that makes it."""
    out = tmp_path_factory.mktemp("modes")
    program = load(EXPERIMENTS / "benchmark_modes.py")
    row = partial(program.benchmark, rows=("ours-ring",), num_seeds=2, steps=100, out=out)
    row()
    return out, row


def test_a_row_is_a_run_and_the_others_stay_empty(table):
    out, _ = table
    lines = (out / "modes.md").read_text().splitlines()
    ours = next(line for line in lines if line.startswith("| ours-ring"))
    assert (
        "| 100 |" in ours and ours.count("+-") == 4 and ours.count("; ") == 4 and "seed" not in ours
    )
    other = next(line for line in lines if line.startswith("| pacgan-grid-1"))
    assert [cell.strip() for cell in other.split("|")[2:-2]] == [""] * 6
    assert "17.3 +- 0.8" in other and any("2500 samples a row" in line for line in lines)
    found = json.loads((out / "modes.json").read_text())
    assert list(found) == ["ours-ring"] and list(found["ours-ring"]["seeds"]["generated"]) == [
        "0",
        "1",
    ]
    assert (out / "ours-ring" / "samples.gif").is_file()


def test_a_finished_row_is_not_run_again_and_an_unknown_one_is_named(table, capsys, command_here):
    out, row = table
    before = (out / "ours-ring" / "metrics.jsonl").stat().st_mtime_ns
    row()
    assert "is finished: 100 of 100 steps" in capsys.readouterr().out
    assert (out / "ours-ring" / "metrics.jsonl").stat().st_mtime_ns == before
    code, _, err = command_here(EXPERIMENTS / "benchmark_modes.py", "--rows", "our-ring")
    assert code == 1 and "no row our-ring: expected some of ours-grid, ours-ring" in err


def test_the_spectrum_of_a_run(table, tmp_path, command_here):
    run_dir, picture = table[0] / "ours-ring", tmp_path / "spectrum.png"
    spectrum = partial(command_here, "-m", "gan_jax", "spectrum", run_dir)
    code, out, err = spectrum("--out", picture, "--num", 2, "--batch-size", 16)
    assert code == 0, err
    assert "largest real part" in out and picture.is_file()
    code, _, err = spectrum("--num", 0)
    assert code == 1 and "--num must be at least 1" in err


@pytest.mark.thorough
def test_the_row_and_its_spectrum_as_commands(tmp_path):
    row = ("--rows", "ours-ring", "--num-seeds", 1, "--steps", 100, "--out", tmp_path)
    made = command(EXPERIMENTS / "benchmark_modes.py", *row)
    assert made.returncode == 0 and (tmp_path / "modes.md").is_file(), made.stderr
    picture = tmp_path / "spectrum.png"
    drawn = command(
        "-m", "gan_jax", "spectrum", tmp_path / "ours-ring", "--out", picture, "--num", 3
    )
    assert drawn.returncode == 0 and picture.is_file(), drawn.stderr


def test_the_outermost_eigenvalues_are_those_of_the_whole_matrix(monkeypatch):
    game = vector_game(
        generator=MLPGenerator((2,), (5,), output_fn=None), discriminator=MLPDiscriminator((5,))
    )
    key = jax.random.key(0)
    batch = {"real": jax.random.normal(key, (1, 32, 2)) + jnp.array([1.0, 0.0])[None, None]}
    state = init(game, key, batch)
    every = np.linalg.eigvals(np.asarray(field_jacobian(game, state, batch, key), np.float64))
    whole = eigenvalues(game, state, batch, key)
    np.testing.assert_allclose(sorted(whole.real), sorted(every.real), atol=1e-4)
    monkeypatch.setattr("gan_jax.commands.spectrum.DENSE", 10)
    outermost = eigenvalues(game, state, batch, key, num=4)
    assert len(outermost) == 8
    assert outermost.real.max() == pytest.approx(every.real.max(), abs=1e-3)
    assert np.abs(outermost).max() == pytest.approx(np.abs(every).max(), abs=1e-3)
