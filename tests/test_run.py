"""A run as an object: what is read, drawn and measured; a run without a file; and how a run stands."""

import dataclasses
import fcntl
import json
import os
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from games import vector_game
from test_training import experiment

import gan_jax
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators import Evaluator, Figure
from gan_jax.training.json_files import add_lines, read_json, write_json
from gan_jax.training.run_lock import holder_of, locked
from gan_jax.training.status import read_status

DEVICES = 1
TESTS = Path(__file__).parent


def spread(data):
    return Evaluator(
        measure_fn=lambda sampler: {"spread": Estimate(float(sampler.draw().samples.std()))},
        figures={"spread": Figure("spread", "more")}, protocol={"description": "of all numbers"},
        num=8,
    )  # fmt: skip


def built(**changes):
    options = dict(
        evaluators={"quality": spread}, evaluate_every_steps=2, save_every_steps=2, steps=4,
        sample_every_steps=2, draw_options={"scale": 1.0}, draw_fn=scaled,
    )  # fmt: skip
    return experiment(**(options | changes))


def scaled(players, latents, rows):
    return players.generator_fn(latents) * rows["scale"][:, None]


@pytest.fixture(autouse=True, scope="module")
def no_curves():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan_jax.training.observers.save_curves", lambda *files: None)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Trained here, without a file."""
    return gan_jax.train(built(), tmp_path_factory.mktemp("runs") / "here")


@pytest.fixture
def copied(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "copy")
    return tmp_path / "copy"


# What is read needs no code.


def test_its_files_are_read(run):
    read = gan_jax.open_run(run.path)
    assert read.config["experiment"] is None and read.config["options"]["steps"] == 4
    assert {line["step"] for line in read.metrics()} == {0, 1, 2, 3, 4}
    measured = [line["step"] for line in read.figures() if line["draw_seed"] == "evaluate"]
    assert measured == [0, 2, 4]
    assert list(read.artefacts("samples")) == [0, 2, 4]
    with pytest.raises(ValueError, match="has no artefact 'walk': it has samples"):
        read.artefacts("walk")
    best = read_json(run.path / "summary.json")["best"]["step"]
    assert repr(read).endswith(
        f"here: an experiment without a file, step 4 is saved, best at step {best}>"
    )


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no run folder"):
        gan_jax.open_run(tmp_path)


# What draws and measures builds the experiment.


def test_states_by_name(run, copied):
    best = read_json(run.path / "summary.json")["best"]["step"]
    steps = {name: int(run.state(name).step) for name in ("last", "best", 2)}
    assert steps == {"last": 4, "best": best, 2: 2}
    shutil.rmtree(copied / "best")
    assert int(gan_jax.open_run(copied, experiment=built()).state("best").step) == 4


def test_a_sample_is_the_same_for_every_number_and_another_for_every_seed_and_weights(run):
    few, many = run.draw(5, seed=1).samples, run.draw(7, seed=1).samples
    np.testing.assert_array_equal(few, many[:5])
    assert many.shape == (7, 2)
    options = ({"seed": 2}, {"ema": False, "seed": 1}, {"checkpoint": 2, "seed": 1}, {})
    for other in options:
        assert np.abs(run.draw(7, **({"checkpoint": "last"} | other)).samples - many).max() > 1e-6
    np.testing.assert_allclose(run.draw(7, seed=1, scale=2.0).samples, 2 * many, rtol=1e-6)
    with pytest.raises(ValueError, match="drawing takes no scael: it takes real, rows, scale"):
        run.draw(7, scael=2.0)
    with pytest.raises(ValueError, match=r"must be in 0 \.\. 0, got 1"):
        run.sampler(seed_index=1)


def test_it_is_measured(copied, capsys):
    run = gan_jax.open_run(copied, experiment=built())
    (line,) = run.evaluate("quality", checkpoint="last", seed=5)
    assert (line["step"], line["draw_seed"], line["weights"]) == (4, 5, "ema")
    assert line["value"] == pytest.approx(
        float(run.draw(8, seed=5, checkpoint="last").samples.std())
    )
    assert run.figures()[-1] == line
    with pytest.raises(ValueError, match="no evaluator fid: this experiment has quality"):
        run.evaluate("fid")

    def failing(data):
        def measure(sampler):
            raise ValueError("too bad")

        return dataclasses.replace(spread(data), measure_fn=measure)

    broken = gan_jax.open_run(copied, experiment=built(evaluators={"quality": failing}))
    (line,) = broken.evaluate(seed=6)
    assert (
        line["value"] is None and "quality failed (ValueError: too bad)" in capsys.readouterr().err
    )


