"""One page about one run or several: ``python -m gan_jax report RUN [RUN ...] --out report.html``.

A single HTML file, which opens without a network.
"""

from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro

from gan_jax.commands.html import Slide, as_uri, drawings, page, pictures, slider, table
from gan_jax.drawing.pictures import image_grid
from gan_jax.metrics.estimate import Estimate
from gan_jax.training.command_line import exit_with_message
from gan_jax.training.curves import curve_panels
from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import rebuild
from gan_jax.training.given import load_given
from gan_jax.training.run_folder import RunFolder, read_json
from gan_jax.training.run_log import read_lines
from gan_jax.training.states import last_state, members_of, step_of

_SLIDES = 60  # of a run, at most


def report(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    /,
    *,
    out: Path = Path("report.html"),
    debug: bool = False,
) -> None:
    """Writes a page about runs: what differs, curves, samples, interpolations, neighbours, figures.

    Args:
        runs: the run folders.
        out: the HTML file to write.
        debug: show the traceback of an error.
    """
    exit_with_message(lambda: _report(runs, out), debug=debug)


def _report(runs: tuple[Path, ...], out: Path) -> None:
    if not runs:
        raise ValueError("name at least one run folder")
    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--out must be an .html file, got {out}")
    folders = {str(path): RunFolder(path) for path in runs}
    configs = {name: folder.config() for name, folder in folders.items()}
    names = _short(list(folders))
    sections = [
        ("Configuration", _configuration(names, configs)),
        ("Curves", _curves(names, folders)),
        ("Samples", _samples(names, folders)),
        ("Interpolations", _interpolations(names, folders)),
        ("Nearest neighbours", _neighbours(names, folders)),
        ("Figures", _figures(names, folders)),
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    title = ", ".join(names.values())
    out.write_text(page(title, [(heading, html) for heading, html in sections if html]))
    print(
        f"{out}: {len(folders)} run{'s' * (len(folders) > 1)}, {out.stat().st_size / 2**20:.1f} MiB"
    )


def _short(paths: list[str]) -> dict[str, str]:
    """The last parts of the paths, as many as tell them apart."""
    parts = [Path(path).absolute().parts for path in paths]
    longest = max(map(len, parts))
    for count in range(1, longest + 1):
        short = ["/".join(part[-count:]) for part in parts]
        if len(set(short)) == len(set(paths)):
            break
    return dict(zip(paths, short, strict=True))


def _configuration(names: dict[str, str], configs: dict[str, dict[str, Any]]) -> str:
    """What differs between the runs; of a single run, everything."""
    flat = {run: _flat(config) for run, config in configs.items()}
    keys = list(dict.fromkeys(key for config in flat.values() for key in config))
    rows = [[key, *(flat[run].get(key, "") for run in configs)] for key in keys]
    head = ["", *names.values()]
    if len(configs) == 1:
        return table([head, *rows])
    differing = [row for row in rows if len(set(row[1:])) > 1]
    said = "What differs." if differing else "The runs have one configuration."
    return f"<p>{said}</p>" + (table([head, *differing]) if differing else "")


def _flat(config: dict[str, Any]) -> dict[str, str]:
    flat = {"experiment": str(config["experiment"]), "seeds": str(config.get("num_seeds", 1))}
    for group in ("arguments", "versions"):
        flat |= {name: str(value) for name, value in config.get(group, {}).items()}
    data = config.get("data", {})
    flat["data"] = f"{data.get('examples')} examples, {str(data.get('sha256'))[:12]}"
    return flat


def _curves(names: dict[str, str], folders: dict[str, RunFolder]) -> str:
    lines = {names[run]: read_lines(folder.metrics_file) for run, folder in folders.items()}
    return drawings(curve_panels(lines))


def _samples(names: dict[str, str], folders: dict[str, RunFolder]) -> str:
    """A slider over the pictures of each run."""
    sliders = []
    for run, folder in folders.items():
        files = sorted(folder.samples.glob("step_*.png"))
        if not files:
            continue
        places = np.unique(np.linspace(0, len(files) - 1, _SLIDES).round().astype(int))
        slides = [
            Slide(f"step {int(files[i].stem.removeprefix('step_')):,}", as_uri(files[i]))
            for i in places
        ]
        sliders.append(slider(names[run], slides))
    return f'<div class="side-by-side">{"".join(sliders)}</div>' if sliders else ""


def _interpolations(names: dict[str, str], folders: dict[str, RunFolder]) -> str:
    slides = []
    for run, folder in folders.items():
        experiment = rebuild(folder)
        state = last_state(folder, experiment)
        first = members_of(state, experiment.num_seeds)[0]
        drawer = Drawer(experiment, load_given(folder.given_file))
        samples = drawer.interpolation(jax.device_put(first))
        if (
            not isinstance(samples, np.ndarray)
            or samples.ndim != 4
            or samples.shape[-1] not in (1, 3, 4)
        ):
            continue
        caption = f"{names[run]}: rows from one latent to another along great circles, step {step_of(state):,}"
        slides.append(Slide(caption, as_uri(image_grid(samples, columns=9))))
    return pictures(slides) if slides else ""


def _neighbours(names: dict[str, str], folders: dict[str, RunFolder]) -> str:
    slides = [
        Slide(
            f"{names[run]}: samples, and the real images nearest to each in the features of the figures below",
            as_uri(folder.neighbours_file),
        )
        for run, folder in folders.items()
        if folder.neighbours_file.is_file()
    ]
    return pictures(slides) if slides else ""


def _figures(names: dict[str, str], folders: dict[str, RunFolder]) -> str:
    """The evaluation of each run, and what the run itself measured at its end."""
    parts = []
    for run, folder in folders.items():
        if folder.evaluation_file.is_file():
            parts.append(_evaluation(names[run], read_json(folder.evaluation_file)))
        else:
            parts.append(
                f"<p>{names[run]} has not been evaluated: python -m gan_jax evaluate {run}</p>"
            )
        summary = read_json(folder.summary_file) if folder.summary_file.is_file() else {}
        if "figures" in summary:
            rows = summary["figures"]["rows"]
            head = [f"{names[run]}, step {summary['steps']:,}", *next(iter(rows.values()))]
            lines = [
                [name, *(f"{value:.4g}" for value in row.values())] for name, row in rows.items()
            ]
            parts.append(table([head, *lines], caption=summary["figures"]["protocol"]))
    return "\n".join(parts)


def _evaluation(name: str, lines: list[dict[str, Any]]) -> str:
    rows = list(dict.fromkeys(line["row"] for line in lines))
    metrics = list(dict.fromkeys(line["metric"] for line in lines))
    found = {(line["metric"], line["row"]): line for line in lines}
    body = [
        [metric, *(_text(found[metric, row]) for row in rows), found[metric, rows[0]]["estimator"]]
        for metric in metrics
    ]
    first = lines[0]
    caption = (
        f"{first['num_samples']} samples against {first['num_reference']} real ones; step {first['step']}, "
        f"{first['weights']}, seed {first['seed']}; held-out images: {first['held_out']}; features: "
        f"{first['features']}, {first['features_sha256']}; resize: {first['resize']}"
    )
    return table([[name, *rows, "estimator"], *body], caption=caption)


def _text(line: dict[str, Any]) -> str:
    return str(Estimate(line["value"], line["standard_error"]))
