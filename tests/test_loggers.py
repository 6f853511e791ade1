"""Loggers are given all that a run reports; one that fails costs the run nothing."""

import struct

import numpy as np
from PIL import Image
from tensorboardX.proto.event_pb2 import Event
from test_run import built

import gan_jax
from gan_jax.drawing.artefacts import Animation, Audio, Picture, Text
from gan_jax.training.loggers import RunInfo, TensorBoard

DEVICES = 1


def test_a_logger_is_given_everything_and_one_that_fails_is_left_out(tmp_path, capsys):
    heard = []

    class Recorder:
        def __init__(self, run):
            heard.append(("begin", run.path, run.config["options"]["steps"], run.first_step))

        def scalars(self, step, values):
            heard.append(("scalars", step, sorted(values)))

        def artefact(self, step, name, value):
            heard.append((type(value).__name__, step, name))

        def close(self, lines):
            heard.append(("close", {(line["row"], line["draw_seed"]) for line in lines}))

    class Broken(Recorder):
        def scalars(self, step, values):
            raise ConnectionError("no network")

    run = gan_jax.train(built(steps=2, loggers=(Recorder, Broken)), tmp_path / "run")
    assert heard[0] == ("begin", run.path, 2, 0)
    assert ("Picture", 0, "samples") in heard and ("Picture", 2, "samples") in heard
    names = {name for what, _, names in heard[2:-1] if what == "scalars" for name in names}
    logged = {name for line in run.metrics() for name in line}
    assert names == logged - {"step", "seconds"}
    assert heard[-1] == ("close", {("generated", "evaluate_final")})
    failed = "the logger Broken failed and is left out (ConnectionError: no network)"
    assert capsys.readouterr().out.count(failed) == 1


def test_tensorboard_gets_every_kind_of_artefact(tmp_path):
    board = TensorBoard(RunInfo(tmp_path, {}, 0))
    board.scalars(3, {"generator/loss": 0.5})
    board.artefact(3, "still", Picture(Image.new("L", (4, 6))))
    board.artefact(3, "moving", Animation(np.zeros((2, 6, 4, 1), np.uint8)))
    board.artefact(3, "sound", Audio(np.zeros((7, 2)), 8000))
    board.artefact(3, "words", Text("to be"))
    board.close([])
    (file,) = (tmp_path / "tensorboard").iterdir()
    events = list(_events(file.read_bytes()))
    found = {value.tag: value for event in events for value in event.summary.value}
    assert found["generator/loss"].simple_value == 0.5
    assert found["still"].image.encoded_image_string[1:4] == b"PNG"
    assert found["moving"].image.encoded_image_string[:3] == b"GIF"
    for name in ("still", "moving"):
        assert (found[name].image.width, found[name].image.height) == (4, 6)
    sound = found["sound"].audio
    assert (sound.encoded_audio_string[:4], sound.num_channels, sound.length_frames) == (
        b"RIFF",
        2,
        7,
    )
    assert any(
        b"to be" in value.tensor.string_val[0] for tag, value in found.items() if "words" in tag
    )


def test_several_starts_are_one_series(tmp_path):
    folder, steps = tmp_path / "tensorboard", []
    for first, played in ((0, (0, 2, 4)), (2, (3, 4)), (4, (5,))):  # killed after 4, saved at 2
        board = TensorBoard(RunInfo(tmp_path, {}, first))
        for step in played:
            board.scalars(step, {"loss": float(first)})
        board.close([])
        (file,) = folder.iterdir()
        if first == 0:  # the kill left a copy, and cut it short
            (folder / f"{file.name}.copy").write_bytes(file.read_bytes()[:-7])
    events = [event for event in _events(file.read_bytes()) if event.summary.value]
    steps = [(event.step, event.summary.value[0].simple_value) for event in events]
    assert steps == [(0, 0.0), (2, 0.0), (3, 2.0), (4, 2.0), (5, 4.0)]
    for content in (b"", b"\xff" * 40, file.read_bytes()[:30]):
        file.write_bytes(content)
        board = TensorBoard(RunInfo(tmp_path, {}, 5))
        board.close([])
    assert len(list(folder.iterdir())) == 1


def _events(content):
    """The records of a file of TensorBoard: length, checksum, event, checksum."""
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        yield Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]
