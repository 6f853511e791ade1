"""What was measured in a run: ``figures.jsonl``, one line a figure, and ``protocols.json``.

Lines are added and never changed; a run that goes on from an earlier step drops those of later ones.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from gan_jax.metrics.evaluators import Evaluator
from gan_jax.training.json_files import read_json, read_lines, write_json

_TEXTS = ("evaluator", "figure", "row", "protocol")


class Line(TypedDict):
    """One figure of one row.

    Attributes:
        evaluator: by its name in the experiment.
        figure: by its name in the evaluator.
        row: ``generated``, a setting of the run, or a reference such as ``real``.
        seed: of the run; None of a reference, as ``step`` and ``weights``.
        step: of the state that was measured.
        weights: ``ema`` or ``live``.
        value: None where the measurement failed.
        standard_error: None where the estimator gives none.
        num: samples of the row; None is every held-out row once.
        draw_seed: ``evaluate`` while training, ``evaluate_final`` for the figures that are printed
            (other latents than those by which the best step was chosen), or a user's number.
        protocol: a key of ``protocols.json``.
    """

    evaluator: str
    figure: str
    row: str
    seed: int | None
    step: int | None
    weights: str | None
    value: float | None
    standard_error: float | None
    num: int | None
    draw_seed: str | int
    protocol: str


def read_figures(path: Path) -> list[Line]:
    """The lines of a ``figures.jsonl``, but for a last one that a kill cut short."""
    return [line for line in read_lines(path) if _is_figure(line)]


def _is_figure(line: Any) -> bool:
    return all(isinstance(line.get(name), str) for name in _TEXTS)


def read_protocols(path: Path) -> dict[str, dict]:
    """The protocols by the keys that lines name; none where the file is not there.

    Raises:
        ValueError: the file holds no such JSON; it is named.
    """
    protocols = read_json(path) if path.is_file() else {}
    if not isinstance(protocols, dict) or not all(isinstance(p, dict) for p in protocols.values()):
        raise ValueError(f"{path} must hold an object of objects, one for each protocol")
    return protocols


def add_protocols(path: Path, evaluators: Mapping[str, Evaluator]) -> None:
    """Writes down the protocols of evaluators beside those that are there."""
    known = read_protocols(path)
    added = {
        evaluator.sha: {
            "evaluator": name,
            "protocol": dict(evaluator.protocol),
            "figures": {key: figure._asdict() for key, figure in evaluator.figures.items()},
        }
        for name, evaluator in evaluators.items()
    }
    if any(known.get(key) != protocol for key, protocol in added.items()):
        write_json(path, known | added)


def is_after(step: int) -> Callable[[dict], bool]:
    """Whether a line is of a later step; those of references are of none."""
    return lambda line: line.get("step") is not None and line["step"] > step
