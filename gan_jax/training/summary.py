"""How a run ends: the tables of figures, ``summary.json``, and what to do next."""

import shlex
from typing import Any

from gan_jax.drawing.artefacts import read_artefacts
from gan_jax.drawing.pictures import save_animation
from gan_jax.game import GANState
from gan_jax.training.best import Best
from gan_jax.training.evaluation import FINAL, Evaluation, first_words
from gan_jax.training.experiment import Experiment
from gan_jax.training.figures_log import Line, read_figures, read_protocols
from gan_jax.training.figures_table import figures_table, worst
from gan_jax.training.json_files import read_json, write_json
from gan_jax.training.restore import step_of
from gan_jax.training.run_folder import RunFolder


def write_report(
    folder: RunFolder,
    experiment: Experiment,
    state: GANState,
    best: GANState | None,
    *,
    evaluation: Evaluation | None,
    best_so_far: Best | None,
    seconds: float,
) -> None:
    """Measures the last state, and the best where it is another; prints and writes what was found.

    With latents of its own: the best step was chosen by others, and would look better by those.

    Args:
        folder: of the run.
        experiment: what was run.
        state: the last.
        best: the best, where one was kept.
        evaluation: measures; None where the experiment has no evaluators.
        best_so_far: the history of the best metric.
        seconds: since the command began.
    """
    step = step_of(state)
    summary: dict[str, Any] = {"format": 2, "steps": step, "patience": experiment.patience}
    if evaluation is not None:
        _measure(folder, evaluation, [state] if best is None else [best, state])
    if best_so_far is not None and (found := best_so_far.best()):
        summary["best"] = {"step": found[0], "figure": best_so_far.name, "value": found[1]}
    summary["seconds"] = round(seconds, 1)
    write_json(folder.summary_file, summary)
    pictures = [path for path in _pictures(folder) if path.suffix == ".png"]
    if pictures:
        save_animation(pictures, folder.animation_file)
    print(_last_words(folder, step, summary["seconds"]))


def _measure(folder: RunFolder, evaluation: Evaluation, states: list[GANState]) -> None:
    lines: list[Line] = []
    for state in {step_of(state): state for state in states}.values():
        names = evaluation.named("training", "end")
        found, failed = evaluation.measure(names, state, FINAL)
        lines += [line for line in found if line not in lines]
        for sentence in first_words(failed, step_of(state)):
            print(f"warning: {sentence}")
    if not lines:
        return
    protocols = read_protocols(folder.protocols_file)
    lines.sort(key=lambda line: line["step"] is None)  # the references last
    print(f"\n{figures_table(lines, protocols)}\n")
    for name in evaluation.named("training", "end"):
        for sentence in _worst(name, evaluation, lines, step_of(states[-1])):
            print(sentence)


def _worst(name: str, evaluation: Evaluation, lines: list[Line], step: int) -> list[str]:
    """Of several seeds, the worst by the first figure with a direction."""
    figures = evaluation.evaluators[name].figures.items()
    chosen = next(((key, figure) for key, figure in figures if figure.better), None)
    if chosen is None:
        return []
    key, figure = chosen
    at_end = [line for line in lines if line["step"] == step]
    found = worst(at_end, name, key, figure.better)
    return [] if found is None else [f"worst seed {found[0]}: {figure.label} {found[1]:g}"]


def _pictures(folder: RunFolder) -> list:
    """The files of the first artefact over the steps."""
    found = read_artefacts(folder.artefacts)
    chosen = found.get("samples") or next(iter(found.values()), {})
    return list(chosen.values())


def _last_words(folder: RunFolder, step: int, seconds: float) -> str:
    files = [str(path) for path in folder.artefact_files(step)]
    named = shlex.quote(str(folder.path))
    return "\n".join(
        [
            f"samples  {' '.join(files) or 'none'}",
            f"curves   {folder.curves_file}",
            f"seconds  {seconds} (this call)",
            f"next     python -m gan_jax report {named}",
            f"         python -m gan_jax sample {named} --num 100 --seed 1 --out grid.png",
        ]
    )


def final_figures(folder: RunFolder) -> list[Line]:
    """The figures that were measured when the run ended; none where it has not."""
    if not folder.summary_file.is_file():
        return []
    return [line for line in read_figures(folder.figures_file) if line["draw_seed"] == FINAL]


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
    files = " ".join(str(path) for path in folder.artefact_files(done))
    return (
        f"{folder.path} is finished: {done} of {steps} steps ({summary['seconds']} s)\n"
        f"samples  {files}\n"
        f"figures  {folder.figures_file}\n"
        f"to go on, the same command with {advice}; to begin anew, another --run-dir"
    )
