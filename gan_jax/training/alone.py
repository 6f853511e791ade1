"""Whether an experiment's file can be opened without its neighbors: a run keeps a copy of that file alone."""

import ast
import sys
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path


def check_alone(file: Path) -> None:
    """Refuses an experiment that imports a file beside it.

    Args:
        file: the experiment's Python file.

    Raises:
        ValueError: it imports a neighbor, or imports relatively: its run could be trained and
            never be opened again.
    """
    for name in _imported(ast.parse(file.read_text(), str(file))):
        if name.startswith(".") or _is_neighbor(name, file.resolve().parent):
            raise ValueError(
                f"{file} imports {name}, which lies beside it and in no installed package. A run folder keeps a "
                "copy of the experiment's own file only, so nothing could open such a run. Write what you need "
                "into the file, or install what it shares with others (pip install -e .)"
            )


def _imported(tree: ast.AST) -> list[str]:
    """The first parts of all imported names, ``.`` before relative ones."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append("." * node.level + (node.module or "").split(".")[0])
    return sorted(set(names))


def _is_neighbor(name: str, folder: Path) -> bool:
    if not (folder / name).is_dir() and not (folder / f"{name}.py").is_file():
        return False
    spec = None if name in sys.stdlib_module_names else find_spec(name)
    if spec is None or name in packages_distributions():
        return False
    places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    return any(Path(place).resolve().is_relative_to(folder) for place in places)
