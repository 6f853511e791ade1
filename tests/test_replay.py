"""A step that went wrong is played again, and the operation named."""

import json

import jax.numpy as jnp
import pytest
from games import vector_game
from test_training import experiment, train

from gan_jax import penalties
from gan_jax.commands.replay import _verdict, replay
from gan_jax.game import GANState, Term, TrainState
from gan_jax.training.loop import NonFiniteError

DEVICES = 1


def weight_that_ends(step):
    return jnp.log(4.5 - step)  # NaN from the sixth step on, which is number 5 counted from 0


def failing_game():
    penalty = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), weight_that_ends)
    return vector_game(discriminator_terms={"r1": penalty})


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    path = tmp_path_factory.mktemp("failed")
    with pytest.raises(NonFiniteError, match=r"at step 6; .*gan_jax replay RUN --step 6 names"):
        train(path, game=failing_game(), steps=10)
    return path


@pytest.fixture(autouse=True)
def the_run_is_rebuilt(monkeypatch):
    monkeypatch.setattr(
        "gan_jax.commands.replay.rebuild",
        lambda folder, **options: experiment(game=failing_game(), steps=10),
    )


def test_the_operation_and_its_line_are_named(failed, capsys):
    replay(failed, step=6)
    out = capsys.readouterr().out
    assert "step 6 of" in out and "from the checkpoint of step 4" in out
    assert "invalid value (nan) encountered in log" in out
    assert "test_replay.py" in out and "jnp.log(4.5 - step)" in out


def test_a_good_step_is_said_to_be_good(failed, capsys):
    replay(failed, step=5)
    assert "all finite" in capsys.readouterr().out
    replay(failed, step=1)
    assert "from the checkpoint of step 0" in capsys.readouterr().out
    assert json.loads((failed / "config.json").read_text())["arguments"] == {"lr": 0.01}


def test_a_run_without_a_checkpoint_is_played_from_its_beginning(tmp_path, capsys):
    with pytest.raises(NonFiniteError, match="No checkpoint was saved yet"):
        train(tmp_path, game=failing_game(), steps=10, save_every_steps=10)
    replay(tmp_path, step=6)
    out = capsys.readouterr().out
    assert "from the checkpoint of step 0" in out and "encountered in log" in out


def test_an_infinity_is_found_where_there_is_no_nan():
    def play():
        player = TrainState({"w": jnp.exp(jnp.array([200.0]))}, {}, ())
        return GANState(jnp.zeros(()), player, player, {}, ()), {}

    said = _verdict(play)
    assert "encountered in exp" in said and "test_replay.py" in said


def test_steps_count_from_one(failed, capsys):
    with pytest.raises(SystemExit):
        replay(failed, step=0)
    assert "--step counts from 1, got 0" in capsys.readouterr().err
