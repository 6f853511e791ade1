"""Sound as pictures: short-time spectra, mel bands, and both as arrays that can be differentiated.

References:
    Stevens, Volkmann and Newman 1937, doi 10.1121/1.1915893 (the mel scale);
    Davis and Mermelstein 1980, doi 10.1109/TASSP.1980.1163420 (triangular bands).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Sounds = Float[Array, "batch time"]


def hertz_to_mel(hertz: float | jax.Array) -> jax.Array:
    """``2595 log10(1 + f / 700)``; 1,000 Hz are about 1,000 mel."""
    return 2595.0 * jnp.log10(1.0 + jnp.asarray(hertz) / 700.0)


def mel_to_hertz(mel: float | jax.Array) -> jax.Array:
    """``700 (10^(m / 2595) - 1)``, the inverse of :func:`hertz_to_mel`."""
    return 700.0 * (10.0 ** (jnp.asarray(mel) / 2595.0) - 1.0)


def mel_filters(
    rate: int, window: int, bands: int, low: float, high: float
) -> Float[Array, "frequencies bands"]:
    """Triangles of height 1, evenly spaced on the mel scale: each ends where its neighbours have their peaks.

    Between the first and the last peak they sum to 1 at every frequency.

    Args:
        rate: samples of a second.
        window: samples of a spectrum, which has ``window / 2 + 1`` frequencies.
        bands: how many triangles.
        low: where the first begins, in Hz.
        high: where the last ends; at most half the rate.

    Raises:
        ValueError: the frequencies are out of order, or a band lies between two frequencies of the
            spectrum and sees none.
    """
    if not 0.0 <= low < high <= rate / 2:
        raise ValueError(f"expected 0 <= low < high <= {rate / 2:g} Hz, got {low:g} and {high:g}")
    with jax.ensure_compile_time_eval():
        frequencies = jnp.arange(window // 2 + 1) * (rate / window)
        ends = mel_to_hertz(jnp.linspace(hertz_to_mel(low), hertz_to_mel(high), bands + 2))
        left, peak, right = ends[:-2], ends[1:-1], ends[2:]
        rising = (frequencies[:, None] - left[None]) / (peak - left)[None]
        falling = (right[None] - frequencies[:, None]) / (right - peak)[None]
        filters = jnp.maximum(0.0, jnp.minimum(rising, falling))
        empty = int((filters.sum(0) == 0.0).sum())
    if empty:
        raise ValueError(
            f"{empty} of {bands} bands hold no frequency of a window of {window} samples: take a longer "
            "window, or fewer bands"
        )
    return filters


def power_spectra(
    sounds: Sounds, window: int, hop: int
) -> Float[Array, "batch frames frequencies"]:
    """Squared magnitudes of Hann-windowed frames: 1 for a sine of amplitude 1 at one of the frequencies.

    Frame i is centred at ``(i + 1/2) hop``; beyond its ends a sound is 0.

    Args:
        sounds: ``[B, T]``, T a multiple of ``hop``.
        window: samples of a frame, a multiple of ``hop``.
        hop: from one frame to the next.

    Returns:
        ``[B, T / hop, window / 2 + 1]``.

    Raises:
        ValueError: a number is no such multiple.
    """
    if window % hop or sounds.shape[1] % hop:
        raise ValueError(
            f"the window and the length of a sound must be multiples of hop={hop}, got {window} and "
            f"{sounds.shape[1]}"
        )
    before = (window - hop) // 2
    padded = jnp.pad(sounds, ((0, 0), (before, window - hop - before)))
    parts = padded.reshape(len(sounds), -1, hop)
    num = sounds.shape[1] // hop
    frames = jnp.concatenate([parts[:, i : i + num] for i in range(window // hop)], axis=-1)
    hann = 0.5 - 0.5 * jnp.cos(2.0 * jnp.pi * jnp.arange(window) / window)
    spectra = jnp.fft.rfft(frames * hann[None, None] * (4.0 / window))
    return jnp.square(spectra.real) + jnp.square(spectra.imag)


class LogMel(NamedTuple):
    """Sounds ``[B, T]`` as images ``[B, T / hop, bands, 1]``: time downwards, about [-1, 1].

    ``1 + 2 log10(power + floor) / -log10(floor)``: a full-scale sine within a band is near 1, silence
    is -1.

    Attributes:
        rate: samples of a second.
        window: of a frame, in samples.
        hop: from one frame to the next.
        bands: of the mel scale.
        low: the lowest frequency, in Hz.
        floor: power that is added, 1e-6 for 60 dB.
    """

    rate: int
    window: int = 256
    hop: int = 128
    bands: int = 40
    low: float = 60.0
    floor: float = 1e-6

    def __call__(self, sounds: Sounds) -> Float[Array, "batch frames bands 1"]:
        """``[B, T] -> [B, T / hop, bands, 1]``."""
        filters = mel_filters(self.rate, self.window, self.bands, self.low, self.rate / 2)
        power = power_spectra(sounds, self.window, self.hop) @ filters
        decades = jnp.log10(power + self.floor) / -jnp.log10(self.floor)
        return (1.0 + 2.0 * decades)[..., None]
