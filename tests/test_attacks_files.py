"""Files of a run folder that are damaged or hostile, and numbers of commands that mean nothing: one sentence each."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gan_jax.commands.command import as_command
from gan_jax.commands.evaluate import evaluate
from gan_jax.commands.replay import replay
from gan_jax.commands.report import report
from gan_jax.commands.sample import sample
from gan_jax.commands.spectrum import spectrum
from gan_jax.commands.status import status
from gan_jax.commands.table import table
from gan_jax.training.given import load_given, save_given
from gan_jax.training.run_folder import RunFolder

DEVICES = 1
GOLDEN = Path(__file__).parent / "golden"
DEEP = b"[" * 100_000


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # where trust is remembered
    shutil.copytree(GOLDEN, tmp_path / "run")
    return tmp_path / "run"


def refused(command, capsys, *args, **options):
    """What a command says that ends with 1."""
    with pytest.raises(SystemExit) as ended:
        command(*args, **options)
    said = capsys.readouterr().err
    assert ended.value.code == 1 and said.startswith("error: ") and "Traceback" not in said
    return said


@pytest.mark.parametrize("command", [report, status], ids=["report", "status"])
@pytest.mark.parametrize(
    "name, content, message",
    [
        ("metrics.jsonl", b"\xff\xfe\x00\x80\n", "metrics.jsonl is no text (byte 0)"),
        ("figures.jsonl", b"{}\n\xc3\x28\n", "figures.jsonl is no text (byte 3)"),
        ("config.json", b"[1]", "config.json must hold a JSON object, got list"),
        ("config.json", b"null", "config.json must hold a JSON object, got NoneType"),
        ("config.json", b"", "config.json is not valid JSON"),
        ("config.json", b"\xff", "config.json is not valid JSON"),
        ("config.json", DEEP, "config.json is not valid JSON"),
        ("config.json", b"1" * 5000, "config.json is not valid JSON"),
        ("summary.json", b"[]", "summary.json must hold a JSON object, got list"),
        ("summary.json", DEEP, "summary.json is not valid JSON"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "content",
)
def test_a_damaged_file_is_named(command, name, content, message, run, capsys):
    (run / name).write_bytes(content)
    assert message in refused(command, capsys, *_runs(command, run))


@pytest.mark.parametrize(
    "field, value",
    [
        ("experiment", 5), ("arguments", None), ("arguments", []), ("options", []), ("options", 3),
        ("num_seeds", "two"), ("num_seeds", 1.5), ("micro_batches", None), ("names", []),
        ("data", "digits"), ("batch", 7), ("batch", {"real": 5}), ("batch", {"real": {"shape": 3, "dtype": 4}}),
        ("batch", {"real": {"shape": [1], "dtype": "float99"}}), ("batch", [[1]]),
    ],
)  # fmt: skip
def test_a_field_of_the_configuration_is_of_its_kind(field, value, run):
    folder = RunFolder(run)
    folder.config_file.write_text(json.dumps(folder.config() | {field: value}))
    with pytest.raises(ValueError, match=rf"config\.json: {field} must .*put the run's own file"):
        folder.batch_shapes()


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04" + bytes(40), None])
def test_damaged_rows_are_named(content, tmp_path):
    file = tmp_path / "given.npz"
    save_given(file, {"condition": np.arange(5)})
    whole = file.read_bytes()
    for damaged in (content,) if content is not None else (whole[:-20], whole[:80], whole[40:]):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"given\.npz is damaged"):
            load_given(file)


def test_an_error_of_the_system_is_a_sentence(run, capsys):
    said = refused(as_command(lambda: Path("/nonexistent/file").read_text()), capsys)
    assert said.splitlines()[0] == "error: /nonexistent/file: No such file or directory"
    assert "no Python file" in refused(table, capsys, run / "config.json")


@pytest.mark.parametrize("command", [report, status], ids=["report", "status"])
@pytest.mark.parametrize(
    "name, content",
    [
        ("config.json", b"{}"),
        ("summary.json", b"{}"),
        ("metrics.jsonl", b""),
        ("metrics.jsonl", b"\n\n[]\nnull\n7\n{}\n"),
        ("metrics.jsonl", b'{"step": 1, "generator/loss": "many"}\n{"step": true}\n{"step": []}\n'),
        ("metrics.jsonl", b'{"step": 1, "generator/loss": 1e999}\n{"step": -5, "seconds": []}\n'),
        ("metrics.jsonl", DEEP + b"\n"),
        ("figures.jsonl", b'{"evaluator": 1}\n{"evaluator": "a", "figure": "b", "row": "c", "protocol": "d"}\n'),
        ("history.jsonl", b'{"step": {}}\n7\n'),
    ],
    ids=str,
)  # fmt: skip
def test_lines_that_say_nothing_are_passed_over(command, name, content, run, capsys):
    (run / name).write_bytes(content)
    command(*_runs(command, run))
    assert "Traceback" not in capsys.readouterr().err


def _runs(command, run):
    return ((run,),) if command is report else (run,)


@pytest.mark.parametrize(
    "command, options, message",
    [
        (sample, dict(num=0), "--num must be at least 1, got 0"),
        (sample, dict(seed=-1), "--seed must be in 0 .. 4294967295, got -1"),
        (sample, dict(seed=2**40), "--seed must be in 0 .. 4294967295, got 1099511627776"),
        (sample, dict(seed=2**70), "--seed must be in 0 .. 4294967295"),
        (sample, dict(frames=0), "--frames must be at least 1, got 0"),
        (sample, dict(truncation=float("nan")), "--truncation must be a finite number, got nan"),
        (evaluate, dict(seed=-1), "--seed must be in 0 .. 4294967295, got -1"),
        (evaluate, dict(num_samples=0), "--num-samples must be at least 1, got 0"),
        (evaluate, dict(num_samples=1), "--num-samples must be at least 2, got 1"),
        (evaluate, dict(size=0), "--size must be at least 1, got 0"),
        (spectrum, dict(batch_size=0), "--batch-size must be at least 1, got 0"),
        (spectrum, dict(num=-3), "--num must be at least 1, got -3"),
        (replay, dict(step=0), "--step counts from 1, got 0"),
        (replay, dict(step=99_999, trust=True), "--step must be in 1 .. "),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_number_that_means_nothing_is_refused_before_anything_is_read(
    command, options, message, run, capsys
):
    assert message in refused(command, capsys, run, **options)


def test_a_report_shows_names_as_text(run, capsys):
    name = "<img src=x onerror=alert(1)>"
    hostile = run.rename(run.with_name(name))
    (hostile / "artefacts" / name).mkdir(parents=True)
    report((hostile,), out=hostile.with_name("report.html"))
    page = hostile.with_name("report.html").read_text()
    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page
