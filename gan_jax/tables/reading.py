"""What a run folder says of one step: figures by row and seed, their protocols, and metrics."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.tables.run_files import RunFiles, read_files
from gan_jax.training.evaluation import FINAL, TRAINING
from gan_jax.training.figures_log import Line
from gan_jax.training.json_files import number
from gan_jax.training.over_seeds import BySeed, Value, grouped


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """A run folder, read at one step.

    Attributes:
        config: of ``config.json``.
        step: that was asked for; None where the run has none, as a best one.
        seconds: that the run took.
        protocols: of ``protocols.json``.
        figures: row (``generated``, a setting, a reference) -> figure -> seed -> value.
    """

    config: Mapping[str, Any]
    step: int | None = None
    seconds: float | None = None
    protocols: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    figures: Mapping[str, Mapping[str, BySeed]] = dataclasses.field(default_factory=dict)


def read_run(path: Path, *, at: str = "last", metrics: Sequence[str] = ()) -> Reading | None:
    """Reads the figures of a run at a step.

    ``last`` and ``best`` are the figures that are printed when a run ends, with fresh latents;
    ``seconds<=T`` is the last evaluation during training whose step ended within ``T`` seconds.

    Args:
        path: the run folder.
        at: ``last``, ``best`` or ``seconds<=T``.
        metrics: names in ``metrics.jsonl`` that are read too, as figures ``metrics:NAME``.

    Returns:
        None where the run is not finished.

    Raises:
        FileNotFoundError: a finished run has no configuration.
    """
    if not (path / "summary.json").is_file():
        return None
    run = read_files(path)
    step, draw_seed = _moment(at, run)
    figures = _figures(run.figures, step, draw_seed)
    if at.startswith("seconds"):
        step = max(_within(at, run.metrics), default=None)
    for name in metrics:
        if (value := _metric(run.metrics, name, step)) is not None:
            several = run.config.get("num_seeds", 1) != 1
            seed = None if several else run.config["arguments"].get("seed", 0)
            figures.setdefault(GENERATED, {})[f"metrics:{name}"] = {seed: value}
    return Reading(
        config=run.config,
        step=step,
        seconds=run.summary.get("seconds"),
        protocols=run.protocols,
        figures=figures,
    )


def _moment(at: str, run: RunFiles) -> tuple[int | None, str]:
    """The step whose figures are asked for, and with which latents they were taken."""
    if at == "last":
        return run.summary["steps"], FINAL
    if at == "best":
        return run.best and run.best[0], FINAL
    steps = {line["step"] for line in run.figures if line["draw_seed"] == TRAINING}
    return max((steps - {None}) & _within(at, run.metrics), default=None), TRAINING


def _within(at: str, logged: Sequence[Mapping[str, Any]]) -> set[int]:
    """The logged steps that ended within ``seconds<=T`` of training."""
    limit = float(re.fullmatch(r"seconds<=(.+)", at).group(1))
    seconds: dict[int, float] = {}
    for line in logged:
        if line.get("seconds") is not None:
            seconds[line["step"]] = max(line["seconds"], seconds.get(line["step"], 0.0))
    return {step for step, ended in seconds.items() if ended <= limit}


def _figures(
    lines: Sequence[Line], step: int | None, draw_seed: str
) -> dict[str, dict[str, BySeed]]:
    """Those of the players at the step, and the references under the same protocols."""
    chosen = [line for line in lines if step is not None and line["step"] == step]
    chosen = [line for line in chosen if line["draw_seed"] == draw_seed]
    chosen.sort(key=lambda line: line.get("weights") == "ema")  # it wins
    measured = {_of(line) for line in chosen}
    chosen += [line for line in lines if line["step"] is None and _of(line) in measured]
    return grouped(chosen, lambda line: line["row"])


def _of(line: Line) -> tuple[str, str, str]:
    return line["evaluator"], line["figure"], line["protocol"]


def _metric(logged: Sequence[Mapping[str, Any]], name: str, step: int | None) -> Value | None:
    """The last one that was logged up to a step."""
    lines = [line for line in logged if name in line and step is not None and line["step"] <= step]
    if not lines:
        return None
    return Value(number(lines[-1][name]), None, lines[-1]["step"])
