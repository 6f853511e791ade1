"""How a run stands, from the files of its folder: no experiment is built and no state is read."""

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.training.checksums import checksum_file, fault_of, saved_steps
from gan_jax.training.evaluation import TRAINING
from gan_jax.training.figures_log import Line, read_figures, read_protocols
from gan_jax.training.json_files import check_sizes, number, read_lines
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_lock import Holder, holder_of
from gan_jax.training.run_log import read_metrics


class BestStep(NamedTuple):
    """The best step of a run.

    Attributes:
        step: of the state that is kept.
        figure: ``quality/frechet``; None where the folder does not say, as one of format 1.
        value: of the figure, the mean over the seeds, by which the step was chosen.
    """

    step: int
    figure: str | None = None
    value: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Status:
    """How a run stands.

    Attributes:
        path: the run folder.
        config: of ``config.json``.
        history: the starts, as in ``history.jsonl``.
        steps: the step that the run would go on from: that of the newest whole checkpoint; else 0.
        total: steps that the last command asked for; None where the folder does not say.
        logged: the last step in ``metrics.jsonl``; 0 before the first.
        seconds: of training, over all resumes; None where the log does not say.
        checkpoints: step -> what is wrong with its files; None where nothing is.
        unsigned: those of them without checksums: being saved, or a kill came between.
        best: the best step; None where none is kept.
        best_fault: what is wrong with the files of the best step.
        figures: of the run's own rows, the last measured; and of the references.
        metrics: the last value of each metric of the log.
        holder: who trains in it, or was the last to.
        finished: whether nothing is left to do.
        num_bytes: of all files in the folder.
        next: what the same command would do now.
    """

    path: Path
    config: Mapping[str, Any]
    history: list[dict[str, Any]]
    steps: int
    total: int | None
    logged: int
    seconds: float | None
    checkpoints: Mapping[int, str | None]
    unsigned: list[int]
    best: BestStep | None
    best_fault: str | None
    figures: list[Line]
    metrics: Mapping[str, float | None]
    holder: Holder | None
    finished: bool
    num_bytes: int
    next: str

    def __repr__(self) -> str:
        """One line; the command ``status`` prints the whole."""
        of = "" if self.total is None else f" of {self.total:,}"
        return f"<Status of {self.path}: step {self.steps:,}{of}; the same command {self.next}>"


def read_status(path: str | Path) -> Status:
    """How a run stands; every checkpoint's files are compared with their checksums.

    Args:
        path: the run folder, of format 1 or 2.

    Raises:
        FileNotFoundError: this is no run folder.
        ValueError: a file of it is damaged, or larger than any run's.
    """
    folder = RunFolder(path)
    check_sizes(folder.path)
    config, summary = folder.config(), folder.summary()
    checkpoints = _checkpoints(folder.checkpoints)
    steps = max((step for step, fault in checkpoints.items() if fault is None), default=0)
    lines = read_metrics(folder.metrics_file)
    figures = [
        line
        for line in read_figures(folder.figures_file)
        if line.keys() >= Line.__annotations__.keys()
    ]
    metrics = {name: value for line in lines for name, value in line.items()}
    total, holder = _option(config, "steps"), holder_of(folder.path)
    finished = steps > 0 and _is_finished(config, summary, steps)
    best = _best(folder, config, figures)
    return Status(
        path=folder.path,
        config=config,
        history=read_lines(folder.history_file),
        steps=steps,
        total=total,
        logged=lines[-1]["step"] if lines else 0,
        seconds=number(metrics.get("seconds")),
        checkpoints=checkpoints,
        unsigned=[
            step for step in checkpoints if not checksum_file(folder.checkpoints, step).is_file()
        ],
        best=best,
        best_fault=best and _checkpoints(folder.best).get(best.step),
        figures=_last(figures),
        metrics={name: number(value) for name, value in metrics.items()},
        holder=holder,
        finished=finished,
        num_bytes=_num_bytes(folder.path),
        next=_next(steps, total, checkpoints, holder, finished),
    )


def _checkpoints(folder: Path) -> dict[int, str | None]:
    """Step -> fault; without those that a run that trains has removed meanwhile."""
    found = {}
    for step in saved_steps(folder):
        with contextlib.suppress(FileNotFoundError):
            found[step] = fault_of(folder, step)
    return {step: fault for step, fault in found.items() if (folder / str(step)).is_dir()}


def _option(config: Mapping[str, Any], name: str) -> Any:
    """A number of the last command; an older folder has it only where it was an argument."""
    for group in ("options", "arguments"):
        found = config.get(group)
        if isinstance(found, dict) and isinstance(found.get(name), int):
            return found[name]
    return None


def _is_finished(config: Mapping[str, Any], summary: Mapping[str, Any], steps: int) -> bool:
    """As :func:`gan_jax.training.summary.is_finished` finds it, of the command that was last given."""
    if summary.get("steps") != steps:
        return False
    total, patience = _option(config, "steps"), summary.get("patience")
    asked = _option(config, "patience") if "options" in config else patience
    return total is None or steps >= total or (patience is not None and patience == asked)


def _best(folder: RunFolder, config: Mapping[str, Any], figures: list[Line]) -> BestStep | None:
    """The step that is kept, and the figure that chose it: the first that could, if none was asked for."""
    kept = saved_steps(folder.best)
    if not kept:
        return None
    step, protocols = kept[-1], read_protocols(folder.protocols_file)
    options = config.get("options")
    asked = options.get("best_metric") if isinstance(options, dict) else None
    chosen: dict[str, list[float | None]] = {}
    for line in figures:
        name = f"{line['evaluator']}/{line['figure']}"
        told = protocols.get(line["protocol"], {}).get("figures", {}).get(line["figure"], {})
        if (line["row"], line["draw_seed"], line["step"]) != (GENERATED, TRAINING, step):
            continue
        if told.get("better") and asked in (None, name, line["figure"]):
            chosen.setdefault(name, []).append(line["value"])
    for name, values in chosen.items():
        return BestStep(step, name, None if None in values else float(np.mean(values)))
    return BestStep(step)


def _last(figures: list[Line]) -> list[Line]:
    """The newest line of each figure, row and seed, references last; without those of a user's seed."""
    found: dict[tuple, Line] = {}
    for line in figures:
        if isinstance(line["draw_seed"], str):
            key = (line["evaluator"], line["figure"], line["row"], line["seed"])
            if key not in found or (line["step"] or 0) >= (found[key]["step"] or 0):
                found[key] = line
    return sorted(found.values(), key=lambda line: line["seed"] is None)


def _num_bytes(path: Path) -> int:
    total = 0
    for file in path.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a run that trains has removed it meanwhile
            total += file.lstat().st_size if file.is_file() and not file.is_symlink() else 0
    return total


def _next(
    steps: int,
    total: int | None,
    checkpoints: Mapping[int, str | None],
    holder: Holder | None,
    finished: bool,
) -> str:
    if holder is not None and holder.lives:
        return f"is refused, because {holder} trains in it"
    if finished:
        return "says that it is finished"
    if steps:
        of = "" if total is None else f" of {total:,}"
        return f"goes on at step {steps:,}{of}"
    if checkpoints:
        return "ends with an error, because no checkpoint is whole"
    return "begins at step 0, because no checkpoint was saved"
