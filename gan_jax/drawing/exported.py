"""A generator that was exported: samples without the run, its experiment or its networks' code.

``python -m gan_jax export RUN --out DIR`` writes the folder:

generator.stablehlo    (latents, key, rows) -> samples, of any number of rows (StyleGAN2: of 240)
latents.stablehlo      (seed, block) -> latents and key of a block of 240
generator.json         what rows the samples are made from, labels' names, versions
generator.safetensors  the weights by their paths
README.md              the model card, with its pictures
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_jax.data.dataset import BLOCK

FORMAT = 1
_FILES = ("generator.json", "generator.stablehlo", "latents.stablehlo")


def load_generator(folder: str | Path) -> "Generator":
    """Opens an exported generator.

    Args:
        folder: that ``python -m gan_jax export`` wrote.

    Raises:
        FileNotFoundError: this is no such folder.
        ImportError: flatbuffers is not installed.
        ValueError: a file is damaged, or of another format.
    """
    return Generator(folder)


class Generator:
    """Draws the samples that the run draws with ``--seed``: sample i is the same for every number.

    Args:
        folder: that ``python -m gan_jax export`` wrote.

    Attributes:
        path: the folder.
        told: the contents of generator.json.
    """

    def __init__(self, folder: str | Path):
        self.path = Path(folder)
        if missing := [name for name in _FILES if not (self.path / name).is_file()]:
            raise FileNotFoundError(
                f"{self.path} is no exported generator: it holds no {', '.join(missing)}; "
                "python -m gan_jax export RUN --out DIR writes such a folder"
            )
        self.told = _told(self.path / "generator.json")
        self._draw = _deserialized(self.path / "generator.stablehlo")
        self._latents = _deserialized(self.path / "latents.stablehlo")

    def __call__(self, seed: int = 0, num: int = 16, **rows: Any) -> Any:
        """Samples.

        Args:
            seed: of the latents.
            num: how many.
            **rows: what they are made from (``condition=7``, ``condition="smiley"``, ``truncation=0.7``,
                ``input=images``): one value for all, or an array of ``num`` rows.

        Returns:
            NumPy arrays of ``num`` rows: a tree as the run's drawing makes it.

        Raises:
            ValueError: a field is missing, unknown, of another shape or out of range.
        """
        if not 0 <= seed < 2**32 or num < 1:
            raise ValueError(f"expected a seed in 0 .. {2**32 - 1} and num >= 1, got {seed}, {num}")
        fields = self._fields(num, rows)
        blocks = [self._block(seed, start, fields, num) for start in range(0, num, BLOCK)]
        return jax.tree.map(lambda *parts: np.concatenate(parts), *blocks)

    def _block(self, seed: int, start: int, fields: Mapping[str, np.ndarray], num: int) -> Any:
        """A whole block is drawn, as the run does: what networks draw depends on its size."""
        count = min(BLOCK, num - start)
        numbers = start + np.minimum(np.arange(BLOCK), count - 1)
        latents, key = self._latents.call(np.uint32(seed), np.uint32(start // BLOCK))
        samples = self._draw.call(latents, key, {name: a[numbers] for name, a in fields.items()})
        return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], samples)

    def _fields(self, num: int, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        asked = dict(by_path(given))
        known = self.told["fields"]
        if unknown := [name for name in asked if name not in known]:
            has = ", ".join(known) or "nothing"
            raise ValueError(f"this generator takes no {', '.join(unknown)}: it takes {has}")
        return {name: _rows(name, field, asked.get(name), num) for name, field in known.items()}

    def __repr__(self) -> str:
        return f"<Generator {self.path}: made from {', '.join(self.told['fields']) or 'latents'}>"


def _rows(name: str, field: Mapping[str, Any], value: Any, num: int) -> np.ndarray:
    """A field of all samples, checked."""
    shape, names = tuple(field["shape"]), field.get("names")
    if value is None:
        if "default" not in field:
            raise ValueError(f"this generator needs {name}: an array [{num}, *{shape}]")
        value = np.resize(np.asarray(field["default"]), num)
    if isinstance(value, str):
        if not names or value not in names:
            known = ", ".join(names) if names else "numbers"
            raise ValueError(f"{name}={value!r} is no label of this generator: expected {known}")
        value = names.index(value)
    array = np.asarray(value)
    if array.shape not in (shape, (num, *shape)):
        raise ValueError(f"{name} must be of shape {shape} or {(num, *shape)}, got {array.shape}")
    whole = np.issubdtype(field["dtype"], np.integer)
    if not np.issubdtype(array.dtype, np.integer if whole else np.number):
        raise ValueError(f"{name} must hold {field['dtype']}, got {array.dtype}")
    if names and array.size and not 0 <= array.min() <= array.max() < len(names):
        raise ValueError(
            f"{name} must be in 0 .. {len(names) - 1}, got {array.min()} .. {array.max()}"
        )
    return np.broadcast_to(array, (num, *shape)).astype(field["dtype"])


def _told(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text())
        form, _ = told["format"], told["fields"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}): export the run again") from error
    if form != FORMAT:
        raise ValueError(
            f"{path} is of format {form} (gan-jax {told.get('versions', {}).get('gan-jax')}), and this "
            f"version reads format {FORMAT}: export the run again, or install that version"
        )
    return told


def _deserialized(path: Path) -> Any:
    from jax import export  # needs flatbuffers, which JAX does not ask for

    try:
        return export.deserialize(bytearray(path.read_bytes()))
    except ImportError as error:
        raise ImportError(
            "exported generators need flatbuffers: pip install flatbuffers"
        ) from error
    except Exception as error:  # whatever a truncated or foreign file makes of the reader
        raise ValueError(
            f"{path} is no program that jax {jax.__version__} reads ({type(error).__name__}: {error}): "
            "it is damaged, or of a newer JAX; export the run again"
        ) from error


def by_path(rows: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Fields with their paths: ``{"condition": {"digit": 7}}`` gives ``condition/digit``, 7.

    Args:
        rows: dicts of dicts.
        before: what each path begins with.
    """
    for name, value in rows.items():
        if isinstance(value, Mapping):
            yield from by_path(value, f"{before}{name}/")
        else:
            yield f"{before}{name}", value
