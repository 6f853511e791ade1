"""The README's notebook block runs as printed, and the pages' tables name what exists."""

import re
from pathlib import Path

from experiment_files import EXPERIMENTS, FILES, file_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {path: path.read_text() for path in (ROOT / "README.md", *EXPERIMENTS.rglob("README.md"))}


def test_the_notebook_blocks_run_one_after_the_other(capsys):
    namespace = {"__name__": "readme"}
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), namespace)
    assert capsys.readouterr().out.count("discriminator") >= 3
    assert namespace["experiment"](steps=3).steps == 3
    assert namespace["metrics"].keys() >= {"discriminator/r1", "generator/loss"}


def test_files_that_the_pages_name_exist():
    for page, text in PAGES.items():
        for name in re.findall(r"(?:experiments|gan_jax|tests|\.github)/[\w/.]+\.\w+", text):
            assert (ROOT / name).exists() or (page.parent / name).exists(), name
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"", text):
            assert (page.parent / "".join(target)).exists(), target


def test_every_experiment_is_on_its_page_and_in_the_gallery():
    for file in FILES:
        assert f"`{file.name}`" in PAGES[EXPERIMENTS / "README.md"]
        assert file.name in PAGES[file.parent / "README.md"]


def test_flags_that_the_tutorials_page_names_exist():
    flags = "".join(
        file.read_text()
        for file in (
            file_of("gaussian_mlp"),
            file_of("cifar10_conv"),
            ROOT / "gan_jax" / "training" / "options.py",
            ROOT / "gan_jax" / "commands" / "sample.py",
        )
    )
    page = PAGES[EXPERIMENTS / "tutorials" / "README.md"]
    for flag in re.findall(r"`--([\w-]+)", page.split("## What the texts suggest")[1]):
        assert f"    {flag.replace('-', '_')}: " in flags, flag


def test_pictures_are_small():
    for picture in (ROOT / ".github" / "digits.png", *EXPERIMENTS.rglob("*.png")):
        assert 0 < picture.stat().st_size < 200_000
