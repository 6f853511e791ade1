"""What a resume may change, what it keeps, and that one process at a time trains in a folder."""

import dataclasses
import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from test_training import GAME, POINTS, experiment, final_state, train

from gan_jax.data import ArraySource
from gan_jax.training import checkpoint
from gan_jax.training.json_files import read_json, read_lines
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_lock import locked

DEVICES = 2  # as the run that theirs are compared with


def test_a_second_process_is_refused_and_a_dead_one_is_not(tmp_path):
    hold = (
        "import sys, time; from pathlib import Path; from gan_jax.training.run_lock import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(OSError, match=rf"in use by process {process.pid} on .*--run-dir"):
            train(tmp_path)
        assert not (tmp_path / "config.json").exists()
    finally:  # or it would sleep on
        process.kill()
        process.communicate()
    train(tmp_path, steps=2)
    with locked(tmp_path):
        pass


def test_an_allowed_change_is_kept_in_the_runs_history(tmp_path):
    train(tmp_path, arguments={"lr": 0.01, "width": 8}, steps=4)
    with pytest.raises(ValueError, match="--allow-changed with the names"):
        train(tmp_path, arguments={"lr": 0.02, "width": 8})
    with pytest.raises(ValueError, match=r"arguments.width: the run has 8, the command 9"):
        train(tmp_path, arguments={"lr": 0.02, "width": 9}, allow_changed=["lr"])
    with pytest.raises(ValueError, match="--allow-changed rate: no such field"):
        train(tmp_path, arguments={"lr": 0.02, "width": 8}, allow_changed=["rate"])
    train(tmp_path, arguments={"lr": 0.02, "width": 8}, allow_changed=["lr"], steps=6)
    other = ArraySource({"point": POINTS + 1.0})
    options = dict(arguments={"lr": 0.02, "width": 8}, source_fn=lambda: other)
    train(tmp_path, **options, allow_changed=["data"], steps=8)
    train(tmp_path, **options, steps=10)  # what was allowed is now the run's own
    history = read_lines(tmp_path / "history.jsonl")
    assert [line["step"] for line in history] == [0, 4, 6, 8]
    changes = [change for line in history for change in line["changed"]]
    assert [change["field"] for change in changes] == ["arguments.lr", "data.sha256"]
    assert changes[0]["from"] == 0.01 and changes[0]["to"] == 0.02
    assert int(final_state(tmp_path).step) == 10


def test_the_newest_and_every_so_many_are_kept(tmp_path):
    train(tmp_path, steps=20, save_every_steps=2, keep_every_steps=6)
    folder = RunFolder(tmp_path)
    kept = sorted(int(path.name) for path in folder.checkpoints.iterdir())
    assert kept == [6, 12, 16, 18, 20]
    sums = sorted(int(path.stem) for path in (tmp_path / "checksums").iterdir())
    assert sums == kept
    json.loads((tmp_path / "config.json").read_text())
    with pytest.raises(ValueError, match="positive multiple of save_every_steps=2, got 5"):
        experiment(save_every_steps=2, keep_every_steps=5)


def test_a_full_disk_is_told_before_a_save_and_nothing_is_lost(whole, tmp_path, monkeypatch):
    room = iter([2**30, 2**30, 2**10])
    with monkeypatch.context() as patch:
        usage = lambda folder: SimpleNamespace(free=next(room))  # noqa: E731
        patch.setattr(checkpoint.shutil, "disk_usage", usage)
        with pytest.raises(OSError, match=r"no room for .* step 6: .* the checkpoint of step 4 is"):
            train(tmp_path / "full")
    assert sorted(p.name for p in (tmp_path / "full" / "checkpoints").iterdir()) == ["2", "4"]
    train(tmp_path / "full")
    states = [final_state(run_dir) for run_dir in (whole, tmp_path / "full")]
    jax.tree.map(np.testing.assert_array_equal, *states)


def test_a_disk_that_fails_elsewhere_is_told_too(tmp_path, monkeypatch):
    train(tmp_path, steps=2)
    with monkeypatch.context() as patch:

        def full(path, tree):
            raise OSError(28, "No space left on device", str(path))

        patch.setattr("gan_jax.training.same_run.write_json", full)
        with pytest.raises(
            OSError, match=r"No space left on device\); the checkpoint of step 2 is"
        ):
            train(tmp_path)
    train(tmp_path)
    assert int(final_state(tmp_path).step) == 6


@pytest.mark.parametrize("harm", ("a flipped byte", "a missing file"))
def test_a_harmed_checkpoint_is_set_aside(whole, tmp_path, harm, capsys):
    """The run goes on from the one before, and ends where an unharmed one does."""
    shutil.copytree(whole, tmp_path / "harmed")
    folder = RunFolder(tmp_path / "harmed")
    folder.summary_file.unlink()  # as if killed before the figures
    largest = max((folder.checkpoints / "6").rglob("*"), key=lambda path: path.stat().st_size)
    if harm == "a flipped byte":
        data = bytearray(largest.read_bytes())
        data[len(data) // 2] ^= 1
        largest.write_bytes(bytes(data))
    else:
        largest.unlink()
    train(tmp_path / "harmed")
    said = capsys.readouterr()
    assert "resuming" in said.out and "at step 4 of 6" in said.out
    assert "step 6" in said.err and "SHA-256" in said.err and "unreadable_checkpoints" in said.err
    states = [final_state(run_dir) for run_dir in (whole, tmp_path / "harmed")]
    jax.tree.map(np.testing.assert_array_equal, *states)
    shutil.rmtree(tmp_path / "harmed")


def test_micro_batches_belong_to_the_run(tmp_path):
    """They change what batch norm sees, so a resume has as many."""
    halves = dataclasses.replace(GAME, micro_batches=2)
    train(tmp_path, game=halves, steps=2)
    with pytest.raises(ValueError, match="micro_batches: the run has 2, the command 1"):
        train(tmp_path)
    train(tmp_path, game=halves, steps=4)
    config = read_json(tmp_path / "config.json")
    assert config["micro_batches"] == 2
    del config["micro_batches"]  # as an older version wrote it
    (tmp_path / "config.json").write_text(json.dumps(config))
    train(tmp_path)
    assert int(final_state(tmp_path).step) == 6
