"""What a run folder says of one step: figures by row and seed, their protocols, and metrics."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan_jax.training.json_files import read_json, read_lines

GENERATED = "generated"  # the row of the run itself
Line = Mapping[str, Any]  # of a figures.jsonl or metrics.jsonl
BySeed = dict[int | None, "Value"]  # None: of no seed, as a reference


class Value(NamedTuple):
    """A figure of one seed.

    Attributes:
        value: None where the measurement failed.
        standard_error: of the samples, where the evaluator gives it.
        step: of the players; None of a reference.
        protocol: its key in ``protocols.json``; None where none is recorded.
    """

    value: float | None
    standard_error: float | None = None
    step: int | None = None
    protocol: str | None = None


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
    if not (path / "config.json").is_file():
        raise FileNotFoundError(f"{path} is no run folder: expected config.json in it")
    config, summary = read_json(path / "config.json"), read_json(path / "summary.json")
    lines, logged = read_lines(path / "figures.jsonl"), read_lines(path / "metrics.jsonl")
    step, draw_seed = _moment(at, summary, lines, logged)
    figures = _figures(lines, step, draw_seed)
    if at.startswith("seconds"):
        step = max(_within(at, logged), default=None)
    for name in metrics:
        if (value := _metric(logged, name, step)) is not None:
            seed = config["arguments"].get("seed", 0) if config.get("num_seeds", 1) == 1 else None
            figures.setdefault(GENERATED, {})[f"metrics:{name}"] = {seed: value}
    protocols = path / "protocols.json"
    return Reading(
        config=config,
        step=step,
        seconds=summary.get("seconds"),
        protocols=read_json(protocols) if protocols.is_file() else {},
        figures=figures,
    )


def _moment(
    at: str, summary: Mapping[str, Any], lines: Sequence[Line], logged: Sequence[Line]
) -> tuple[int | None, str]:
    """The step whose figures are asked for, and with which latents they were taken."""
    if at == "last":
        return summary["steps"], "evaluate_final"
    if at == "best":
        return (summary.get("best") or {}).get("step"), "evaluate_final"
    steps = {line["step"] for line in lines if line["draw_seed"] == "evaluate"}
    return max((steps - {None}) & _within(at, logged), default=None), "evaluate"


def _within(at: str, logged: Sequence[Line]) -> set[int]:
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
    found: dict[str, dict[str, BySeed]] = {}
    chosen = [line for line in lines if step is not None and line["step"] == step]
    chosen = [line for line in chosen if line["draw_seed"] == draw_seed]
    for line in sorted(chosen, key=lambda line: line.get("weights") == "ema"):  # it wins
        _add(found, line)
    protocols = {
        (figure, value.protocol)
        for figures in found.values()
        for figure, by_seed in figures.items()
        for value in by_seed.values()
    }
    for line in lines:
        if line["step"] is None and (_name(line), line.get("protocol")) in protocols:
            _add(found, line)
    return found


def _name(line: Line) -> str:
    return f"{line['evaluator']}/{line['figure']}"


def _add(found: dict[str, dict[str, BySeed]], line: Line) -> None:
    """A later line of the same figure takes the place of an earlier one."""
    by_seed = found.setdefault(line["row"], {}).setdefault(_name(line), {})
    by_seed[line["seed"]] = Value(
        finite(line["value"]), line.get("standard_error"), line["step"], line.get("protocol")
    )


def _metric(logged: Sequence[Line], name: str, step: int | None) -> Value | None:
    """The last one that was logged up to a step."""
    lines = [line for line in logged if name in line and step is not None and line["step"] <= step]
    if not lines:
        return None
    return Value(finite(lines[-1][name]), None, lines[-1]["step"])


def finite(value: float | None) -> float | None:
    """The value, or None where it is not a finite number."""
    return float(value) if value is not None and math.isfinite(value) else None
