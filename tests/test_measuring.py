"""The best step is kept, and a run that no longer improves stops: by an evaluator that says what it is told."""

import json
import os
import signal

import jax
import numpy as np
import pytest
from test_training import experiment, train

from gan_jax.drawing.sampler import real
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators import Evaluator, Figure, Measured
from gan_jax.training.best import Best, best_metric
from gan_jax.training.figures_log import read_figures, read_protocols
from gan_jax.training.interruption import Interrupted
from gan_jax.training.json_files import read_json, read_lines
from gan_jax.training.measuring import EvaluatorError
from gan_jax.training.restore import best_state, last_state
from gan_jax.training.run_folder import RunFolder

DEVICES = 1
SCORES = [9.0, 5.0, 3.0, 4.0, 3.0, 2.0, 2.5, 2.5, 2.0, 1.0, 1.0]
FIGURES = {
    "score": Figure("score", "less"),
    "negated": Figure("its negative", "more"),
    "count": Figure("samples"),
}


class Scripted:
    """An evaluator whose n-th measurement is the n-th score; the first is that of step 0."""

    def __init__(self, scores=SCORES, at=0, interrupt_at=None, when="training"):
        self.scores, self.at, self.interrupt_at, self.when = scores, at, interrupt_at, when

    def measure(self, sampler):
        samples = np.concatenate([drawn.samples for drawn in sampler()])
        if len(samples) == 4 and np.isin(samples, real_points()).all():
            return self.told(0.0)  # the reference
        score = self.scores[min(self.at, len(self.scores) - 1)]
        self.at += 1
        if self.at == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGTERM)
        if isinstance(score, Exception):
            raise score
        return self.told(score)

    def told(self, score):
        figures = {
            "score": Estimate(score, 0.5),
            "negated": Estimate(-score),
            "count": Estimate(4.0),
        }
        return Measured(figures, {"kept": np.full(4, score)})

    def __call__(self, data):
        return Evaluator(
            measure_fn=self.measure, figures=FIGURES, protocol={"description": "scripted"},
            num=4, references={"real": real}, when=self.when,
        )  # fmt: skip


def real_points():
    return experiment().data.training.arrays["point"]


def measured(run_dir, evaluator=None, **changes):
    options = dict(
        evaluators={"scripted": evaluator or Scripted()},
        steps=20,
        evaluate_every_steps=2,
        best_metric="score",
        save_every_steps=4,
        sample_every_steps=20,
        log_every_steps=1,
    )
    train(run_dir, **(options | changes))


def history(run_dir, name="eval/scripted/score"):
    lines = map(json.loads, (run_dir / "metrics.jsonl").read_text().splitlines())
    return [(line["step"], line[name]) for line in lines if name in line]


def states(run_dir):
    folder, built = RunFolder(run_dir), experiment()
    return int(last_state(folder, built).step), int(best_state(folder, built).step)


