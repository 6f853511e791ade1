"""Values to the bytes of a file: PNG, GIF, WAV and text. What a file cannot hold is refused."""

import io
import math

import numpy as np
from PIL import Image
from scipy.io import wavfile

_PNG_MODES = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")
_CHANNELS = 8  # of a sound, at most: more are samples on the wrong axis
_SHORTEST = 2  # hundredths of a second of a GIF's frame: browsers slow down what is shorter


def png(image: Image.Image) -> bytes:
    """A PNG.

    Args:
        image: of Pillow, in a mode that PNG has.

    Raises:
        ValueError: it is no such image.
    """
    if not isinstance(image, Image.Image):
        raise ValueError(
            f"expected an image of Pillow, got {type(image).__name__}: of an array, "
            "gan_jax.drawing.pictures.image_grid or PIL.Image.fromarray makes one"
        )
    if image.mode not in _PNG_MODES:
        raise ValueError(
            f"a PNG has one of the modes {', '.join(_PNG_MODES)}, got {image.mode}: convert it, "
            'image.convert("RGB")'
        )
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def gif(frames: np.ndarray, seconds: float) -> bytes:
    """An animated GIF that starts anew when it ends.

    Grey frames keep their values. Colour frames share one palette of 256, so that nothing flickers:
    it is exact up to 256 colours and has the nearest ones beyond. Pillow joins a frame to the one
    before where both are equal; it is then shown for as long as both.

    Args:
        frames: uint8 ``[T, H, W, C]`` with 1 or 3 channels.
        seconds: of all frames. Each is rounded to hundredths, of which it has at least two.

    Raises:
        ValueError: the frames are none, or ``seconds`` is no time.
    """
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] not in (1, 3):
        raise ValueError(
            f"frames must be uint8 [T, H, W, C] with 1 or 3 channels, got {frames.dtype} "
            f"{frames.shape}: of samples in [-1, 1], gan_jax.data.images.real_to_pixels makes them"
        )
    if not frames.size:
        raise ValueError(f"an animation needs at least one frame and one pixel, got {frames.shape}")
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"the seconds of an animation must be above 0, got {seconds}")
    each = max(_SHORTEST, round(100 * seconds / len(frames)))
    first, *rest = _palette_frames(frames)
    stream = io.BytesIO()
    options = dict(save_all=True, append_images=rest, loop=0, duration=10 * each)
    first.save(stream, format="GIF", **options)
    return stream.getvalue()


def _palette_frames(frames: np.ndarray) -> list[Image.Image]:
    """Grey frames as they are; colour frames on one palette."""
    if frames.shape[3] == 1:
        return [Image.fromarray(frame[..., 0]) for frame in frames]
    below_one_another = frames.reshape(-1, *frames.shape[2:])
    palette = Image.fromarray(below_one_another).quantize(256)
    plain = Image.Dither.NONE  # dots of a dither would dance from frame to frame
    return [Image.fromarray(frame).quantize(palette=palette, dither=plain) for frame in frames]


def wav(samples: np.ndarray, rate: int) -> bytes:
    """A WAV file of 16 bits a sample: ``round(32768 sample)``, and 32767 for 1.

    Args:
        samples: floats in [-1, 1], ``[T]`` or ``[T, channels]``.
        rate: samples of a second.

    Raises:
        ValueError: the samples are others, or the rate is none. Nothing is clipped.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] > _CHANNELS):
        raise ValueError(
            f"a sound has samples [T] or [T, channels] with at most {_CHANNELS} channels, got "
            f"{samples.shape}: time is the first axis"
        )
    if not samples.size:
        raise ValueError(f"a sound needs at least one sample, got {samples.shape}")
    if not isinstance(rate, int | np.integer) or rate < 1:
        raise ValueError(f"the rate must be a whole number of samples a second, got {rate!r}")
    whole = np.rint(_checked(samples) * 32768)
    stream = io.BytesIO()
    wavfile.write(stream, int(rate), np.minimum(whole, 32767).astype(np.int16))
    return stream.getvalue()


def _checked(samples: np.ndarray) -> np.ndarray:
    """Samples as float64; refuses what is not in [-1, 1]."""
    if samples.dtype.kind in "biuc":
        raise ValueError(
            f"the samples of a sound must be floats in [-1, 1], got {samples.dtype}: divide 16-bit "
            "samples by 32768"
        )
    samples = samples.astype(np.float64)
    if wrong := int(samples.size - np.isfinite(samples).sum()):
        raise ValueError(f"the samples of a sound must be finite, got {wrong} that are not")
    low, high = samples.min(), samples.max()
    if low < -1 or high > 1:
        raise ValueError(
            f"the samples of a sound must lie in [-1, 1], got values from {low:.6g} to {high:.6g}: "
            "divide them by their greatest absolute value"
        )
    return samples


def utf8(text: str) -> bytes:
    """A text in UTF-8.

    Args:
        text: any that has no half of a surrogate pair.

    Raises:
        ValueError: it is no str, or holds such a half.
    """
    if not isinstance(text, str):
        raise ValueError(f"a text is a str, got {type(text).__name__}: decode bytes first")
    return text.encode("utf-8")
