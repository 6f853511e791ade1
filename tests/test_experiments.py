"""Every experiment file, shrunk: it builds, trains and judges."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PREPARED = ROOT.parent / "shared" / "tfds"
FILES = sorted((ROOT / "experiments").glob("*.py"))
ELSEWHERE = {
    "folder_dcgan",  # tests/test_command_line.py gives it a folder
    "benchmark_modes",  # many runs: tests/test_benchmark.py
}


def load(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_docstring_holds_the_command(file):
    assert f"python experiments/{file.name}" in load(file).__doc__


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.stem not in ELSEWHERE], ids=lambda file: file.stem
)
@pytest.mark.filterwarnings("ignore:.*mutable default.*")
def test_tiny(file, tmp_path, monkeypatch, capsys):
    args = ["--tiny", "--run-dir", str(tmp_path)]
    if "data_dir" in load(file).experiment.__kwdefaults__:
        if not PREPARED.is_dir():
            pytest.skip(f"no prepared data sets in {PREPARED}")
        args += ["--data-dir", str(PREPARED)]
    monkeypatch.setattr(sys, "argv", [str(file), *args])
    monkeypatch.syspath_prepend(str(file.parent))
    source = file.read_text().replace('if __name__ == "__main__":', "if True:")
    exec(compile(source, str(file), "exec"), module_namespace(file))
    assert "samples" in capsys.readouterr().out
    assert (tmp_path / "summary.json").is_file()


def module_namespace(file):
    """As a script has it; `inspect.getfile` of its functions leads to the file."""
    return {"__name__": f"tiny_{file.stem}", "__file__": str(file)}
