"""The table of mode collapse, and the spectrum of a run."""

import json
import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from experiment_files import file_of, load
from games import vector_game

from gan_jax.commands.spectrum import eigenvalues
from gan_jax.commands.table import table as modes_table
from gan_jax.game import init
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.stability.jacobian import field_jacobian
from gan_jax.tables import plan

DEVICES = 1
MODES = file_of("benchmark_modes")


def command(*args):
    return subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A row of the table, and the call that makes it."""
    out = tmp_path_factory.mktemp("modes")
    row = partial(modes_table, MODES, rows=("ours-ring",), num_seeds=2)
    row = partial(row, steps=100, out=out)
    row()
    return out, row


@pytest.mark.thorough
def test_a_row_is_a_run_and_the_others_stay_empty(table):
    out, _ = table
    lines = (out / "table.md").read_text().splitlines()
    ours = next(line for line in lines if line.startswith("| ours-ring"))
    assert ours.startswith("| ours-ring | 2 | 100 |")
    assert ours.count("+-") == 4 and ours.count("worst") >= 3
    assert [line.split(" | ")[0] for line in lines if line.startswith("| *")] == [
        "| *real*",
        "| *noise*",
    ]
    other = next(line for line in lines if line.startswith("| pacgan-grid-1"))
    assert [cell.strip() for cell in other.split("|")[2:-2]] == ["", ""]
    assert "17.3 +- 0.8, 0.948 +- 0.007, 0.7 +- 0.07" in other
    found = json.loads((out / "table.json").read_text())["rows"]
    assert [name for name, row in found.items() if row["cells"]] == ["ours-ring"]
    figures = ["modes/modes", "modes/high_quality_share", "modes/kl", "modes/width"]
    cells, references = (found["ours-ring"][name] for name in ("cells", "references"))
    assert list(cells) == figures and list(references["real"]) == figures
    assert list(cells["modes/kl"]["values"]) == ["0", "1"]
    assert 0.98 < references["real"]["modes/high_quality_share"]["mean"] <= 1.0
    assert references["real"]["modes/modes"]["mean"] == 8
    assert (out / "ours-ring" / "samples.gif").is_file() and (out / "table.png").is_file()


@pytest.mark.thorough
def test_a_finished_row_is_not_run_again_and_an_unknown_one_is_named(table, capsys, command_here):
    out, row = table
    before = (out / "ours-ring" / "metrics.jsonl").stat().st_mtime_ns
    row()
    assert "ours-ring is finished" in capsys.readouterr().out
    assert (out / "ours-ring" / "metrics.jsonl").stat().st_mtime_ns == before
    code, _, err = command_here(MODES, "--rows", "our-ring")
    assert code == 1 and "no row our-ring: did you mean ours-ring?" in err


def test_every_row_is_a_call_of_its_experiment(tmp_path):
    """No argument is misspelt, and every recipe is built."""
    made = load(MODES).table()
    built = []
    for name, row in made.rows.items():
        (planned,) = plan(made, name, tmp_path, folder=MODES.parent)
        experiment = load(planned.file).experiment(**planned.arguments)
        built.append((row.arguments["recipe"], experiment.steps))
    assert len(built) == 37 and ("pacgan", 400_000) in built and ("tiny", 500_000) in built


@pytest.mark.thorough
def test_the_spectrum_of_a_run(table, tmp_path, command_here):
    run_dir, picture = table[0] / "ours-ring", tmp_path / "spectrum.png"
    spectrum = partial(command_here, "-m", "gan_jax", "spectrum", run_dir)
    code, out, err = spectrum("--out", picture, "--num", 2, "--batch-size", 16)
    assert code == 0, err
    assert "largest real part" in out and picture.is_file()
    code, _, err = spectrum("--num", 0)
    assert code == 1 and "--num must be at least 1" in err


@pytest.mark.slow
def test_the_row_and_its_spectrum_as_commands(tmp_path):
    row = ("--rows", "ours-ring", "--num-seeds", 1, "--steps", 100, "--out", tmp_path)
    made = command(MODES, *row)
    assert made.returncode == 0 and (tmp_path / "table.md").is_file(), made.stderr
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
