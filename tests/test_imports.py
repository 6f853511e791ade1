"""The house as the design draws it: imports point down, files are one idea long."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gan_jax

ROOT = Path(gan_jax.__file__).parent
# From the top down; a room may lean on those below it, and on itself where it is a folder.
ROOMS = [
    "commands", "testing", "tables", "training", "metrics", "drawing", "data", "stability", "game", "models", "remedies", "mathematics"
]  # fmt: skip
MATHEMATICS = {
    "losses",
    "penalties",
    "augment",
    "affine",
    "lab",
    "context",
    "ema",
    "markov",
    "schedules",
    "optimizers",
    "variational",
    "spectrogram",
}
FOLDERS = set(ROOMS) - {"mathematics"}


def room(parts):
    if not parts:
        return None  # the package itself: its docstring, its version and a table of names
    if parts[0] in FOLDERS:
        return parts[0]
    return "mathematics" if parts[0] in MATHEMATICS else "commands"


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gan_jax"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (node.module.split(".")[1:] or names[0].split(".")[1:],)
        if isinstance(node, ast.Import):
            yield from (a.name.split(".")[1:] for a in node.names if a.name.startswith("gan_jax"))


def test_imports_point_down():
    wrong = []
    for path in ROOT.rglob("*.py"):
        here = room(path.relative_to(ROOT).with_suffix("").parts)
        if path == ROOT / "__init__.py":
            assert not list(imports(path))
            continue
        for parts in imports(path):
            there = room(parts)
            if ROOMS.index(there) < ROOMS.index(here):
                wrong.append(f"{path.name} ({here}) imports {'.'.join(parts)} ({there})")
    assert not wrong


def test_the_mathematics_knows_nothing_else():
    for name in MATHEMATICS:
        modules = {
            (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
            for node in ast.walk(ast.parse((ROOT / f"{name}.py").read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert modules <= {"jax", "jaxtyping", "typing", "collections", "optax", "gan_jax"}


def test_a_file_is_one_idea():
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path
        assert path.stem not in {"utils", "common", "helpers"}


def test_every_public_name_is_there():
    names = [name for name in dir(gan_jax) if not name.startswith("_")]
    assert {"Game", "train", "open_run", "losses", "plays", "Table"} <= set(names)
    for name in names:
        found = getattr(gan_jax, name)
        assert getattr(found, "__doc__", None), name
    with pytest.raises(AttributeError, match="has no attribute 'Gaem'"):
        _ = gan_jax.Gaem


def test_the_package_alone_imports_nothing_heavy():
    code = "import sys, gan_jax; assert gan_jax.__version__; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in ended.stdout.split()}
    assert not loaded & {"jax", "numpy", "flax", "optax", "tyro", "matplotlib"}


@pytest.mark.thorough
def test_what_few_commands_need_is_imported_there():
    code = "import sys, gan_jax.training, gan_jax.data, gan_jax.tables; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in ended.stdout.split()}
    assert "optax" in loaded
    assert not loaded & {"tensorboardX", "tensorflow_datasets", "tensorflow", "matplotlib"}
