"""Exports a generator: ``python -m gan_jax export RUN --out DIR``; drawing needs the run no more."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro

from gan_jax.commands.card import model_card
from gan_jax.commands.command import Checkpoint, Opened, as_command
from gan_jax.drawing.artefacts import encode
from gan_jax.drawing.exported import FORMAT
from gan_jax.training.exporting import PLATFORMS, Programs
from gan_jax.training.given import load_given
from gan_jax.training.json_files import write_json
from gan_jax.training.restore import step_of
from gan_jax.training.saved import sampler_of

_LAST = Checkpoint()


@as_command
def export(
    run: Annotated[Path, tyro.conf.Positional],
    *,
    out: Path,
    checkpoint: Annotated[Checkpoint, tyro.conf.OmitArgPrefixes] = _LAST,
    ema: bool = True,
) -> None:
    """Exports a run's generator: a folder that draws without the run, its experiment and this package.

    Args:
        run: the run folder.
        out: the folder to write; it must not be there yet, or be empty.
        checkpoint: which saved state.
        ema: the generator's moving average (--no-ema: its live weights).
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"--out {out} is there already: name a new folder, or remove it")
    save_file = _safetensors()
    opened = checkpoint.open(run)
    given = load_given(opened.folder.given_file)
    programs = Programs(opened.experiment, opened.state, given, ema=ema)
    told = _told(opened, programs, checkpoint, ema)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}_") as draft:
        folder = Path(draft) / "export"
        folder.mkdir()
        (folder / "generator.stablehlo").write_bytes(programs.generator())
        (folder / "latents.stablehlo").write_bytes(programs.latents())
        metadata = {"run": opened.folder.path.name, "step": str(step_of(opened.state))}
        save_file(_by_path(programs.weights), folder / "generator.safetensors", metadata)
        write_json(folder / "generator.json", told)
        sampler = sampler_of(opened.experiment, opened.state, given, seed=0, ema=ema)
        pictures = []
        for name, artefact in opened.experiment.artefacts_fn(sampler).items():
            suffix, content = encode(name, artefact)
            pictures.append(f"{name}{suffix}")
            (folder / pictures[-1]).write_bytes(content)
        (folder / "README.md").write_text(model_card(opened.folder, told, pictures))
        folder.replace(out)  # whole, or not at all
    megabytes = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    made_from = ", ".join(told["fields"]) or "latents alone"
    print(f"{out}: step {told['step']:,}, {megabytes:.1f} MB, samples made from {made_from}")


def _told(opened: Opened, programs: Programs, checkpoint: Checkpoint, ema: bool) -> dict[str, Any]:
    config = opened.folder.config()
    names, options = config.get("names", {}), opened.experiment.draw_options
    fields = {}
    for path, rows in programs.fields.items():
        fields[path] = {"shape": rows.shape[1:], "dtype": str(rows.dtype)}
        if path in options:
            fields[path]["default"] = [float(options[path])]
        elif rows.ndim == 1:  # labels; an input is somebody's data, which an export does not carry
            fields[path]["default"] = rows.tolist()
            if np.issubdtype(rows.dtype, np.integer) and names.get(path.rsplit("/")[-1]):
                fields[path]["names"] = names[path.rsplit("/")[-1]]
    return {
        "format": FORMAT, "versions": config.get("versions", {}) | {"jax": jax.__version__},
        "experiment": config.get("experiment"), "data": config.get("data"),
        "step": step_of(opened.state), "checkpoint": checkpoint.name, "ema": ema,
        "seed": opened.experiment.seed, "platforms": PLATFORMS, "fields": fields,
    }  # fmt: skip


def _safetensors() -> Any:
    """What writes the weights; both packages of the extra are asked for before anything is computed."""
    try:
        import flatbuffers  # noqa: F401  what jax.export serializes with
        from safetensors.numpy import save_file
    except ImportError as error:
        raise ImportError(
            f"export needs {error.name}, which is not installed: pip install 'gan-jax[export]'"
        ) from error
    return save_file


def _by_path(variables: Any) -> dict[str, np.ndarray]:
    """Arrays by ``params/Dense_0/kernel``."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.ascontiguousarray(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(variables)
    }
