"""An exported generator draws what its run draws, and says what is wrong with what it is given."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
import variant_experiment
from test_variant_runs import train

import gan_jax
from gan_jax.commands.card import lines_without_package
from gan_jax.commands.export import export
from gan_jax.drawing.exported import by_path
from gan_jax.training.exporting import nested

pytest.importorskip("flatbuffers")
pytest.importorskip("safetensors")

pytestmark = pytest.mark.thorough
TRANSLATOR = "cyclegan"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("export") / "run"
    train(run_dir, TRANSLATOR, 2)
    out = run_dir.parent / "out"
    export(run_dir, out=out)
    return gan_jax.open_run(run_dir), out


def rows_of(run, generator, num):
    drawn = run.draw(num, checkpoint="last", seed=3)
    read = {p: leaf for p, leaf in by_path(drawn.rows) if p in generator.told["fields"]}
    return drawn.samples, nested(read)


def agree(got, expected):
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(expected)) > 1e-3
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_it_draws_what_the_run_draws(exported):
    run, out = exported
    generator = gan_jax.load_generator(out)
    samples, rows = rows_of(run, generator, 5)
    agree(generator(seed=3, num=5, **rows), samples)


def test_its_card_draws_without_the_package(exported, tmp_path):
    _, out = exported
    told = json.loads((out / "generator.json").read_text())
    lines = lines_without_package(told)
    assert lines in (out / "README.md").read_text()
    file = tmp_path / "card.py"
    end = "import sys; assert 'gan_jax' not in sys.modules; print(jax.tree.leaves(samples)[0].shape[0])"
    file.write_text(f"{lines}\n{end}\n")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, file], cwd=out, env=environment, capture_output=True, text=True
    )
    assert ended.stdout.strip() == "240", ended.stderr


def test_what_is_wrong_is_said(exported, tmp_path):
    run, out = exported
    generator = gan_jax.load_generator(out)
    _, rows = rows_of(run, generator, 2)
    name = next(iter(rows))
    for call, message in [
        (dict(rows, seed=-1, num=2), "seed"),
        (dict(rows, num=2, colour=1), f"takes no colour: it takes {name}/real"),
        (dict(rows, num=2, **{name: {"real": np.zeros((7, 5))}}), f"{name}/real must be of shape"),
        ({"num": 2}, f"needs {name}/real"),
    ]:
        with pytest.raises(ValueError, match=message):
            generator(**call)
    with pytest.raises(FileNotFoundError, match="no exported generator"):
        gan_jax.load_generator(tmp_path)
    for file, content, message in [
        ("generator.stablehlo", b"nothing", "no program"),
        ("generator.json", b"{", "damaged"),
        ("generator.json", b'{"format": 9, "fields": {}}', "format 9"),
    ]:
        copy = tmp_path / f"{file}{len(content)}"
        copy.mkdir()
        for each in out.iterdir():
            (copy / each.name).write_bytes(content if each.name == file else each.read_bytes())
        with pytest.raises(ValueError, match=message):
            gan_jax.load_generator(copy)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in variant_experiment.VARIANTS if n != TRANSLATOR])
def test_every_kind_of_game(name, tmp_path):
    train(tmp_path / "run", name, 2)
    export(tmp_path / "run", out=tmp_path / "out")
    run, generator = gan_jax.open_run(tmp_path / "run"), gan_jax.load_generator(tmp_path / "out")
    samples, rows = rows_of(run, generator, 5)
    agree(generator(seed=3, num=5, **rows), samples)