def figures(run_dir, **where):
    lines = read_figures(RunFolder(run_dir).figures_file)
    return [line for line in lines if all(line[k] == v for k, v in where.items())]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Patience 3: the best is 2.0 at step 10; 2.5, 2.5 and the equal 2.0 do not improve."""
    run_dir = tmp_path_factory.mktemp("stopped")
    measured(run_dir, patience=3)
    return run_dir


def test_it_stops_when_nothing_improved_and_keeps_the_best_beside_the_last(stopped):
    assert history(stopped) == [(2 * i, score) for i, score in enumerate(SCORES[:9])]
    assert states(stopped) == (16, 10)
    assert (stopped / "artefacts" / "samples" / "step_00000016.png").is_file()
    summary = read_json(stopped / "summary.json")
    assert summary["best"] == {"step": 10, "figure": "scripted/score", "value": 2.0}


def test_every_figure_is_a_line_with_its_protocol(stopped):
    lines = figures(stopped, figure="score", draw_seed="evaluate")
    assert [(line["step"], line["value"]) for line in lines] == history(stopped)
    assert {line["standard_error"] for line in lines} == {0.5}
    # the printed figures of the best and of the last are measured anew, with other latents
    final = figures(stopped, figure="score", draw_seed="evaluate_final")
    assert [line["step"] for line in final] == [10, 16]
    (reference,) = figures(stopped, figure="score", row="real")
    assert reference["value"] == 0.0 and reference["step"] is reference["seed"] is None
    (sha,) = {line["protocol"] for line in figures(stopped)}
    protocol = read_protocols(RunFolder(stopped).protocols_file)[sha]
    assert protocol["evaluator"] == "scripted"
    assert protocol["figures"]["score"] == {"label": "score", "better": "less", "digits": 3}
    kept = np.load(stopped / "evaluations" / "scripted" / "generated_step_00000016.npz")["kept"]
    assert kept.shape == (4,)


def test_the_best_state_is_the_state_of_its_step(stopped, tmp_path):
    train(tmp_path, steps=10)
    folder, built = RunFolder(stopped), experiment()
    expected = last_state(RunFolder(tmp_path), built)
    jax.tree.map(np.testing.assert_array_equal, best_state(folder, built), expected)


def test_without_patience_it_measures_to_the_end(tmp_path, capsys):
    measured(tmp_path)
    assert len(history(tmp_path)) == 11 and states(tmp_path) == (20, 18)
    assert "stopped" not in capsys.readouterr().out


def test_a_figure_of_which_more_is_better(tmp_path):
    measured(tmp_path, best_metric="scripted/negated", patience=3)
    assert states(tmp_path) == (16, 10)


def test_a_stopped_run_is_finished_until_it_is_given_more_patience(tmp_path, capsys):
    measured(tmp_path, patience=1)
    out = capsys.readouterr().out
    assert "scripted/score has not improved for 1 measurements; best 3 at step 4" in out
    assert states(tmp_path) == (6, 4)
    measured(tmp_path, patience=1)
    assert "is finished: 6 of 20 steps" in (said := capsys.readouterr().out)
    assert "a larger --patience" in said
    measured(tmp_path, Scripted(at=4), patience=3)
    assert "resuming" in capsys.readouterr().out
    assert states(tmp_path) == (16, 10)


def test_interrupted_and_resumed_it_stops_where_it_would_have(stopped, tmp_path):
    """By a signal that comes during the seventh measurement: the history is in the figures alone."""
    with pytest.raises(Interrupted):
        measured(tmp_path, Scripted(interrupt_at=7), patience=3)
    resumed_at = states(tmp_path)[0]
    assert 12 <= resumed_at < 16
    measured(tmp_path, Scripted(at=resumed_at // 2 + 1), patience=3)
    assert history(tmp_path) == history(stopped) and states(tmp_path) == states(stopped)
    during = dict(draw_seed="evaluate", figure="score")
    assert figures(tmp_path, **during) == figures(stopped, **during)


def test_measurements_after_the_checkpoint_do_not_count(tmp_path):
    """A kill between a measurement and the next checkpoint: it is measured again, and kept once."""
    measured(tmp_path, steps=8)
    (line, *_) = figures(tmp_path, figure="score", step=8, draw_seed="evaluate")
    with (tmp_path / "figures.jsonl").open("a") as file:
        for step in (12, 14):
            file.write(json.dumps(line | {"step": step, "value": 0.0}) + "\n")
    measured(tmp_path, Scripted(at=5), patience=3)
    assert states(tmp_path) == (16, 10)


def test_going_back_sets_aside_what_is_later_and_ends_where_it_did(tmp_path, capsys):
    scores = [9.0, 5.0, 3.0, 2.0, 2.5]
    options = dict(steps=8, sample_every_steps=4, keep_every_steps=4)
    measured(tmp_path, Scripted(scores), **options)
    before = [states(tmp_path), history(tmp_path), figures(tmp_path, draw_seed="evaluate")]
    last = last_state(RunFolder(tmp_path), experiment())
    with pytest.raises(ValueError, match=r"--from-step 3: .* it has those of 4, 8 "):
        measured(tmp_path, Scripted(scores), from_step=3)
    assert not (tmp_path / "set_aside").exists()

    measured(tmp_path, Scripted(scores, at=3), **(options | {"steps": 4}), from_step=4)
    assert states(tmp_path) == (4, 4)  # the best of what remains was among the checkpoints
    aside = tmp_path / "set_aside" / "1"
    assert f"went back to step 4: everything later is in {aside}" in capsys.readouterr().out
    for name in ("checkpoints/8", "checksums/8.json", "best/checkpoints/6", "summary.json",
                 "artefacts/samples/step_00000008.png"):  # fmt: skip
        assert (aside / name).exists()
    assert [
        line["step"] for line in read_lines(aside / "metrics.jsonl") if "eval/" in str(line)
    ] == [6, 8]
    assert read_lines(tmp_path / "history.jsonl")[-1]["set_aside"] == "set_aside/1"

    for start in ({}, {"from_step": 4}):  # once more, and once more back
        measured(tmp_path, Scripted(scores, at=3), **options, **start)
        assert [
            states(tmp_path),
            history(tmp_path),
            figures(tmp_path, draw_seed="evaluate"),
        ] == before
        jax.tree.map(
            np.testing.assert_array_equal, last_state(RunFolder(tmp_path), experiment()), last
        )
    assert (tmp_path / "set_aside" / "2" / "checkpoints" / "8").is_dir()


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(evaluate_every_steps=None, patience=3), "set evaluate_every_steps too"),
        (dict(patience=0), "at least 1 measurement"),
        (dict(evaluators={}), "has no evaluators"),
        (dict(evaluate_every_steps=3, steps_per_call=2), "positive multiple of steps_per_call"),
        (dict(evaluators={"my scores": Scripted()}), "must be an identifier such as quality"),
    ],
)
def test_settings_that_make_no_sense(changes, message):
    options = dict(
        evaluators={"scripted": Scripted()},
        evaluate_every_steps=2,
        log_every_steps=2,
        sample_every_steps=2,
    )
    with pytest.raises(ValueError, match=message):
        experiment(**(options | changes))


def test_a_metric_that_is_not_measured_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match=r"best_metric='FID' is no figure .* scripted/score"):
        measured(tmp_path, best_metric="FID")
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_what_cannot_choose_the_best_step():
    end = {"a": Scripted()(None), "b": Scripted(when="end")(None)}
    assert best_metric(None, end) == ("a", "score")
    assert best_metric("a/negated", end) == ("a", "negated")
    for asked, message in (
        ("count", "is the name of several figures: write a/count or b/count"),
        ("a/count", "a/count has no direction"),
        ("b/score", "or its evaluator is not asked while training; expected one of a/score"),
    ):
        with pytest.raises(ValueError, match=message):
            best_metric(asked, end)
    with pytest.raises(ValueError, match="no figure can choose the best step"):
        best_metric(None, {"b": end["b"]})


def test_a_run_that_measured_nothing_has_no_best(tmp_path):
    train(tmp_path, steps=2)
    with pytest.raises(FileNotFoundError, match="--evaluate-every-steps"):
        best_state(RunFolder(tmp_path), experiment())


# No evaluator loses a run.


def test_an_evaluator_that_fails_before_the_first_step_ends_the_run_with_its_name(tmp_path):
    with pytest.raises(EvaluatorError, match=r"scripted failed before the first step.*too bad"):
        measured(tmp_path, Scripted([ValueError("too bad")]))
    assert not list((tmp_path / "checkpoints").glob("*"))
    measured(tmp_path, steps=2)  # mended, the same folder serves
    assert [step for step, _ in history(tmp_path)] == [0, 2]


def test_figures_that_are_not_returned_are_named_before_the_first_step(tmp_path):
    scripted = Scripted()
    scripted.told = lambda score: {"score": Estimate(score)}
    with pytest.raises(
        EvaluatorError, match="names the figures score, negated, count and returned"
    ):
        measured(tmp_path, scripted)


def test_a_later_failure_is_null_and_a_sentence_and_never_the_best(tmp_path, capsys):
    scores = [9.0, 5.0, ValueError("too bad"), float("nan"), 4.0, 4.5]
    measured(tmp_path, Scripted(scores), steps=10)
    assert history(tmp_path) == [(0, 9.0), (2, 5.0), (4, None), (6, None), (8, 4.0), (10, 4.5)]
    assert states(tmp_path) == (10, 8)
    said = capsys.readouterr()
    assert "scripted failed at step 4 (ValueError: too bad)" in said.out + said.err
    text = (tmp_path / "metrics.jsonl").read_text() + (tmp_path / "figures.jsonl").read_text()
    assert "NaN" not in text


def test_failures_are_not_counted_by_patience(tmp_path):
    scores = [9.0, 5.0, float("nan"), ValueError("too bad"), 6.0, 7.0, 1.0]
    measured(tmp_path, Scripted(scores), patience=2)
    assert states(tmp_path) == (10, 2)


def test_evaluators_change_nothing_of_the_training(stopped, tmp_path):
    train(tmp_path, steps=16, save_every_steps=4, sample_every_steps=20)
    folder = RunFolder(tmp_path), RunFolder(stopped)
    ours, theirs = (last_state(each, experiment()) for each in folder)
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    losses = [history(each, "generator/loss") for each in (tmp_path, stopped)]
    assert losses[0] == losses[1]


def test_afterwards_it_measures_what_it_measured_while_training(tmp_path):
    """Same step, latents and rows: the same value to the last digit."""
    from gan_jax.training.evaluation import TRAINING, Evaluation
    from gan_jax.training.experiment import samplers_of
    from gan_jax.training.given import load_given

    def spread(data):
        return Evaluator(
            measure_fn=lambda sampler: {"spread": Estimate(float(sampler.draw().samples.std()))},
            figures={"spread": Figure("spread", "more")}, protocol={}, num=300,
        )  # fmt: skip

    options = dict(evaluators={"spread": spread}, best_metric=None, steps=4)
    measured(tmp_path, **options)
    folder, built = RunFolder(tmp_path), experiment(**options)
    evaluation = Evaluation(
        built, folder, samplers_of(built, load_given(folder.given_file)), {"spread": spread(None)}
    )
    for state in (last_state(folder, built), best_state(folder, experiment())):
        then = figures(tmp_path, step=int(state.step), draw_seed="evaluate")
        now, failed = evaluation.measure(["spread"], state, TRAINING, again=True)
        assert now == then and not failed


def test_values_of_another_protocol_do_not_choose_the_best(stopped):
    evaluator = Scripted()(None)
    lines = [line | {"protocol": "another"} for line in figures(stopped)]
    told = ("scripted", "score", "less", None)
    assert Best(*told, evaluator.sha, lines).best() is None
    assert Best(*told, evaluator.sha, figures(stopped)).best() == (10, 2.0)
