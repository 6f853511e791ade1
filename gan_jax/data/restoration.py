"""Restoration tasks: how an image is spoiled, and how a network's output becomes an image again."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.data import degrade
from gan_jax.data.prepare import Example, ExampleFn, image_fields
from gan_jax.lab import lab_to_rgb, rgb_to_lab
from gan_jax.models.paired import FinishFn, as_it_is


class Task(NamedTuple):
    """A restoration.

    Attributes:
        degrade_fn: ``(key, image [H, W, C]) -> input``, of one image.
        finish_fn: ``(inputs, outputs of the network) -> images``, of a batch.
        channels: of the network's output, where not those of the image.
        scale: by which the image is larger than the input.
        residual: whether the network's output is added to the input.
    """

    degrade_fn: degrade.DegradeFn
    finish_fn: FinishFn = as_it_is
    channels: int | None = None
    scale: int = 1
    residual: bool = True


def restoration(degrade_fn: degrade.DegradeFn) -> ExampleFn:
    """A ``prepare_fn``: ``real`` is the image, ``input`` what is left of it; a label is kept.

    Args:
        degrade_fn: ``(key, image [H, W, C]) -> input``.
    """

    def prepare_fn(key: jax.Array, example: Example) -> dict[str, Any]:
        fields = image_fields(key, example)
        fields["input"] = degrade_fn(key, fields["real"])
        return fields | ({"label": example["label"]} if "label" in example else {})

    return prepare_fn


def pasted(share: float = 0.25) -> FinishFn:
    """What is known stays: the network's pixels where :func:`gan_jax.data.degrade.hole` took them away.

    Args:
        share: of the pixels, as there.
    """

    def finish_fn(inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        return jnp.where(degrade.hole_mask(inputs.shape[1:], share), outputs, inputs)

    return finish_fn


def colored(inputs: jax.Array, outputs: jax.Array) -> jax.Array:
    """Lightness of the grey input, ``a* = 110 tanh(y_0)`` and ``b* = 110 tanh(y_1)`` of the network."""
    lightness = rgb_to_lab(inputs.repeat(3, axis=-1))[..., :1]
    return lab_to_rgb(jnp.concatenate([lightness, 110.0 * jnp.tanh(outputs)], axis=-1))


# The settings are those under which the classical methods of the page are known to be strong.
TASKS: dict[str, Task] = {
    "noise": Task(degrade.gaussian_noise(sigma=25.0)),
    "noise_50": Task(degrade.gaussian_noise(sigma=50.0)),
    "salt_and_pepper": Task(degrade.salt_and_pepper(share=0.1)),
    "impulses": Task(degrade.random_impulses(share=0.1)),
    "blur": Task(degrade.blur(deviation=1.5, sigma=2.55)),
    "x2": Task(degrade.box_reduced(scale=2), scale=2),
    "x4": Task(degrade.box_reduced(scale=4), scale=4),
    "hole": Task(degrade.hole(share=0.25), pasted(0.25)),
    "color": Task(degrade.without_color, colored, channels=2, residual=False),
    "cast": Task(degrade.color_cast(strength=0.5)),
}
