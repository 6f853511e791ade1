"""The command ``table``: how an experiment is called, and a table that is killed goes on."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from gan_jax.tables import Column, Row, Table, plan, train_here

DEVICES = 1
TESTS = Path(__file__).parent


def test_an_experiment_is_called_as_its_own_command_line_would(tmp_path, monkeypatch):
    file = tmp_path / "fake.py"
    file.write_text(
        textwrap.dedent("""
            import dataclasses
            from pathlib import Path

            @dataclasses.dataclass(frozen=True)
            class Built:
                arguments: tuple
                num_seeds: int = 1
                steps_per_call: int = 1

            def experiment(*, sizes: tuple[int, ...] = (1,), seed: int = 0, init_from: Path | None = None,
                           data_dir: Path | None = None, lr: float = 0.5):
                return Built((sizes, seed, init_from, data_dir, lr))
        """)
    )
    trained = []
    monkeypatch.setattr(
        "gan_jax.tables.running.run", lambda built, **others: trained.append((built, others))
    )
    rows = {
        "base": Row(experiment="fake.py"),
        "tuned": Row(
            experiment="fake.py",
            arguments={"sizes": (2, 3)},
            options={"steps_per_call": 4},
            needs={"init_from": "base"},
            seeds=2,
            side_by_side=True,
        ),
    }
    table = Table(name="fake", rows=rows, columns=(Column(figure="quality/frechet"),))
    (planned,) = plan(table, "tuned", tmp_path / "out", folder=tmp_path, data_dir=Path("data"))
    train_here(planned)
    (built, others), base = trained[0], str(tmp_path / "out" / "base" / "seed_0")
    assert built.arguments == ((2, 3), 0, base, "data", 0.5)
    assert built.num_seeds == 2 and built.steps_per_call == 4
    assert others["run_dir"] == tmp_path / "out" / "tuned" and others["experiment_file"] == file
    assert others["arguments"]["sizes"] == [2, 3] and others["arguments"]["lr"] == 0.5
    wrong = {"arguments": {"size": 1}}, {"options": {"steps_per_cal": 1}}
    for change, message in zip(wrong, ("no argument size", "no field steps_per_cal"), strict=True):
        row = dataclasses.replace(rows["base"], **change)
        with pytest.raises(ValueError, match=message):
            train_here(planned._replace(row=row, arguments=row.arguments | {"seed": 0}))


TABLE = """
from gan_jax.metrics.estimate import Estimate
from gan_jax.tables import Column, Row, Table


def measured(*, seed):
    return {"speed/seconds": Estimate(1.0 + seed)}


def table() -> Table:
    return Table(
        name="speed",
        rows={"ours": Row(measure_fn=measured, seeds=2), "theirs": Row(measure_fn=measured)},
        columns=(Column(figure="speed/seconds"),),
        one_machine=True,
    )
"""


def test_the_command(tmp_path, command_here):
    file, out = tmp_path / "speed.py", tmp_path / "out"
    file.write_text(TABLE)
    code, said, err = command_here("-m", "gan_jax", "table", file, "--out", out)
    assert code == 0, err
    assert f"table    {out / 'table.md'}" in said
    assert "| ours | 2 |  | 1.500 +- 0.5 |" in (out / "table.md").read_text()
    code, _, err = command_here(
        "-m", "gan_jax", "table", file, "--out", out, "--rows", "ours", "--num-seeds", 3
    )
    assert code == 0, err
    assert "| ours | 3 |  | 2.000 +- 0.58 |" in (out / "table.md").read_text()
    code, _, err = command_here(
        "-m", "gan_jax", "table", file, "--rows", "our", "--out", tmp_path / "new"
    )
    assert code == 1 and "no row our: did you mean ours?" in err and not (tmp_path / "new").exists()
    for content, message in (
        ("", "defines no function"),
        ("def table():\n    return 3\n", "gave int"),
    ):
        file.write_text(content)
        code, _, err = command_here("-m", "gan_jax", "table", file)
        assert code == 1 and message in err


KILLED = '''
import sys
import time
from pathlib import Path

from made_runs import fake_train

from gan_jax.tables import Column, Row, Table, run_rows, write

out, hangs = Path(sys.argv[1]), sys.argv[2]


def train(planned):
    """In two parts, each of which hangs where it is told to."""
    run = f"{planned.name} {planned.seed}"
    with (out / "calls.txt").open("a") as calls:
        calls.write(f"{run}\\n")
    (planned.path / "half").touch()
    if hangs == f"{run} half":
        time.sleep(600)
    fake_train(planned)
    if hangs == f"{run} summary.json":
        time.sleep(600)


rows = {
    "a": Row(experiment="fake.py", seeds=3),
    "b": Row(experiment="fake.py", arguments={"quality": 3.0}, seeds=3, control="a"),
}
table = Table(name="killed", rows=rows, columns=(Column(figure="quality/frechet"),))
run_rows(table, out, train_fn=train, after_row_fn=lambda name: write(table, out))
'''


@pytest.mark.thorough
def test_a_table_that_is_killed_goes_on_with_what_is_left(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(script, whole, "nowhere")
    error = process.communicate(timeout=120)[1]
    assert process.returncode == 0, error
    # while a run trains, and when one has left its figures but has not returned
    for run, file in (("a 1", "half"), ("b 0", "summary.json")):
        process = start(script, killed, f"{run} {file}")
        wait_for(killed / run.replace(" ", "/seed_") / file, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert json.loads((killed / "table.json").read_text())["rows"]["b"]["cells"] == {}
    process = start(script, killed, "nowhere")
    error = process.communicate(timeout=120)[1]
    assert process.returncode == 0, error
    for name in ("table.json", "table.md"):
        assert (killed / name).read_text() == (whole / name).read_text()
    assert (whole / "calls.txt").read_text().split("\n")[:-1] == [
        f"{row} {seed}" for row in "ab" for seed in range(3)
    ]
    assert (killed / "calls.txt").read_text().split("\n")[:-1] == [
        *("a 0", "a 1"),  # killed
        *("a 1", "a 2", "b 0"),  # killed
        *("b 0", "b 1", "b 2"),
    ]


def start(script, out, hangs):
    out.mkdir(exist_ok=True)
    path = {"PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
    return subprocess.Popen(
        [sys.executable, str(script), str(out), hangs],
        env=os.environ | path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(file, process):
    end = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None and time.monotonic() < end, process.stderr.read()
        time.sleep(0.02)
