"""The notebook for beginners runs from its first cell to its last, and is kept without output."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
nbformat = pytest.importorskip("nbformat", reason="pip install 'gan-jax[notebook]'")
SHORTER = {"10_000": "400", "_steps=600": "_steps=10", "steps=1000": "steps=200"}


@pytest.fixture
def notebook():
    return nbformat.read(ROOT / "experiments" / "first_steps.ipynb", as_version=4)


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def test_it_is_kept_without_output(notebook):
    nbformat.validate(notebook)
    assert len(codes(notebook)) == 10
    assert not any(cell.outputs or cell.execution_count for cell in codes(notebook))


@pytest.mark.slow
def test_it_runs(notebook, tmp_path, monkeypatch):
    client = pytest.importorskip("nbclient", reason="pip install 'gan-jax[notebook]'")
    for cell in codes(notebook):
        for long, short in SHORTER.items():
            cell.source = cell.source.replace(long, short)
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel shows figures below their cell
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    options = dict(timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.NotebookClient(notebook, **options).execute()  # raises where a cell does
    *_, laws, mistake, _ = codes(notebook)
    assert text_of(laws).count("holds: ") == 10
    assert 'the law "each player\'s gradient has its sign" fell' in text_of(mistake)
    for name in ("first_steps", "first_steps_own"):
        assert list((tmp_path / "runs" / name / "checkpoints").glob("400"))
    pictured = [
        o for cell in codes(notebook) for o in cell.outputs if "image/png" in o.get("data", {})
    ]
    assert len(pictured) == 4  # real digits, samples, the curve, samples of the other loss
