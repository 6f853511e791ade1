"""The experiments on prepared data sets, shrunk, on random images in the format of these sets."""

import pytest
from test_experiments import FIGURES, check_run, run_tiny, tiny_files

DEVICES = 2


@pytest.mark.parametrize("file", tiny_files(prepared=True), ids=lambda file: file.stem)
@pytest.mark.filterwarnings("ignore:.*mutable default.*")
def test_tiny(file, image_sets, tmp_path, monkeypatch, capsys):
    run_tiny(monkeypatch, file, tmp_path, "--data-dir", str(image_sets))
    assert f"samples  {tmp_path}" in capsys.readouterr().out
    check_run(tmp_path, FIGURES[file.stem])
