"""What is shown of a run's progress: without a terminal a line now and then, and nothing where that is asked for."""

import time

import pytest

from gan_jax.training import progress
from gan_jax.training.progress import Progress, telling

DEVICES = 1


@pytest.fixture
def clock(monkeypatch):
    """The time, which the test sets."""
    time = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: time[0])
    return time


def test_without_a_terminal_a_line_tells_the_time_left_at_most_every_30_seconds(clock, capsys):
    shown = Progress(0, 8000)
    for step in range(10, 8001, 10):  # 1 s a line of the log
        shown.advance(10)
        shown.show(step, {"examples/s": "640"})
        clock[0] += 1
    shown.close()
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert said.err == "" and "\r" not in said.out
    assert len(lines) == 27 and max(map(len, lines)) < 80
    assert lines[0] == "step 10 of 8,000, examples/s 640"
    assert lines[1] == "step 310 of 8,000, examples/s 640, 0:12:49 left"


def test_quiet_shows_warnings_only(clock, capsys):
    shown = Progress(0, 10, quiet=True)
    for step in range(1, 11):
        shown.advance(1)
        shown.show(step, {"examples/s": "640"})
        clock[0] += 100
    shown.warn("the discriminator has won")
    shown.close()
    said = capsys.readouterr()
    assert said.out == "warning: the discriminator has won\n" and said.err == ""


def test_what_takes_long_is_said_while_it_does(capsys):
    with telling("compiling the step", after_seconds=60.0):
        pass
    assert capsys.readouterr().out == ""
    with telling("compiling the step", after_seconds=0.01):
        time.sleep(0.1)
        assert capsys.readouterr().out.startswith("compiling the step: it may take minutes")
    assert capsys.readouterr().out == "compiling the step took 0 s\n"