def test_a_run_without_a_file_asks_for_its_experiment(run, tmp_path, command_here):
    with pytest.raises(ValueError, match=r"without an experiment file.*open_run\(path, experiment"):
        gan_jax.open_run(run.path).draw(4)
    code, _, err = command_here("-m", "gan_jax", "sample", run.path)
    assert code == 1 and "was trained without an experiment file" in err
    code, _, _ = command_here("-m", "gan_jax", "report", run.path, "--out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert code == 0 and "experiment without a file" in page and "experiment.py" not in page
    with pytest.raises(ValueError, match="an experiment has its data"):
        gan_jax.open_run(run.path, experiment=built(), data_dir="data")


# A run without a file goes on where what can be seen is the same.


def test_it_goes_on_and_says_what_it_cannot_see(copied, capsys):
    run = gan_jax.train(built(steps=6), copied)
    said = capsys.readouterr()
    assert (
        "at step 4 of 6" in said.out
        and "a changed loss or learning rate cannot be seen" in said.err
    )
    assert int(run.state("last").step) == 6 and run.status().total == 6
    leaves = jax.tree.leaves(run.state("last"))
    whole = gan_jax.train(built(steps=6), copied.parent / "whole").state("last")
    jax.tree.map(np.testing.assert_array_equal, leaves, jax.tree.leaves(whole))


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(seed=1), r"arguments\.seed: the run has 0, the command 1"),
        (dict(batch_size=8), r"arguments\.batch_size: the run has 16, the command 8"),
        (
            dict(game=vector_game(latent_size=4)),
            r"state\..*kernel: the run has float32\[3, 8\], the command float32\[4, 8\]",
        ),
    ],
)
def test_another_run_is_refused(run, changes, message):
    before = {path: path.read_bytes() for path in run.path.glob("*.json*")}
    with pytest.raises(ValueError, match=message):
        gan_jax.train(built(**changes, steps=6), run.path)
    assert {path: path.read_bytes() for path in run.path.glob("*.json*")} == before
    with pytest.raises(FileExistsError, match="holds a run already"):
        gan_jax.train(built(), run.path, resume=False)


# How it stands.


def test_a_finished_run(run):
    status, summary = run.status(), read_json(run.path / "summary.json")
    assert (status.steps, status.total, status.logged, status.finished) == (4, 4, 4, True)
    assert status.checkpoints == {2: None, 4: None} and status.best_fault is None
    assert status.best._asdict() == summary["best"]
    assert status.next == "says that it is finished" and not status.holder.lives
    files = sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file())
    assert status.num_bytes == files and status.seconds > 0
    (line,) = status.figures
    assert (line["step"], line["draw_seed"]) == (4, "evaluate_final")


def test_what_the_same_command_would_do(copied):
    assert "finished" in read_status(copied).next
    config = read_json(copied / "config.json")
    write_json(copied / "config.json", config | {"options": {"steps": 8}})
    assert read_status(copied).next == "goes on at step 4 of 8"
    with locked(copied):
        assert "is refused, because process" in read_status(copied).next
    assert read_status(copied).next == "goes on at step 4 of 8"
    for step, said in ((4, "goes on at step 2 of 8"), (2, "no checkpoint is whole")):
        (file, *_) = (copied / "checkpoints" / str(step) / "state").rglob("_METADATA")
        file.write_bytes(b"")
        status = read_status(copied)
        assert status.checkpoints[step] == "state/_METADATA is not what was saved (SHA-256)"
        assert said in status.next
    shutil.rmtree(copied / "checkpoints")
    assert read_status(copied).next == "begins at step 0, because no checkpoint was saved"


def test_who_only_asks_keeps_no_run_from_starting(copied, monkeypatch):
    with (copied / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        monkeypatch.setattr("gan_jax.training.run_lock.time.sleep", lambda seconds: file.close())
        with locked(copied):
            assert holder_of(copied).process == os.getpid()


def test_a_run_that_was_stopped_by_its_patience(copied):
    config, summary = (read_json(copied / f"{name}.json") for name in ("config", "summary"))
    for asked, finished in ((3, True), (5, False), (None, False)):
        options = {"steps": 8, "patience": asked}
        write_json(copied / "config.json", config | {"options": options})
        write_json(copied / "summary.json", summary | {"patience": 3})
        assert read_status(copied).finished == finished


def test_the_command_says_all_of_it(copied, command_here):
    change = {"field": "arguments.lr", "from": 0.1, "to": "\x1b[31m"}
    add_lines(copied / "history.jsonl", [{"date": "then", "step": 2, "changed": [change, 7]}])
    best = read_json(copied / "summary.json")["best"]
    (copied / "checksums" / "2.json").unlink()
    before = sorted(path for path in copied.rglob("*"))
    code, out, err = command_here("-m", "gan_jax", "status", copied)
    assert code == 0 and not err
    for text in (
        "4 of 4 are saved", "step 2: without checksums", "step 4: whole", f"step {best['step']}, quality/spread {best['value']:g}",
        "then: at step 2", "arguments.lr was 0.1, is ?[31m", "free; the last was process", "generated, step 4",
        "MiB", "the same command says that it is finished", "generator/loss",
    ):  # fmt: skip
        assert text in out
    assert sorted(path for path in copied.rglob("*")) == before
    code, _, err = command_here("-m", "gan_jax", "status", copied / "checkpoints")
    assert code == 1 and "is no run folder" in err


def test_damaged_files_are_named(copied, command_here):
    (copied / "config.json").write_text(json.dumps([1]))
    code, _, err = command_here("-m", "gan_jax", "status", copied)
    assert code == 1 and "config.json must hold a JSON object, got list" in err


# Folders of earlier versions.


@pytest.mark.parametrize("name", ["golden", "golden_open"])
def test_a_folder_of_format_1(name, command_here):
    run = gan_jax.open_run(TESTS / name, trust=True)
    status = run.status()
    assert (status.steps, status.total, status.finished) == (60, 60, True)
    assert status.holder is None and status.best == (60, None, None) and not run.figures()
    code, out, _ = command_here("-m", "gan_jax", "status", TESTS / name)
    assert code == 0 and "60 of 60 are saved" in out and "no figures are recorded" in out
    samples = run.draw(4, seed=1).samples
    assert samples.shape == (4, 1) and np.isfinite(samples).all()
