"""What comes from outside and may be wrong: numbers that mean nothing, run folders with a part removed, strangers' code."""

import shutil
import signal

import jax
import numpy as np
import pytest
from games import vector_game

from gan_jax.data import ArraySource, Data
from gan_jax.game.keys import key_of_seed
from gan_jax.training import Experiment, interruption
from gan_jax.training.interruption import Abandoned, listen
from gan_jax.training.numbers import check_numbers
from gan_jax.training.restore import check_memory
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.same_run import adopt
from gan_jax.training.trust import check_trusted

DEVICES = 1


def experiment(
    *, seed=0, batch_size=64, generator_widths=(8, 4), num_examples=10, learning_rate=1e-3,
    r1_weight=0.1, residual_blocks=0, start_channels=16, means=(0.5,), steps=None,
):  # fmt: skip
    """Arguments as experiments have them."""


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("seed", -1, "--seed must be in 0 .. 4294967295, got -1"),
        ("seed", 2**32, "--seed must be in 0 .. 4294967295, got 4294967296"),
        ("seed", 2**70, "--seed must be in 0 .. 4294967295"),
        ("batch_size", 0, "--batch-size must be at least 1, got 0"),
        ("batch_size", -3, "--batch-size must be at least 1, got -3"),
        ("generator_widths", (8, 0), "--generator-widths must be at least 1, got 0"),
        ("num_examples", 0, "--num-examples must be at least 1"),
        ("start_channels", -1, "--start-channels must be at least 1"),
        ("steps", 0, "--steps must be at least 1"),
        ("learning_rate", -1.0, "--learning-rate must be positive, got -1.0"),
        ("learning_rate", 0.0, "--learning-rate must be positive, got 0.0"),
        ("learning_rate", float("nan"), "--learning-rate must be a finite number, got nan"),
        ("r1_weight", -0.1, "--r1-weight must be 0 or more, got -0.1"),
        ("r1_weight", float("inf"), "--r1-weight must be a finite number, got inf"),
        ("residual_blocks", -1, "--residual-blocks must be at least 0, got -1"),
        ("means", (float("inf"),), "--means must be a finite number, got inf"),
    ],
)
def test_a_number_that_means_nothing_is_refused_by_its_flag(name, value, expected):
    with pytest.raises(ValueError) as error:
        check_numbers(experiment, {name: value})
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize(
    "name, value",
    [
        ("seed", 2**32 - 1), ("residual_blocks", 0), ("r1_weight", 0.0), ("steps", None),
        ("means", (-2.0, 0.0)), ("batch_size", 1), ("learning_rate", 1e-9),
    ],
)  # fmt: skip
def test_a_number_at_the_edge_is_taken(name, value):
    check_numbers(experiment, {name: value})


def test_a_seed_is_no_other_seed():
    with pytest.raises(ValueError, match=r"in 0 \.\. 4294967295, got 1099511627776"):
        key_of_seed(2**40)  # JAX takes it for seed 0


CONFIG = {
    "experiment": "digits",
    "arguments": {"seed": 0},
    "data": {},
    "options": {},
    "versions": {},
}


@pytest.fixture
def folder(tmp_path):
    """Of a run that has saved step 4."""
    run = RunFolder(tmp_path / "run")
    (run.checkpoints / "4").mkdir(parents=True)
    (run.path / "checksums").mkdir()
    (run.path / "checksums" / "4.json").write_text("{}")
    return run


def test_checkpoints_of_an_unknown_run_do_not_go_on(folder):
    with pytest.raises(ValueError, match=r"holds checkpoints \(the last of step 4\) but no config"):
        adopt(folder, CONFIG, None)
    assert not folder.config_file.exists()


def test_a_run_without_its_checkpoints_does_not_begin_anew(folder):
    adopt_first = RunFolder(folder.path)
    adopt_first.config_file.write_text('{"experiment": "digits"}')
    shutil.rmtree(folder.checkpoints)
    with pytest.raises(ValueError, match="a run whose checkpoints are gone"):
        adopt(folder, CONFIG, None)
    assert folder.config_file.read_text() == '{"experiment": "digits"}'


def test_a_strangers_file_is_executed_only_where_the_user_says_so(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "mine.py"
    file.write_text("# mine")
    with pytest.raises(ValueError, match=r"mine\.py would be executed"):
        check_trusted(file, trust=False)
    check_trusted(file, trust=True)
    check_trusted(file, trust=False)  # remembered
    file.write_text("# changed by a stranger")
    with pytest.raises(ValueError, match="--trust"):
        check_trusted(file, trust=False)


def test_a_file_that_was_trained_with_is_ones_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file, run = tmp_path / "digits.py", RunFolder(tmp_path / "run")
    file.write_text("# mine")
    run.prepare()
    adopt(run, CONFIG, file)
    check_trusted(run.experiment_file, trust=False)


def test_where_nothing_can_be_remembered_the_user_is_asked_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/no_such_place")
    file = tmp_path / "mine.py"
    file.write_text("# mine")
    check_trusted(file, trust=True)
    with pytest.raises(ValueError, match="--trust"):
        check_trusted(file, trust=False)


def test_the_first_signal_asks_and_the_second_ends(capsys, monkeypatch):
    usual = signal.getsignal(signal.SIGINT)
    with listen() as request:
        signal.raise_signal(signal.SIGINT)
        assert request.signal_number == signal.SIGINT
        assert "SIGINT: saves after this call" in capsys.readouterr().err
        with pytest.raises(Abandoned, match="resumes from the checkpoint before"):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL  # a third ends at once
    assert (
        signal.getsignal(signal.SIGINT) is usual and interruption.Interrupted(2, 5).exit_code == 130
    )


def test_a_batch_that_no_memory_holds_is_refused_before_it_is_compiled():
    source = ArraySource({"x": np.zeros((4, 2), np.float32)})
    made = Experiment(
        game=vector_game(), data=Data(source_fn=lambda: source), steps=1, batch_size=4
    )
    rows = {"real": jax.ShapeDtypeStruct((1, 10**13, 2), np.float32)}
    with pytest.raises(ValueError, match=r"GiB \(batch .*take narrower players or a smaller batch"):
        check_memory(made, rows)
