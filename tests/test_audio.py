"""Recordings: every kind of WAV file becomes one kind of example, and what cannot is named."""

from functools import partial

import jax
import numpy as np
import pytest
from scipy.io import wavfile

from gan_jax.data.audio import (
    PEAK,
    fitted,
    folder_recordings,
    parted,
    read_wav,
    resampled,
    spoken_digits,
    with_speakers,
)
from gan_jax.drawing.artefacts import Audio
from gan_jax.drawing.files import write_samples
from gan_jax.drawing.sampler import Sampler
from gan_jax.drawing.sounds import in_turn, sound_artefacts
from gan_jax.spectrogram import LogMel

DEVICES = 1
RATE = 8000


def tone(hertz, rate=RATE, seconds=0.25, loud=0.5):
    return loud * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def write_24_bits(path, samples, rate):
    """By hand: scipy writes no 24 bits."""
    whole = np.rint(samples * (2**23 - 1)).astype("<i4")
    content = np.ascontiguousarray(whole).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    head = b"RIFF" + (36 + len(content)).to_bytes(4, "little") + b"WAVEfmt "
    form = [(16, 4), (1, 2), (1, 2), (rate, 4), (3 * rate, 4), (3, 2), (24, 2)]
    head += b"".join(value.to_bytes(size, "little") for value, size in form)
    path.write_bytes(head + b"data" + len(content).to_bytes(4, "little") + content)


