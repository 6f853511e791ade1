"""The README's notebook block runs as printed, and its tables name what exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXPERIMENTS = (ROOT / "experiments" / "README.md").read_text()


def test_the_notebook_blocks_run_one_after_the_other(capsys):
    namespace = {"__name__": "readme"}
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), namespace)
    assert capsys.readouterr().out.count("discriminator") >= 3
    assert namespace["experiment"](steps=3).steps == 3
    assert namespace["metrics"].keys() >= {"discriminator/r1", "generator/loss"}


def test_files_that_it_names_exist():
    for name in re.findall(r"(?:experiments|gan_jax|tests|\.github)/[\w/.]+\.\w+", README):
        assert (ROOT / name).exists(), name
    for page, folder in ((README, ROOT), (EXPERIMENTS, ROOT / "experiments")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page):
            assert (folder / target).exists(), target


def test_every_experiment_is_on_its_page():
    for file in (ROOT / "experiments").glob("*.py"):
        assert f"`{file.name}`" in README and file.name in EXPERIMENTS
    for command in re.findall(r"python experiments/(\w+\.py)", README + EXPERIMENTS):
        assert (ROOT / "experiments" / command).exists()
    for flag in re.findall(r"`--([\w-]+)", EXPERIMENTS.split("## What the texts suggest")[1]):
        flags = (ROOT / "experiments" / "gaussian_mlp.py").read_text()
        flags += (ROOT / "gan_jax" / "training" / "options.py").read_text()
        flags += (ROOT / "experiments" / "cifar10_conv.py").read_text()
        flags += (ROOT / "gan_jax" / "commands" / "sample.py").read_text()
        assert f"    {flag.replace('-', '_')}: " in flags, flag


def test_pictures_are_small():
    for picture in (ROOT / ".github" / "digits.png", *(ROOT / "experiments/pictures").iterdir()):
        assert 0 < picture.stat().st_size < 200_000
