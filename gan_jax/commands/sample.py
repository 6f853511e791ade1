"""Draws samples of a run: ``python -m gan_jax sample RUN --num 100 --out grid.png``; needs no data."""

import itertools
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from tqdm import tqdm

from gan_jax.commands.command import Checkpoint, as_command
from gan_jax.data.folder import EXTENSIONS
from gan_jax.data.image_file import read_image
from gan_jax.drawing import Sampler
from gan_jax.drawing.artefacts import KINDS, Animation, Picture, encode
from gan_jax.drawing.files import write_samples
from gan_jax.drawing.from_files import write_each
from gan_jax.drawing.pictures import image_grid
from gan_jax.drawing.whole_files import replace_file
from gan_jax.training.experiment import Experiment
from gan_jax.training.given import load_given
from gan_jax.training.restore import step_of
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.saved import sampler_of

_LAST = Checkpoint()


_PICTURED = 10_000  # at most, in one file


@as_command
def sample(
    run: Annotated[Path, tyro.conf.Positional],
    *,
    checkpoint: Annotated[Checkpoint, tyro.conf.OmitArgPrefixes] = _LAST,
    num: int = 64,
    out: Path = Path("grid.png"),
    seed: int | None = None,
    condition: tuple[str, ...] = (),
    truncation: float | None = None,
    set: tuple[str, ...] = (),
    interpolate: tuple[int, ...] = (),
    frames: int = 60,
    ema: bool = True,
) -> None:
    """Draws samples from a checkpoint of a run: a picture, an animation, a sound, a text, or a folder.

    Args:
        run: the run folder.
        checkpoint: which saved state.
        num: how many samples.
        out: a file (.png, .gif, .wav, .txt), or a folder that gets a file for each sample.
        seed: of the latents; without it, those of the run's own pictures.
        condition: what all samples are made from: a label (7) or its name (smiley), a caption, of several
            fields digit=7 speaker=theo; or an image file or a folder of them, as the inputs. A run
            that restores or translates images writes each of them into a folder --out, at its own
            size and under its name.
        truncation: the same as --set truncation=...
        set: numbers that the experiment's drawing takes: name=value.
        interpolate: numbers of samples (two or more) between which to walk.
        frames: of each walk from one sample to the next.
        ema: the generator's moving average (--no-ema: its live weights).
    """

    if num < 1:
        raise ValueError(f"--num must be at least 1, got {num}")
    folder, experiment, state = checkpoint.open(run)
    options = _options(experiment, set, truncation)
    if experiment.image_fn is not None and not out.suffix and (files := _image_files(condition)):
        stored = load_given(folder.given_file)
        players = sampler_of(experiment, state, stored, seed=seed, ema=ema).players
        root = Path(condition[0]) if Path(condition[0]).is_dir() else files[0].parent
        image_fn = partial(experiment.image_fn, players)
        write_each(files, root, out, image_fn, _channels(stored))
        print(f"{out}: {len(files)} images, each at its own size, by {folder.path}")
        return
    given = _given(folder, load_given(folder.given_file), condition)
    drawn = dict(seed=seed, ema=ema, num=num, options=options)
    sampler = sampler_of(experiment, state, given, **drawn)
    made_of = {
        "run": str(folder.path), "step": step_of(state), "seed": seed, "ema": ema,
        "seed_index": checkpoint.seed_index, "condition": condition, "options": options,
    }  # fmt: skip
    told = _write(experiment, sampler, num, out, interpolate, frames, made_of)
    weights = "EMA" if ema else "live weights"
    print(f"{out}: {told} of {folder.path}, {checkpoint.name} step {step_of(state)}, {weights}")


def _write(
    experiment: Experiment,
    sampler: Sampler,
    num: int,
    out: Path,
    interpolate: tuple[int, ...],
    frames: int,
    made_of: Mapping[str, Any],
) -> str:
    """Writes what was asked for, and says what it is."""
    suffix = out.suffix.lower()
    if suffix and suffix not in {kind.suffix for kind in KINDS.values()}:
        known = ", ".join(dict.fromkeys(kind.suffix for kind in KINDS.values()))
        raise ValueError(f"--out must end in {known}, or be a folder, got {out}")
    if interpolate:
        return _walk(sampler, out, interpolate, frames)
    if not suffix:
        with tqdm(total=num, unit="sample", disable=None) as bar:
            options = dict(file_fn=experiment.file_fn, progress_fn=bar.update)
            written = write_samples(out, sampler, num, made_of, **options)
        return f"{num:,} samples, {written:,} of them drawn now,"
    if num > _PICTURED:
        raise ValueError(
            f"{out} would show {num:,} samples, more than {_PICTURED:,}: a folder gets a file for each, --out "
            f"{out.with_suffix('')}"
        )
    made = {name: encode(name, each) for name, each in experiment.artefacts_fn(sampler).items()}
    fitting = {name: content for name, (kind, content) in made.items() if kind == suffix}
    if not fitting:
        kinds = ", ".join(f"{name}{kind}" for name, (kind, _) in made.items())
        raise ValueError(f"this run makes no {suffix}: it has {kinds}")
    name = "samples" if "samples" in fitting else next(iter(fitting))
    replace_file(out, fitting[name])
    return f"{num} samples"


