"""How a run ends: the table of figures, ``summary.json``, and what to do next."""

import dataclasses
from typing import Any

from gan_jax.drawing.pictures import save_animation
from gan_jax.game import GANState
from gan_jax.metrics import seeds
from gan_jax.metrics.judgement import Figures, Judge
from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import Experiment
from gan_jax.training.given import load_given
from gan_jax.training.measuring import measure_members
from gan_jax.training.run_folder import RunFolder, read_json, write_json
from gan_jax.training.states import step_of


def write_report(
    folder: RunFolder,
    experiment: Experiment,
    state: GANState,
    best: GANState | None,
    *,
    judge_fn,
    seconds_fn,
) -> None:
    """Judges the last state, and the best where it is another; prints and writes the figures.

    Args:
        folder: of the run.
        experiment: what was run.
        state: the last.
        best: the best, where one was kept.
        judge_fn: ``() -> Judge``; not called where the experiment has none.
        seconds_fn: ``() -> seconds`` since the command began.
    """
    step = step_of(state)
    summary: dict[str, Any] = {"steps": step, "patience": experiment.patience}
    if experiment.judge_fn is not None:
        judge = judge_fn()
        drawers = Drawer(experiment, load_given(folder.given_file)).members()
        rows, summary["seeds"] = {}, {}
        for name, judged in _states(state, best).items():
            figures = measure_members(judge, drawers, judged)
            metric = experiment.best_metric or judge.metric
            rows |= _rows(name, figures, experiment.seed, judge, metric)
            summary["seeds"][name] = {experiment.seed + i: row for i, row in enumerate(figures)}
        judgement = judge.judgement(rows)
        print(f"\n{judgement.table()}\n")
        summary["figures"] = dataclasses.asdict(judgement)
    summary["seconds"] = round(seconds_fn(), 1)
    write_json(folder.summary_file, summary)
    save_animation(sorted(folder.samples.glob("step_*.png")), folder.animation_file)
    print(f"samples  {folder.sample_file(step)}  {folder.animation_file.name}")
    print(f"curves   {folder.curves_file}")
    print(f"seconds  {summary['seconds']} (this call)")
    print(f"next     python -m gan_jax sample {folder.path} --num 100 --seed 1 --out grid.png")


def _states(state: GANState, best: GANState | None) -> dict[str, GANState]:
    """The last state and, where it is another, the best; by the names of their rows."""
    if best is None or step_of(best) == step_of(state):
        return {"generated": state}
    return {"generated": state, f"best, step {step_of(best)}": best}


def _rows(
    name: str, figures: list[Figures], first_seed: int, judge: Judge, metric: str
) -> dict[str, Figures]:
    """One row of one seed; mean, standard error and the worst of several."""
    if len(figures) == 1:
        return {name: figures[0]}
    index = seeds.worst(figures, judge, metric)
    return {
        f"{name}, mean of {len(figures)} seeds": seeds.mean(figures),
        f"{name}, standard error": seeds.standard_error(figures),
        f"{name}, worst: seed {first_seed + index}": figures[index],
    }


def is_finished(folder: RunFolder, experiment: Experiment, step: int) -> bool:
    """Whether all steps are played, or as many as the patience allows, and the figures are theirs.

    A kill may have come before the figures of the last step were written.
    """
    if not folder.summary_file.is_file():
        return False
    summary = read_json(folder.summary_file)
    stopped = experiment.patience is not None and summary["patience"] == experiment.patience
    return summary["steps"] == step and (step >= experiment.steps or stopped)


def finished(folder: RunFolder, done: int, steps: int) -> str:
    """What a command says to a run that is finished."""
    summary = read_json(folder.summary_file)
    advice = "a larger --steps" if done >= steps else "a larger --patience"
    return (
        f"{folder.path} is finished: {done} of {steps} steps (figures in {folder.summary_file}, "
        f"{summary['seconds']} s)\n"
        f"samples  {folder.sample_file(done)}\n"
        f"to go on, the same command with {advice}; to begin anew, another --run-dir"
    )
