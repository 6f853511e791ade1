"""Curves in a page: losses and the most telling figure first, the rest folded, health by itself."""

from collections.abc import Sequence

from gan_jax.commands import html
from gan_jax.commands.figures_html import heading_of, label_of
from gan_jax.tables.comparison import compare
from gan_jax.tables.run_files import RunFiles
from gan_jax.training.curves import Curves, curve_panels

# What each says, by the beginning of its name.
_HEALTH = {
    "diversity": "How far samples are from one another, as a share of real data's distance: near 1 is well, near 0 they are all the same.",
    "logit": "How much more real the discriminator finds real data than samples.",
    "separation": "How often the discriminator tells real from generated: 0.5 is a guess, 1 leaves the generator nothing to learn from.",
    "overfitting": "How far the discriminator knows its examples by heart: 0 is not at all, at 1 it takes unseen real data for fakes.",
    "real_accuracy": "The share of real data that the discriminator takes for real.",
    "fake_accuracy": "The share of samples that the discriminator takes for fakes.",
    "held_out_accuracy": "The share of real data that it never saw and takes for real.",
}


def curve_sections(runs: Sequence[RunFiles]) -> tuple[str, str]:
    """HTML of the curves, and of the health of the game; empty where nothing is logged.

    Args:
        runs: one or several, drawn over one another.
    """
    panels = curve_panels({run.name: run.metrics for run in runs}, levels=_levels(runs))
    telling = _telling(runs, panels)
    first = [name for name in ("loss", telling) if name in panels]
    health = [name for name in panels if name.startswith("health/")]
    rest = [name for name in panels if name not in {*first, *health}]
    parts = [html.drawings([_panel(runs, name, panels) for name in first])]
    if rest:
        body = html.drawings([_panel(runs, name, panels) for name in rest])
        parts.append(html.folded(f"All {len(rest)} other curves", body) if first else body)
    drawn = html.drawings([_panel(runs, name, panels) for name in health])
    return "\n".join(filter(None, parts)), drawn


def _telling(runs: Sequence[RunFiles], panels: dict[str, Curves]) -> str | None:
    """The panel of the figure that chose the best step, else of the first with a direction.

    What was measured at one step only, as before the first, is no curve.
    """
    best = [f"eval/{run.best[1]}" for run in runs if run.best]
    directed = [
        f"eval/{figure}"
        for found in compare(runs)
        for figure, heading in found.headings.items()
        if heading.better
    ]
    measured_panels = [name for name in panels if name.startswith("eval/")]
    curves = [name for name in [*best, *directed, *measured_panels] if _is_curve(runs, name)]
    return next((name for name in curves if name in panels), None)


def _is_curve(runs: Sequence[RunFiles], name: str) -> bool:
    return any(sum(line.get(name) is not None for line in run.metrics) > 1 for run in runs)


def _levels(runs: Sequence[RunFiles]) -> dict[str, dict[str, float]]:
    """A level line for what real data have, where it is measured in one way."""
    levels = {}
    rows = [row for found in compare(runs) for row in found.rows if row.reference == "real"]
    for row in rows:
        for figure, cell in row.cells.items():
            if cell.mean is not None:
                levels.setdefault(f"eval/{figure}", {"real": cell.mean})
    return levels


def _panel(
    runs: Sequence[RunFiles], name: str, panels: dict[str, Curves]
) -> tuple[str, Curves, str]:
    """Title, curves, and a sentence where one helps."""
    if name.startswith("eval/"):
        figure = name.removeprefix("eval/")
        knows = next((run for run in runs if heading_of(run, figure).better), runs[0])
        return label_of(knows, figure), panels[name], ""
    if name.startswith("health/"):
        short = name.removeprefix("health/")
        said = next((text for key, text in _HEALTH.items() if short.startswith(key)), "")
        return short.replace("_", " "), panels[name], said
    return name.replace("_", " ").replace("/", ", "), panels[name], ""
