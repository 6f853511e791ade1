"""The README's notebook block runs as printed, and its tables name what exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_notebook_block_runs(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.count("discriminator") >= 3


def test_files_that_it_names_exist():
    for name in re.findall(r"(?:experiments|gan_jax|tests|\.github)/[\w/.]+\.\w+", README):
        assert (ROOT / name).exists(), name
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_picture_is_small():
    picture = ROOT / ".github" / "digits.png"
    assert 0 < picture.stat().st_size < 200_000
