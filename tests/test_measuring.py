"""The best step is kept, and a run that no longer improves stops: on a judge that says what it is told."""

import json
import os
import signal

import jax
import numpy as np
import pytest
from test_training import experiment, train

from gan_jax.metrics.judgement import Judge
from gan_jax.training.interruption import Interrupted
from gan_jax.training.run_folder import RunFolder, read_json
from gan_jax.training.states import best_state, last_state

DEVICES = 1
SCORES = [5.0, 3.0, 4.0, 3.0, 2.0, 2.5, 2.5, 2.0, 1.0, 1.0]


class Scripted:
    """A judge whose n-th measurement is the n-th score."""

    def __init__(self, scores=SCORES, at=0, interrupt_at=None):
        self.scores, self.at, self.interrupt_at = scores, at, interrupt_at

    def figures(self, samples):
        score = self.scores[min(self.at, len(self.scores) - 1)]
        self.at += 1
        if self.at == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"score": score, "negated": -score}

    def __call__(self, source):
        rows = {"real": {"score": 0.0, "negated": 0.0}}
        return Judge(
            protocol="scripted", num_samples=4, figures_fn=self.figures, references=rows,
            metric="score", more_is_better=frozenset({"negated"}),
        )  # fmt: skip


def measured(run_dir, judge_fn=None, **changes):
    options = dict(
        judge_fn=judge_fn or Scripted(),
        steps=20,
        measure_every_steps=2,
        save_every_steps=4,
        sample_every_steps=20,
        log_every_steps=1,
    )
    train(run_dir, **(options | changes))


def history(run_dir, name="average/score"):
    lines = map(json.loads, (run_dir / "metrics.jsonl").read_text().splitlines())
    return [(line["step"], line[name]) for line in lines if name in line]


def states(run_dir):
    folder, built = RunFolder(run_dir), experiment()
    return int(last_state(folder, built).step), int(best_state(folder, built).step)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Patience 3: the best is 2.0 at step 10; 2.5, 2.5 and the equal 2.0 do not improve."""
    run_dir = tmp_path_factory.mktemp("stopped")
    measured(run_dir, patience=3)
    return run_dir


def test_it_stops_when_nothing_improved_and_keeps_the_best_beside_the_last(stopped):
    assert history(stopped) == [(2 * i + 2, score) for i, score in enumerate(SCORES[:8])]
    assert states(stopped) == (16, 10)
    assert (stopped / "samples" / "step_00000016.png").is_file()
    rows = read_json(stopped / "summary.json")["figures"]["rows"]
    assert list(rows) == ["generated", "best, step 10", "real"]


def test_the_best_state_is_the_state_of_its_step(stopped, tmp_path):
    train(tmp_path, steps=10)
    folder, built = RunFolder(stopped), experiment()
    expected = last_state(RunFolder(tmp_path), built)
    jax.tree.map(np.testing.assert_array_equal, best_state(folder, built), expected)


def test_without_patience_it_measures_to_the_end(tmp_path, capsys):
    measured(tmp_path)
    assert len(history(tmp_path)) == 10 and states(tmp_path) == (20, 18)
    assert "stopped" not in capsys.readouterr().out


def test_a_figure_of_which_more_is_better(tmp_path):
    measured(tmp_path, best_metric="negated", patience=3)
    assert states(tmp_path) == (16, 10)


def test_a_stopped_run_is_finished_until_it_is_given_more_patience(tmp_path, capsys):
    measured(tmp_path, patience=1)
    assert "score has not improved for 1 measurements; best 3 at step 4" in capsys.readouterr().out
    assert states(tmp_path) == (6, 4)
    measured(tmp_path, patience=1)
    assert "is finished: 6 of 20 steps" in (said := capsys.readouterr().out)
    assert "a larger --patience" in said
    measured(tmp_path, Scripted(at=3), patience=3)
    assert "resuming" in capsys.readouterr().out
    assert states(tmp_path) == (16, 10)


def test_interrupted_and_resumed_it_stops_where_it_would_have(stopped, tmp_path):
    """By a signal that comes during the sixth measurement: the history is in the log alone."""
    with pytest.raises(Interrupted):
        measured(tmp_path, Scripted(interrupt_at=6), patience=3)
    resumed_at = states(tmp_path)[0]
    assert 12 <= resumed_at < 16
    measured(tmp_path, Scripted(at=resumed_at // 2), patience=3)
    assert history(tmp_path) == history(stopped) and states(tmp_path) == states(stopped)


def test_measurements_after_the_checkpoint_do_not_count(tmp_path):
    """A kill between a measurement and the next checkpoint: it is measured again, and kept once."""
    measured(tmp_path, steps=8)
    for step in (6, 8):
        with (tmp_path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"step": step + 6, "average/score": 0.0}) + "\n")
    measured(tmp_path, Scripted(at=4), patience=3)
    assert states(tmp_path) == (16, 10)


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(measure_every_steps=None, patience=3), "set measure_every_steps too"),
        (dict(patience=0), "at least 1 measurement"),
        (dict(judge_fn=None), "has no judge_fn"),
        (dict(measure_every_steps=3, steps_per_call=2), "positive multiple of steps_per_call"),
    ],
)
def test_settings_that_make_no_sense(changes, message):
    options = dict(
        judge_fn=Scripted(), measure_every_steps=2, log_every_steps=2, sample_every_steps=2
    )
    with pytest.raises(ValueError, match=message):
        experiment(**(options | changes))


def test_a_metric_that_is_not_measured_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match=r"one of .*'score', 'negated'.* got 'FID'"):
        measured(tmp_path, best_metric="FID")
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_a_run_that_measured_nothing_has_no_best(tmp_path):
    train(tmp_path, steps=2)
    with pytest.raises(FileNotFoundError, match="--measure-every-steps"):
        best_state(RunFolder(tmp_path), experiment())
