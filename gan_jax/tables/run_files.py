"""What comparisons read of a run folder: JSON and the names of its artefacts. Nothing in it is run."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_jax.drawing.artefacts import read_artefacts
from gan_jax.training.figures_log import read_figures, read_protocols
from gan_jax.training.json_files import check_sizes, whole
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_log import read_metrics


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFiles:
    """The readable part of a run folder.

    Attributes:
        path: as the user named it.
        name: the last parts of the path that tell it from the other runs.
        config: of ``config.json``.
        summary: of ``summary.json``; empty while the run goes on.
        metrics: the lines of ``metrics.jsonl``.
        figures: the lines of ``figures.jsonl``.
        protocols: how they were measured.
        artefacts: name -> step -> file.
    """

    path: Path
    name: str
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    metrics: list[dict[str, Any]]
    figures: list[dict[str, Any]]
    protocols: Mapping[str, Mapping[str, Any]]
    artefacts: Mapping[str, Mapping[int, Path]]

    @property
    def last_step(self) -> int:
        """Of the log, of the pictures, or of the summary: whichever is the greatest; else 0."""
        shown = [step for steps in self.artefacts.values() for step in steps]
        logged = [line["step"] for line in self.metrics[-1:]]
        return max([0, *shown, *logged, whole(self.summary.get("steps")) or 0])

    @property
    def best(self) -> tuple[int, str] | None:
        """The best step and the figure that chose it."""
        best = self.summary.get("best")
        if isinstance(best, dict) and isinstance(best.get("figure"), str):
            step = whole(best.get("step"))
            return None if step is None else (step, best["figure"])
        return None


def read_runs(paths: tuple[Path, ...]) -> list[RunFiles]:
    """Reads runs, each once, whatever it is called.

    Args:
        paths: run folders.

    Raises:
        FileNotFoundError: one is no run folder.
        ValueError: there is none, or a file is damaged or larger than any run's.
    """
    if not paths:
        raise ValueError("name at least one run folder")
    named: dict[Path, Path] = {}
    for path in paths:
        named.setdefault(path.resolve(), path)
    paths = tuple(named.values())
    return [read_files(path, name) for path, name in zip(paths, _short(paths), strict=True)]


def read_files(path: Path, name: str = "") -> RunFiles:
    """Reads a run.

    Args:
        path: the run folder.
        name: what it is called among others.

    Raises:
        FileNotFoundError: it is no run folder.
        ValueError: a file is damaged or larger than any run's.
    """
    folder = RunFolder(path)
    check_sizes(path)
    lines = read_metrics(folder.metrics_file)
    return RunFiles(
        path=path,
        name=name,
        config=folder.config(),
        summary=folder.summary(),
        metrics=[line for line in lines if whole(line["step"]) is not None],
        figures=read_figures(folder.figures_file),
        protocols=read_protocols(folder.protocols_file),
        artefacts=_samples_first(read_artefacts(path / "artefacts") | _old_pictures(path)),
    )


def _samples_first(artefacts: dict[str, dict[int, Path]]) -> dict[str, dict[int, Path]]:
    return dict(sorted(artefacts.items(), key=lambda item: item[0] != "samples"))


def _old_pictures(path: Path) -> dict[str, dict[int, Path]]:
    """The pictures of a folder of format 1: ``samples/``, and the neighbours of an evaluation."""
    found = {n: s for n, s in read_artefacts(path).items() if n == "samples"}
    neighbors = path / "neighbours.png"
    if found and neighbors.is_file() and not neighbors.is_symlink():
        found["sample_and_nearest_real_images"] = {max(found["samples"]): neighbors}
    return found


def _short(paths: tuple[Path, ...]) -> list[str]:
    """The last parts of the paths, as many as tell them apart."""
    parts = [path.absolute().parts for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        short = ["/".join(part[-count:]) for part in parts]
        if len(set(short)) == len(paths):
            break
    return short


def flat(config: Mapping[str, Any]) -> dict[str, str]:
    """A configuration as lines: ``arguments.seed`` is called ``seed``; lists stay whole."""
    lines: dict[str, str] = {}

    def walk(name: str, tree: Any) -> None:
        if isinstance(tree, dict) and tree:
            for part, branch in tree.items():
                walk(f"{name}.{part}" if name else str(part), branch)
        else:
            text = tree if isinstance(tree, str) else json.dumps(tree)
            lines[name.removeprefix("arguments.")] = text

    walk("", config)
    return lines


def differing(runs: list[RunFiles]) -> dict[str, list[str]]:
    """The lines of the configurations that differ: name -> value of each run; "" where it has none."""
    lines = [flat(run.config) for run in runs]
    names = dict.fromkeys(name for line in lines for name in line)
    values = {name: [line.get(name, "") for line in lines] for name in names}
    return {name: found for name, found in values.items() if len(set(found)) > 1}
