"""One page about one run or several: ``python -m gan_jax report RUN [RUN ...]``.

A single HTML file, which opens without a network. It is made of the files of the run folders:
nothing in them is run, no checkpoint is opened.
"""

import shlex
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Annotated

import tyro

from gan_jax.commands import figures_html, html
from gan_jax.commands.command import as_command
from gan_jax.commands.curves_html import curve_sections
from gan_jax.commands.viewer import Chosen, Sources, choose, viewer_html
from gan_jax.drawing.whole_files import replace_file
from gan_jax.tables.run_files import RunFiles, differing, flat, read_runs
from gan_jax.training.json_files import whole


@as_command
def report(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional], *, out: Path | None = None
) -> None:
    """Writes a page about runs: what they drew, figures with errors, curves, health, what differs.

    Args:
        runs: the run folders.
        out: the HTML file to write; report.html in the run's folder, or of several runs in this
            one.
    """
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--out must be an .html file, got {out}")
    read = read_runs(runs)
    if out is None:
        out = (read[0].path if len(read) == 1 else Path()) / "report.html"
    content = _page(read).encode("utf-8", errors="replace")
    try:
        replace_file(out, content)
    except OSError as error:
        raise OSError(
            f"{out} cannot be written ({error.strerror or error}): choose another with --out"
        ) from error
    many = f"{len(read)} run{'s' * (len(read) > 1)}"
    print(f"{out}: {many}, {len(content) / 2**20:.1f} MiB; open it in a browser")


def _page(runs: Sequence[RunFiles]) -> str:
    curves, health = curve_sections(runs)
    sections = [
        ("What differs", _differing(runs) if len(runs) > 1 else ""),
        ("Samples", _samples(runs)),
        ("Figures", _figures(runs)),
        ("Curves", curves),
        ("Health", health),
        ("Configuration", "\n".join(_configuration(run, len(runs) > 1) for run in runs)),
    ]
    lead = "\n".join(f'<p class="lead">{_lead(run, len(runs) > 1)}</p>' for run in runs)
    title = ", ".join(run.name for run in runs)
    return html.page(title, lead, [(heading, body) for heading, body in sections if body])


def _lead(run: RunFiles, named: bool) -> str:
    """What was run, for how long, and how it stands."""
    told = [f"experiment {run.config.get('experiment', 'unknown') or 'without a file'}"]
    seeds = whole(run.config.get("num_seeds")) or 1
    if seeds > 1:
        told.append(f"{seeds} seeds side by side")
    steps, seconds = whole(run.summary.get("steps")), run.summary.get("seconds")
    if steps is None:
        told.append(f"not finished: its files end at step {run.last_step:,}")
    elif isinstance(seconds, int | float):
        told.append(f"{steps:,} steps in {_duration(seconds)}")
    else:
        told.append(f"{steps:,} steps")
    if run.best:
        step, figure = run.best
        told.append(f"best step {step:,} by {figures_html.heading_of(run, figure).label}")
    of = f"<strong>{escape(run.name)}</strong>: " if named else ""
    return of + escape("; ".join(told))


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _differing(runs: Sequence[RunFiles]) -> str:
    lines = differing(runs)
    if not lines:
        return html.note("Nothing: the runs have one configuration.")
    head = ["", *(run.name for run in runs)]
    return html.table([head, *([name, *values] for name, values in lines.items())])


def _samples(runs: Sequence[RunFiles]) -> str:
    """The artefacts of each run, several runs side by side."""
    chosen, sources, parts = choose(runs), Sources(), []
    for run, shown in zip(runs, chosen.shown, strict=True):
        drawn = html.note("This run has drawn nothing.")
        drawn = viewer_html(run.name, shown, sources) if shown else drawn
        parts.append(f"<h3>{escape(run.name)}</h3>{drawn}" if len(runs) > 1 else drawn)
    body = "".join(f"<div>{part}</div>" for part in parts)
    moves = any(len(steps) > 1 for shown in chosen.shown for steps in shown.values())
    lead = html.note(_HOW_TO_LOOK) if moves else ""
    return f'{lead}<div class="runs">{body}</div>{_left_out(chosen)}{sources.html()}'


_HOW_TO_LOOK = "What the generator made, always of the same random numbers: move the slider back to see how it learned."


def _left_out(chosen: Chosen) -> str:
    """What has no room, in a sentence or two."""
    parts = []
    if chosen.every > 1:
        parts.append(
            f"Every {_ordinal(chosen.every)} step is shown, counted back from the last: all would "
            f"take {chosen.total / 2**20:.1f} MiB. The files are in the run's folder."
        )
    parts += [
        f"{path} has {path.stat().st_size / 2**20:.1f} MiB and is not shown."
        for path in chosen.left_out
    ]
    return "\n".join(map(html.note, parts))


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 // 10 != 1 else 0, "th")
    return f"{number}{ending}"


def _figures(runs: Sequence[RunFiles]) -> str:
    parts = [figures_html.figures(runs)]
    for run in runs:
        if not run.figures:
            of = f" of {run.name}" if len(runs) > 1 else ""
            text = f"No figures{of} are recorded yet. This measures them:"
            parts.append(
                html.command(text, f"python -m gan_jax evaluate {shlex.quote(str(run.path))}")
            )
    return "\n".join(filter(None, parts))


def _configuration(run: RunFiles, named: bool) -> str:
    heading = f"Everything that {run.name} was called with" if named else "Everything"
    lines = [["", "value"], *([name, value] for name, value in flat(run.config).items())]
    again = ""
    if run.config.get("experiment"):  # a run of a notebook has no file
        again = html.command("The run's own code, as it was:", f"{run.path}/experiment.py")
    return html.folded(heading, f'<div class="plain">{html.table(lines)}</div>{again}')