def _walk(sampler: Sampler, out: Path, numbers: tuple[int, ...], frames: int) -> str:
    if len(numbers) < 2:
        raise ValueError(
            f"--interpolate needs two samples or more, by their numbers, got {numbers}"
        )
    pairs = list(itertools.pairwise(numbers))
    images = sampler.walk(pairs, frames).samples
    if np.ndim(images) != 4:
        raise ValueError("--interpolate draws images, and this run's samples are none")
    if out.suffix.lower() == ".gif":
        pictures = [np.asarray(image_grid(image[None])) for image in images]
        shown = np.stack([p if p.ndim == 3 else p[..., None] for p in pictures])
        artefact = Animation(shown, seconds=len(images) / 20)
    elif out.suffix.lower() == ".png":
        artefact = Picture(image_grid(images, columns=frames))
    else:
        raise ValueError(f"--out of a walk must be a .gif or a .png, got {out}")
    replace_file(out, encode("walk", artefact)[1])
    return f"a walk along samples {', '.join(map(str, numbers))}, {len(images)} frames,"


def _options(
    experiment: Experiment, asked: tuple[str, ...], truncation: float | None
) -> dict[str, float]:
    """The numbers that drawing takes, checked against those that it has."""
    found = {} if truncation is None else {"truncation": truncation}
    for text in asked:
        name, equals, value = text.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            raise ValueError(f"--set takes name=number, got {text!r}") from None
        del equals
    if unknown := [name for name in found if name not in experiment.draw_options]:
        has = ", ".join(f"{k} ({v:g})" for k, v in experiment.draw_options.items())
        raise ValueError(
            f"this run's drawing takes no {', '.join(unknown)}: it has {has or 'none'}"
        )
    return found


def _given(folder: RunFolder, given: dict[str, Any], asked: tuple[str, ...]) -> dict[str, Any]:
    """The rows that samples are made from, with the condition that was asked for."""
    if not asked:
        return given
    if len(asked) == 1 and Path(asked[0]).exists():
        return _with_inputs(given, Path(asked[0]))
    if "condition" not in given:
        has = ", ".join(name for name in given if name != "id") or "nothing"
        raise ValueError(
            f"this run's samples are made from no condition: its rows hold {has} (an image file or "
            "a folder of them would be taken as the input)"
        )
    names = folder.config().get("names", {})
    fields = given["condition"]
    if isinstance(fields, dict):
        chosen = dict(text.split("=", 1) for text in asked if "=" in text)
        if len(chosen) != len(asked) or not chosen.keys() <= fields.keys():
            raise ValueError(f"--condition takes {'=... '.join(fields)}=..., got {' '.join(asked)}")
        chosen = {
            name: _filled(fields[name], value, names.get(name)) for name, value in chosen.items()
        }
        return given | {"condition": fields | chosen}
    if np.ndim(fields) == 2 and np.issubdtype(fields.dtype, np.integer) and "condition" in names:
        words = _numbers_of(" ".join(asked), names["condition"], fields.shape[1])
        return given | {"condition": np.broadcast_to(words.astype(fields.dtype), fields.shape)}
    if len(asked) != 1:
        raise ValueError(f"--condition takes one label, got {' '.join(asked)}")
    return given | {"condition": _filled(fields, asked[0], names.get("condition"))}


def _filled(field: np.ndarray, value: str, names: list[str] | None) -> np.ndarray:
    """A field with one label in all rows, given by its number or its name."""
    if names and value in names:
        label = names.index(value)
    elif value.lstrip("-").isdigit() and np.issubdtype(field.dtype, np.integer):
        label = int(value)
        if not 0 <= label < (len(names) if names else label + 1):
            raise ValueError(f"--condition must be in 0 .. {len(names) - 1}, got {label}")
    else:
        known = ", ".join(names) if names else "integers"
        raise ValueError(f"--condition {value!r} is no label of this run: expected {known}")
    return np.full_like(field, label)


def _numbers_of(text: str, vocabulary: list[str], length: int) -> np.ndarray:
    """The words of a caption by their places in the vocabulary, whose first is the empty word."""
    words = text.lower().split()
    if unknown := [word for word in words if word not in vocabulary]:
        known = ", ".join(vocabulary[1:])
        raise ValueError(f"--condition: this run knows no word {unknown[0]!r}: it has {known}")
    if not 0 < len(words) <= length:
        raise ValueError(f"--condition takes 1 to {length} words, got {len(words)}: {text!r}")
    return np.array([vocabulary.index(word) for word in words] + [0] * (length - len(words)))


def _with_inputs(given: dict[str, Any], path: Path) -> dict[str, Any]:
    """Images of the user's own as the inputs, cropped and resized as the run's inputs are."""
    if np.ndim(given.get("input")) != 4:
        has = ", ".join(name for name in given if name != "id") or "nothing"
        raise ValueError(f"this run's samples are made from no input image: its rows hold {has}")
    files = _image_files((str(path),))
    _, height, width, channels = given["input"].shape
    options = dict(channels=channels, background="white", size=(height, width))
    pixels = np.stack([read_image(file, **options) for file in files]).astype(np.float32)
    return {"input": pixels / 127.5 - 1.0, "id": np.arange(len(files), dtype=np.uint32)}


def _channels(given: dict[str, Any]) -> int:
    """Of the images that samples are made from: the input, or else the first of the rows."""
    images = [leaf for leaf in jax.tree.leaves(given) if np.ndim(leaf) == 4]
    return np.shape(given.get("input", images[0]))[-1]


def _image_files(condition: tuple[str, ...]) -> list[Path]:
    """The image files of a path that was given as the condition; none where it is no path."""
    if len(condition) != 1 or not Path(condition[0]).exists():
        return []
    path = Path(condition[0])
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    files = [file for file in files if file.suffix.lower() in EXTENSIONS]
    if not files:
        raise ValueError(f"{path} holds no image file: expected one of {', '.join(EXTENSIONS)}")
    return files
