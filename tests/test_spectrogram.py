"""Spectra of tones, mel bands, and what is measured and shown of sounds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import stft

from gan_jax.spectrogram import LogMel, hertz_to_mel, mel_filters, mel_to_hertz, power_spectra

DEVICES = 1
RATE = 8000
TIME = np.arange(4096) / RATE


@pytest.mark.parametrize("octave", range(6))
def test_a_tone_at_each_octave_has_power_1_at_its_frequency(octave):
    hertz = 62.5 * 2**octave  # 31.25 Hz lie between two frequencies
    power = power_spectra(jnp.sin(2 * jnp.pi * hertz * TIME)[None], 256, 128)[0, 4:-4]
    assert power.shape == (24, 129)
    assert (power.argmax(1) == 2 ** (octave + 1)).all()
    np.testing.assert_allclose(power.max(1), 1.0, atol=0.02)


def test_the_spectra_are_those_of_another_package():
    sound = np.random.default_rng(0).normal(size=4096)
    found = np.asarray(power_spectra(jnp.asarray(sound)[None], 256, 64)[0])
    # frame i begins at 64 i - 96, and scipy's at multiples of 64
    _, _, amplitudes = stft(sound[32:], RATE, "hann", 256, 192, boundary=None, padded=False)
    expected = np.square(2.0 * np.abs(amplitudes.T))
    np.testing.assert_allclose(found[2 : 2 + len(expected)], expected, rtol=2e-3, atol=1e-5)


def test_the_mel_scale():
    hertz = np.array([0.0, 700.0, 1000.0, 4000.0])
    np.testing.assert_allclose(hertz_to_mel(hertz), [0.0, 781.17, 999.99, 2146.06], atol=0.02)
    np.testing.assert_allclose(mel_to_hertz(hertz_to_mel(hertz)), hertz, atol=0.05)


def test_neighboring_bands_sum_to_1_between_the_first_and_the_last_peak():
    filters = np.asarray(mel_filters(RATE, 1024, 20, 100.0, 4000.0))
    peaks = np.asarray(mel_to_hertz(jnp.linspace(hertz_to_mel(100.0), hertz_to_mel(4000.0), 22)))
    frequencies = np.arange(513) * RATE / 1024
    between = (frequencies > peaks[1]) & (frequencies < peaks[-2])
    np.testing.assert_allclose(filters.sum(1)[between], 1.0, atol=1e-3)
    outside = (frequencies < 100.0) | (frequencies > 3999.9)
    assert (filters >= 0).all() and filters[outside].max() < 1e-5
    for band in range(20):
        assert abs(frequencies[filters[:, band].argmax()] - peaks[band + 1]) <= RATE / 1024


def test_images_of_sounds():
    spectrogram = LogMel(RATE)
    sounds = np.stack([np.zeros(4096), np.sin(2 * np.pi * 500 * TIME)]).astype(np.float32)
    silent, tone = np.asarray(spectrogram(sounds))
    assert silent.shape == (32, 40, 1) and (silent == -1.0).all()
    assert 0.9 < tone[4:-4].max() < 1.05
    shifted = np.asarray(spectrogram(np.roll(sounds, 128, axis=1)))[1]
    np.testing.assert_allclose(shifted[5:-4], tone[4:-5], atol=1e-3)
    quieter = np.asarray(spectrogram(sounds / 10))[1]  # 20 dB of 60: two thirds of an image's half
    loudest = tone[10].argmax()
    np.testing.assert_allclose(tone[10, loudest] - quieter[10, loudest], 2 / 3, atol=1e-2)
    slope = jax.grad(lambda sounds: spectrogram(sounds).sum())(jnp.asarray(sounds))
    assert np.isfinite(slope).all() and not (slope[0] != 0).any()  # silence is flat, not a pole


def test_what_no_spectrogram_can_be_made_of():
    with pytest.raises(ValueError, match="multiples of hop=100, got 256 and 4096"):
        power_spectra(jnp.zeros((1, 4096)), 256, 100)
    with pytest.raises(ValueError, match="of 128 bands hold no frequency of a window of 256"):
        mel_filters(RATE, 256, 128, 60.0, 4000.0)
    with pytest.raises(ValueError, match="0 <= low < high <= 4000 Hz, got 60 and 5000"):
        mel_filters(RATE, 256, 40, 60.0, 5000.0)
