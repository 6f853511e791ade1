"""What a run shows: the files give back what was written, and what no file can hold is refused."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image
from scipy.io import wavfile

from gan_jax.drawing import whole_files
from gan_jax.drawing.artefacts import (
    KINDS,
    Animation,
    Audio,
    Picture,
    Text,
    encode,
    kind_of,
    read_artefacts,
    write_artefact,
)
from gan_jax.drawing.compose import beside, clip_grid, image_rows, texts
from gan_jax.drawing.whole_files import replace_file

rng = np.random.default_rng(0)


def decoded(artefact):
    return io.BytesIO(encode("it", artefact)[1])


def frames_of(animation):
    """Frames as RGB, and milliseconds of each."""
    with Image.open(decoded(animation)) as gif:
        found = []
        for index in range(gif.n_frames):
            gif.seek(index)
            found.append((np.asarray(gif.convert("RGB")), gif.info["duration"]))
    pixels, durations = zip(*found, strict=True)
    return np.stack(pixels), durations


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_a_picture_keeps_its_pixels(shape):
    pixels = rng.integers(0, 256, shape, np.uint8)
    with Image.open(decoded(Picture(Image.fromarray(pixels)))) as picture:
        assert picture.format == "PNG"
        np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_an_animation_keeps_gray_values_and_few_colors():
    gray = rng.integers(0, 256, (10, 9, 8, 1), np.uint8)
    found, durations = frames_of(Animation(gray, seconds=2.0))
    np.testing.assert_array_equal(found, gray.repeat(3, axis=-1))
    assert durations == (200,) * 10
    colors = rng.integers(0, 256, (256, 3), np.uint8)
    color = colors[rng.integers(0, 256, (6, 9, 8))]
    found, durations = frames_of(Animation(color, seconds=0.5))
    np.testing.assert_array_equal(found, color)
    assert durations == (80,) * 6
    assert set(frames_of(Animation(gray, seconds=0.01))[1]) == {20}  # as fast as browsers go


def test_many_colors_are_near_and_do_not_flicker():
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    still = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], 128), -1).astype(np.uint8)
    frames = np.stack([still] * 3)
    frames[:, :, 0] = rng.integers(0, 256, (3, 64, 3))  # the left border moves
    found, _ = frames_of(Animation(frames))
    assert np.abs(found.astype(int) - frames).mean() < 8
    np.testing.assert_array_equal(found[0, :, 1:], found[2, :, 1:])


@pytest.mark.parametrize("shape", [(100,), (100, 2)])
def test_a_sound_keeps_its_rate_and_its_samples(shape):
    samples = rng.uniform(-1, 1, shape).astype(np.float32)
    samples[0], samples[1] = -1, 1
    rate, found = wavfile.read(decoded(Audio(samples, 16000)))
    assert rate == 16000 and found.dtype == np.int16 and found.shape == shape
    np.testing.assert_allclose(found / 32768, samples, rtol=0, atol=1 / 32768)


@given(some.text(some.characters(codec="utf-8")))
def test_a_text_keeps_its_characters(text):
    suffix, content = encode("it", Text(text))
    assert suffix == ".txt" and content.decode() == text


class Movie(tuple):
    pass


GRAY = np.zeros((2, 3, 3, 1), np.uint8)
TONE = np.zeros(8)


@pytest.mark.parametrize(
    "artefact, message",
    [
        (Movie(), "must be one of Picture, Animation, Audio, Text .*got Movie"),
        (Image.new("L", (2, 2)), "must be one of Picture, .*got Image"),
        (Picture(np.zeros((2, 2))), "expected an image of Pillow, got ndarray"),
        (Picture(Image.new("CMYK", (2, 2))), 'got CMYK: convert it, image.convert."RGB"'),
        (Animation(GRAY.astype(float)), r"uint8 \[T, H, W, C\] .*got float64 \(2, 3, 3, 1\)"),
        (Animation(GRAY[..., 0]), r"got uint8 \(2, 3, 3\)"),
        (Animation(GRAY[:0]), "at least one frame"),
        (Animation(GRAY, seconds=float("nan")), "above 0, got nan"),
        (Audio(TONE + 1.001, 8000), r"lie in \[-1, 1\], got values from 1.001 to 1.001"),
        (Audio(TONE + np.inf, 8000), "finite, got 8 that are not"),
        (Audio(np.zeros(8, np.int16), 8000), "must be floats .*got int16: divide"),
        (Audio(np.zeros((2, 16000)), 8000), "time is the first axis"),
        (Audio(TONE[:0], 8000), "at least one sample"),
        (Audio(TONE, 44.1), "whole number of samples a second, got 44.1"),
        (Text(b"bytes"), "a text is a str, got bytes"),
        (Text("\ud800"), "surrogates not allowed"),
    ],
)
def test_what_no_file_can_hold(artefact, message, tmp_path):
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ValueError, match=f"(?s)artefact 'strange'.*{message}"),
    ):
        write_artefact(tmp_path, "strange", 1, artefact)
    assert not list(tmp_path.rglob("*"))


def test_a_folder_of_artefacts(tmp_path):
    assert read_artefacts(tmp_path / "nowhere") == {}
    shown = {
        "tone": Audio(TONE, 8000),
        "clip": Animation(GRAY + np.arange(2, dtype=np.uint8)[:, None, None, None]),
        "grid_2": Picture(Image.new("L", (2, 2))),
        "words": Text("so"),
    }
    for step in (100_000_000, 20, 3):
        for name, artefact in shown.items():
            path = write_artefact(tmp_path, name, step, artefact)
            assert type(artefact) in KINDS and kind_of(path) is KINDS[type(artefact)]
    assert (tmp_path / "words" / "step_00000003.txt").read_text() == "so"
    (tmp_path / "words" / "step_00000004.md").touch()
    (tmp_path / "words" / "step_x.txt").touch()
    (tmp_path / "words" / "step_00000005.txt").symlink_to(__file__)
    (tmp_path / "Bad name").mkdir()
    (tmp_path / "Bad name" / "step_00000003.txt").touch()
    found = read_artefacts(tmp_path)
    assert list(found) == ["clip", "grid_2", "tone", "words"]
    assert all(list(steps) == [3, 20, 100_000_000] for steps in found.values())
    assert found["clip"][20] == tmp_path / "clip" / "step_00000020.gif"
    tmp_path.chmod(0o755)
    (tmp_path / "words").chmod(0o755)
    written = write_artefact(tmp_path, "words", 3, Text("anew"))
    assert written.read_text() == "anew" and written.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["", "Words", "../words", "a-b", "2", "a\n"])
def test_names_that_are_none(name, tmp_path):
    with pytest.raises(ValueError, match="begins with a small letter"):
        write_artefact(tmp_path, name, 0, Text(""))
    with pytest.raises(ValueError, match="at least 0, got -1"):
        write_artefact(tmp_path, "words", -1, Text(""))


def test_what_fails_on_the_way_leaves_the_old_file_and_no_half_one(tmp_path, monkeypatch):
    path = write_artefact(tmp_path, "words", 1, Text("old"))

    def cut_short(text):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setitem(KINDS, Text, KINDS[Text]._replace(encode_fn=cut_short))
        with pytest.raises(MemoryError):
            write_artefact(tmp_path, "words", 1, Text("new"))
    assert [file.name for file in path.parent.iterdir()] == [path.name]

    def killed(draft, target):
        assert path.read_text() == "old"
        raise KeyboardInterrupt

    monkeypatch.setattr(whole_files.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, b"new")
    assert [file.read_text() for file in path.parent.iterdir()] == ["old"]


def test_inputs_outputs_and_truth_stand_in_rows():
    small, large = np.full((3, 7, 7, 1), -1.0), np.full((3, 28, 28, 3), 1.0)
    large[1] = (1, -1, -1)
    image = image_rows({"input": small, "output": large, "truth": large}).image
    pixels = np.asarray(image)
    assert image.mode == "RGB" and pixels.shape[0] == 16 + 3 * 58 - 2
    below = pixels[16:]
    assert (below[:56, :56] == 0).all()  # seven pixels enlarged to as many as 28
    assert (below[:56, 62:118] == 255).all() and (below[58:114, 62:118] == (255, 0, 0)).all()
    assert (pixels[:16, :56] < 128).any()  # a caption is there
    with pytest.raises(ValueError, match=r"got \{'a': 3, 'b': 2\}"):
        image_rows({"a": small, "b": large[:2]})
    with pytest.raises(ValueError, match="columns with one number"):
        image_rows({})


def test_pictures_beside_one_another():
    drawn = Image.new("L", (30, 20), 128)
    image = beside(plot=drawn, same=Picture(drawn), grid=np.ones((4, 28, 28, 1))).image
    assert image.height == 16 + 2 * 58 - 2
    assert image.getpixel((0, 16)) == (128, 128, 128) == image.getpixel((36 + 20, 16 + 19))
    assert image.getpixel((0, 16 + 20)) == (255, 255, 255)
    with pytest.raises(ValueError, match="at least one picture"):
        beside()


def test_clips_play_side_by_side():
    clips = np.linspace(-1, 1, 5)[None, :, None, None, None] * np.ones((4, 5, 56, 56, 1))
    animation = clip_grid(clips, seconds=1.0)
    assert animation.frames.shape == (5, 114, 114, 1) and animation.frames.dtype == np.uint8
    assert animation.frames[:, 0, 0, 0].tolist() == [0, 64, 128, 191, 255]
    color = clip_grid(np.zeros((2, 3, 56, 56, 3)), columns=1)
    assert color.frames.shape == (3, 114, 56, 3) and color.seconds == 2.0
    assert frames_of(animation)[1] == (200,) * 5
    with pytest.raises(ValueError, match=r"\[N, T, H, W, C\].*got \(2, 3, 4, 5\)"):
        clip_grid(np.zeros((2, 3, 4, 5)))


def test_texts_are_numbered():
    assert texts(["so", "it\ngoes"]).text == "1  so\n2  it\n   goes"
    assert texts(["a"], real=["b"]).text == "generated\n\n1  a\n\nreal\n\n1  b"
    assert texts(["x"] * 10).text.splitlines()[8:] == [" 9  x", "10  x"]