WRITERS = {
    "8 bits": lambda path, x: wavfile.write(path, RATE, np.rint(128 + 127 * x).astype(np.uint8)),
    "16 bits": lambda path, x: wavfile.write(path, RATE, np.rint(32767 * x).astype(np.int16)),
    "24 bits": lambda path, x: write_24_bits(path, x, RATE),
    "32 bits": lambda path, x: wavfile.write(path, RATE, np.rint((2**31 - 1) * x).astype(np.int32)),
    "float": lambda path, x: wavfile.write(path, RATE, x.astype(np.float32)),
    "double": lambda path, x: wavfile.write(path, RATE, x),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_samples_is_read_alike(kind, tmp_path):
    WRITERS[kind](tmp_path / "a.wav", tone(440))
    samples, rate = read_wav(tmp_path / "a.wav")
    assert rate == RATE and samples.shape == (2000, 1)
    np.testing.assert_allclose(samples[:, 0], tone(440), atol=1 / 100 if kind == "8 bits" else 1e-4)


@pytest.mark.parametrize("octave", range(6))
@pytest.mark.parametrize("rate", [6000, 11025, 16000, 44100])
def test_a_pure_tone_stays_one_at_any_rate(rate, octave):
    hertz = 60.0 * 2**octave
    found = resampled(tone(hertz, rate, seconds=1.0), rate, RATE)
    expected = tone(hertz, seconds=1.0)
    np.testing.assert_allclose(found[500:7500], expected[500:7500], atol=0.01)


def test_a_tone_that_the_rate_cannot_hold_is_gone():
    assert np.abs(resampled(tone(6000, 44100, seconds=1.0), 44100, RATE)[500:7500]).max() < 0.01


def test_a_recording_is_as_long_and_as_loud_as_the_next():
    for samples in (0.02 * tone(100), tone(100, seconds=2.0)):
        found = fitted(samples, 4096)
        assert found.shape == (4096,) and found.dtype == np.float32
        assert np.abs(found).max() == np.float32(PEAK)
    assert (fitted(tone(100), 4096)[2000:] == 0).all()


def test_a_folder_of_all_kinds(tmp_path):
    for place, name in enumerate(("no", "yes")):
        (tmp_path / name).mkdir()
        write_24_bits(tmp_path / name / "long.wav", tone(200 * (place + 1), 16000, 3.0), 16000)
        both = np.stack([tone(100), tone(100)], axis=1).astype(np.float32)
        wavfile.write(tmp_path / name / "stereo.WAV", RATE, both)
    (tmp_path / "yes" / "notes.txt").touch()
    told = []
    source = folder_recordings(
        tmp_path, rate=RATE, length=8192, labels="subfolders", tell_fn=told.append
    )
    assert told == [
        "2 of 4 recordings are at 16,000 Hz (resampled to 8,000 Hz); 2 of 4 recordings are of several "
        "channels (averaged); 2 of 4 recordings are long (their ends are cut off)"
    ]
    assert source.names == {"label": ("no", "yes")}
    assert source.arrays["label"].tolist() == [0, 0, 1, 1]
    spectra = np.abs(np.fft.rfft(source.arrays["recording"][[0, 2]]))
    np.testing.assert_allclose(spectra.argmax(1) * RATE / 8192, [200, 400], atol=1)
    quiet = []
    folder_recordings(tmp_path / "no", rate=16000, length=3 * 16000, tell_fn=quiet.append)
    assert quiet and "cut off" not in quiet[0]


def test_what_cannot_be_heard_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        folder_recordings(tmp_path / "nowhere", rate=RATE, length=64)
    (tmp_path / "song.mp3").touch()
    with pytest.raises(FileNotFoundError, match=r"holds no WAV file \(1 other files\): .*\.wav"):
        folder_recordings(tmp_path, rate=RATE, length=64)
    wavfile.write(tmp_path / "a.wav", RATE, tone(440))
    wavfile.write(tmp_path / "b.wav", RATE, tone(440)[:80])
    wavfile.write(tmp_path / "c.wav", RATE, 0 * tone(440))
    expected = r"2 of 3 recordings .*: b.wav \(0.010 s\), c.wav \(silent\); remove them"
    with pytest.raises(ValueError, match=expected):
        folder_recordings(tmp_path, rate=RATE, length=64)
    for content, message in (
        (b"RIFF", "no WAV file"),
        (b"", "no WAV file"),
        (b"x" * 99, "no WAV file"),
    ):
        (tmp_path / "c.wav").write_bytes(content)
        with pytest.raises(ValueError, match=f"c.wav is {message} that can be read"):
            read_wav(tmp_path / "c.wav")
    wavfile.write(tmp_path / "c.wav", RATE, np.full(800, np.nan))
    with pytest.raises(ValueError, match=r"c.wav holds NaN or infinity"):
        read_wav(tmp_path / "c.wav")
    wavfile.write(tmp_path / "c.wav", RATE, np.zeros(0, np.int16))
    with pytest.raises(ValueError, match=r"c.wav holds no samples"):
        read_wav(tmp_path / "c.wav")
    with pytest.raises(ValueError, match=r"3 recordings .a.wav, .* beside 0 subfolders"):
        folder_recordings(tmp_path, rate=RATE, length=64, labels="subfolders")


def test_spoken_digits_are_parted_by_take_or_by_speaker(image_sets):
    source = spoken_digits(data_dir=image_sets, length=4096)
    assert len(source) == 120 and source.names["speaker"] == ("george", "theo")
    assert source.arrays["recording"].shape == (120, 4096)
    rest, held_out = parted(source, first_takes=2)
    assert len(held_out) == 40 and held_out.arrays["take"].max() == 1
    assert rest.arrays["take"].min() == 2
    rest, held_out = parted(source, first_takes=2, speaker="theo")
    assert set(held_out.arrays["speaker"]) == {1} and set(rest.arrays["speaker"]) == {0}
    asked = with_speakers(source)
    for index in (0, 60, 119):
        digit, speaker = (source.arrays[name][index] for name in ("label", "speaker"))
        told = asked.names["condition"][asked.arrays["condition"][index]]
        assert told == f"{digit} {source.names['speaker'][speaker]}"
    with pytest.raises(ValueError, match=r"no speaker 'nobody': expected one of george, theo"):
        parted(source, first_takes=2, speaker="nobody")
    with pytest.raises(ValueError, match="120 of 120 recordings would be set aside"):
        parted(source, first_takes=6)


def test_labels_of_a_turn():
    labels = np.array([2, 0, 2, 1, 0])
    assert labels[in_turn(labels, 5)].tolist() == [0, 1, 2, 0, 2]
    assert in_turn(None, 3).tolist() == [0, 1, 2]


def test_sounds_are_shown_beside_real_ones_and_written_as_files(tmp_path):
    rows = {
        "condition": np.array([1, 0, 1, 0], np.int32),
        "real": np.stack([tone(300), tone(200), tone(300), tone(200)]).astype(np.float32),
    }
    sampler = Sampler(lambda key, latents, rows: -rows["real"], None, jax.random.key(0), given=rows)
    shown = sound_artefacts(
        rate=RATE, spectrogram_fn=lambda s: LogMel(RATE, hop=250, window=250, bands=10)(s), num=2
    )(sampler)
    assert list(shown) == ["samples", "real", "spectrograms"]
    assert shown["samples"].samples.shape == (2 * (2000 + 1600),)
    np.testing.assert_array_equal(shown["samples"].samples, -shown["real"].samples)
    np.testing.assert_array_equal(shown["real"].samples[:2000], rows["real"][1])
    write_samples(tmp_path, sampler, 3, {"run": "x"}, file_fn=partial(Audio, rate=RATE))
    assert sorted(path.name for path in tmp_path.glob("*.wav")) == [
        f"0000000{i}.wav" for i in range(3)
    ]
    samples, rate = read_wav(tmp_path / "00000002.wav")
    assert rate == RATE
    np.testing.assert_allclose(samples[:, 0], -rows["real"][2], atol=1e-4)
