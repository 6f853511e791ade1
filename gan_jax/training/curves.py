"""Curves of one run or several over the steps, one panel for each figure's name."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.drawing.whole_files import replace_file
from gan_jax.training.json_files import number
from gan_jax.training.run_log import read_metrics

Lines = list[dict]  # of a metrics.jsonl
_POINTS = 500  # of a curve in a page, at most
_FEW = 25  # points that are marked each
_FAR = 20.0  # the greatest value over the smallest, from which on the scale is logarithmic
_COLORS = (
    "#2f7ed8", "#e07b39", "#3a9d5d", "#c94f6d", "#8c63c9", "#a08a2f", "#2a9fb0", "#808080",
)  # fmt: skip
_DASHES = ("solid", "dashed", "dotted", "dashdot")
_OWN_PANELS = ("eval", "health")  # each of their columns has a scale of its own
_INK = "#123456"  # in a page's vector pictures: the colour of the text around them


class Key(NamedTuple):
    """What a legend says of one curve.

    Attributes:
        label: whose curve it is; empty where the panel says it.
        color: of its line.
        dash: ``solid``, ``dashed``, ``dotted`` or ``dashdot``.
    """

    label: str
    color: str
    dash: str


class Curves(NamedTuple):
    """The curves of one panel.

    Attributes:
        svg: a vector picture without title and legend, in the colour of the text around it.
        keys: of the legend.
    """

    svg: str
    keys: list[Key]


def save_curves(metrics_file: Path, path: Path) -> None:
    """Every metric of a ``metrics.jsonl``, as a PNG."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    lines = read_metrics(metrics_file)
    panels = panels_of(lines)
    figure = Figure(figsize=(8, 2.2 * max(len(panels), 1) + 1.0), layout="constrained")
    axes = figure.subplots(max(len(panels), 1), sharex=True, squeeze=False)[:, 0]
    for axis, (panel, names) in zip(axes, panels.items(), strict=False):
        for name in names:
            steps, values = _points(lines, name)
            label, marker = name.split("/")[0], _marker(len(steps))
            axis.plot(steps, values, label=label, linewidth=1, marker=marker)
        axis.set_ylabel(panel.replace("_", " "))
        axis.grid(alpha=0.3)
        axis.legend(loc="upper right", fontsize="small")
    _mark_steps(axes[-1])
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    replace_file(path, stream.getvalue())


def panels_of(lines: Lines) -> dict[str, list[str]]:
    """Panel -> the columns of a log that it shows: the losses first.

    Both players' ``loss`` is one panel; of evaluations and of health each column has its own.

    Args:
        lines: of a ``metrics.jsonl``.
    """
    panels: dict[str, list[str]] = {}
    for name in sorted({name for line in lines for name in line if "/" in name}):
        if any(number(line.get(name)) is not None for line in lines):
            panels.setdefault(_panel_of(name), []).append(name)
    return dict(sorted(panels.items(), key=lambda entry: (entry[0] != "loss", entry[0])))


def _panel_of(name: str) -> str:
    first, rest = name.split("/", 1)
    return name if first in _OWN_PANELS else rest


def curve_panels(
    runs: Mapping[str, Lines], *, levels: Mapping[str, Mapping[str, float]] | None = None
) -> dict[str, Curves]:
    """Panel -> the curves of all runs.

    Args:
        runs: name -> the lines of its ``metrics.jsonl``.
        levels: panel -> name -> value of a level line, as of real data.
    """
    panels: dict[str, list[str]] = {}
    for lines in runs.values():
        for panel, names in panels_of(lines).items():
            known = panels.setdefault(panel, [])
            known += [name for name in names if name not in known]
    levels = levels or {}
    return {
        panel: _curves(panel, names, runs, levels.get(panel, {})) for panel, names in panels.items()
    }


def _curves(
    panel: str, names: list[str], runs: Mapping[str, Lines], levels: Mapping[str, float]
) -> Curves:
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    options = {"svg.fonttype": "none", "svg.hashsalt": panel, "font.size": 9} | dict.fromkeys(
        inks, _INK
    )
    with rc_context(options):
        figure = Figure(figsize=(5.6, 2.5), layout="constrained")
        axis = figure.subplots()
        keys = _draw(axis, names, runs)
        for name, value in levels.items():
            axis.axhline(value, color=_INK, linestyle="dotted", linewidth=1)
            keys.append(Key(name, "currentColor", "dotted"))
        if panel.startswith("eval/") and _spans_scales(axis):
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        _mark_steps(axis)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None}, transparent=True)
    svg = stream.getvalue()
    return Curves(svg[svg.index("<svg") :].replace(_INK, "currentColor"), keys)


def _draw(axis, names: list[str], runs: Mapping[str, Lines]) -> list[Key]:
    """Draws the curves: a run has a colour, or each curve of a single one."""
    keys = []
    for nth, (run, lines) in enumerate(runs.items()):
        for place, name in enumerate(names):
            steps, values = _points(lines, name)
            if not steps:
                continue
            color = _COLORS[(nth if len(runs) > 1 else place) % len(_COLORS)]
            dash = _DASHES[place % len(_DASHES)] if len(runs) > 1 else "solid"
            kept = np.unique(np.linspace(0, len(steps) - 1, _POINTS).astype(int))
            axis.plot(
                [steps[i] for i in kept], [values[i] for i in kept], color=color, linestyle=dash,
                linewidth=1.4, marker=_marker(len(kept)),
            )  # fmt: skip
            label = ": ".join(filter(None, [run if len(runs) > 1 else "", _whose(name)]))
            keys.append(Key(label, color, dash))
    return keys


def _marker(num: int) -> str:
    """A single point is no line: few points are marked each."""
    return "." if num <= _FEW else ""


def _mark_steps(axis) -> None:
    """Whole numbers; of a single step one, where else several places would bear its number."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_xlabel("step")
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _spans_scales(axis) -> bool:
    """Whether positive values lie so far apart that the small ones could not be told apart."""
    values = [value for line in axis.lines for value in np.atleast_1d(line.get_ydata())]
    return bool(values) and min(values) > 0 and max(values) > _FAR * min(values)


def _points(lines: Lines, name: str) -> tuple[list[int], list[float]]:
    """Steps and values of a column, without those that could not be measured."""
    found = [(line["step"], line[name]) for line in lines if number(line.get(name)) is not None]
    return [step for step, _ in found], [value for _, value in found]


def _whose(name: str) -> str:
    first = name.split("/")[0]
    return "" if first in _OWN_PANELS else first
