"""The experiments on prepared data sets, shrunk, on random images in the format of these sets.

One of each theme is compiled and run; the others are in ``.ci/run`` or on demand, and traced in
``tests/test_traced_experiments.py``.
"""

import pytest
from test_experiments import check_run, run_tiny, tiny_files

DEVICES = 2
FILES = tiny_files(prepared=True)
RUN_BY_A_PLAIN_PYTEST = {"mnist_dcgan"}  # of families/, digits_conditional is run
# their networks are also compiled, narrow and small, in tests/test_families.py and tests/test_stylegan2.py
RUN_ON_DEMAND = {
    "mnist_anomaly",  # tests/test_autoencoders.py
    "mnist_conditional",  # mnist_dcgan's networks; digits_conditional is run
    "mnist_mlp",  # tests/test_tutorials.py
    "stacked_mnist",  # tests/test_variants.py plays its networks
    "stacked_mnist_dcgan",
    "captions",  # tests/test_captions.py
    "limited_data",  # mnist_dcgan's networks; tests/test_overfitting.py has its evaluator
    "mnist_infogan",  # tests/test_labels.py plays its heads
    "celeb_a_dcgan",  # mnist_dcgan's networks, and tests/test_data.py reads its data
    "cifar10_biggan",
    "cifar10_r3gan",
    "cifar10_sngan",
    "cifar10_stylegan2_ada",
    "mnist_coupled",  # tests/test_coupled.py
    "restore",  # tests/test_restoration.py
    "segment",  # tests/test_segmenting.py
    "translate",  # tests/test_cycle.py
    "mnist_codes",  # mnist_anomaly's networks
    "mnist_vae",  # tests/test_autoencoders.py
    "mnist_semi_supervised",  # tests/test_few_labels.py
    "moving_mnist",  # tests/test_moving.py
    "spoken_digit",  # tests/test_wavegan.py, and tests/test_audio.py reads its data
}


def when_asked(file):
    if file.stem in RUN_BY_A_PLAIN_PYTEST:
        return pytest.param(file, id=file.stem)
    marks = pytest.mark.slow if file.stem in RUN_ON_DEMAND else pytest.mark.thorough
    return pytest.param(file, id=file.stem, marks=marks)


@pytest.mark.parametrize("file", [when_asked(file) for file in FILES])
@pytest.mark.filterwarnings("ignore:.*mutable default.*")
def test_tiny(file, image_sets, tmp_path, monkeypatch, capsys):
    run_tiny(monkeypatch, file, tmp_path, "--data-dir", str(image_sets))
    assert f"samples  {tmp_path}" in capsys.readouterr().out
    check_run(tmp_path, file.stem)
