"""The experiments of the repository, by name."""

import importlib.util
from pathlib import Path
from types import ModuleType

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
FILES = sorted(EXPERIMENTS.rglob("*.py"))


def file_of(name: str) -> Path:
    """The file of an experiment, in whatever folder it lies.

    Args:
        name: without ``.py``.
    """
    (file,) = (file for file in FILES if file.stem == name)
    return file


def load(file: Path) -> ModuleType:
    """An experiment's file as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
