"""Curves of one run or several over the steps, one panel for each figure's name."""

import io
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure  # not pyplot: no global state, no display

from gan_jax.training.run_log import read_lines

Lines = list[dict]  # of a metrics.jsonl
_POINTS = 500  # of a curve in a page, at most


def save_curves(metrics_file: Path, path: Path) -> None:
    """Every metric of a ``metrics.jsonl``, as a PNG."""
    lines = read_lines(metrics_file)
    panels = _panels(lines)
    figure = Figure(figsize=(8, 2.2 * max(len(panels), 1) + 1.0), layout="constrained")
    axes = figure.subplots(max(len(panels), 1), sharex=True, squeeze=False)[:, 0]
    for axis, (panel, names) in zip(axes, panels.items(), strict=False):
        for name in names:
            axis.plot(*_points(lines, name), label=_prefix(name), linewidth=1)
        _finish(axis, panel)
    axes[-1].set_xlabel("step")
    draft = path.with_name(f".{path.name}")
    figure.savefig(draft, format="png", dpi=110)
    draft.replace(path)


def curve_panels(runs: dict[str, Lines]) -> dict[str, str]:
    """Name of the figure -> an SVG with its curves of all runs."""
    panels: dict[str, list[str]] = {}
    for lines in runs.values():
        for panel, names in _panels(lines).items():
            known = panels.setdefault(panel, [])
            known += [name for name in names if name not in known]
    return {panel: _panel(panel, names, runs) for panel, names in panels.items()}


def _panel(panel: str, names: list[str], runs: dict[str, Lines]) -> str:
    figure = Figure(figsize=(5.6, 2.8), layout="constrained")
    axis = figure.subplots()
    for run, lines in runs.items():
        for name in names:
            steps, values = _points(lines, name)
            kept = np.unique(np.linspace(0, len(steps) - 1, _POINTS).astype(int)) if steps else []
            label = " ".join([run] * (len(runs) > 1) + [_prefix(name)])
            axis.plot([steps[i] for i in kept], [values[i] for i in kept], label=label, linewidth=1)
    _finish(axis, panel)
    axis.set_xlabel("step")
    stream = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": panel}):
        figure.savefig(stream, format="svg", metadata={"Date": None}, transparent=True)
    return stream.getvalue()[stream.getvalue().index("<svg") :]


def _panels(lines: Lines) -> dict[str, list[str]]:
    """Panel -> names of metrics; the losses first."""
    names = sorted({name for line in lines for name in line if "/" in name})
    order = sorted({_figure(name) for name in names}, key=lambda n: (n != "loss", n))
    return {panel: [name for name in names if _figure(name) == panel] for panel in order}


def _points(lines: Lines, name: str) -> tuple[list[int], list[float]]:
    found = [(line["step"], line[name]) for line in lines if line.get(name) is not None]
    return [step for step, _ in found], [value for _, value in found]


def _figure(name: str) -> str:
    return name.split("/", 1)[1]


def _prefix(name: str) -> str:
    return name.split("/")[0]


def _finish(axis, panel: str) -> None:
    axis.set_ylabel(panel.replace("_", " "))
    axis.grid(alpha=0.3)
    axis.legend(loc="upper right", fontsize="small")
