"""MoCoGAN: what is shown, once a clip, and how it moves, frame by frame.

The latents are the content, one vector a clip, and fresh numbers for each frame, which a recurrent network
turns into a path. A generator of images draws each frame from both. One judge sees a frame alone, and one
the whole clip::

    Game(
        MoCoGANGenerator(DCGANGenerator((32, 32, 1), ...), frames=8),
        Judges({"frame": DCGANDiscriminator(...), "clip": ClipDiscriminator(...)}),
        latent_fn=content_and_motion(frames=8, motion_size=8),
        show_fn=clip_and_frame(),
    )

References:
    Tulyakov et al. 2018, arXiv 1707.04993, section 3 and figure 2.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.context import Shown, Turn
from gan_jax.models.blocks import Block, Conv, leaky_relu, plain
from gan_jax.models.conditioning import join_condition
from gan_jax.models.heads import Head

Latents = dict[str, jax.Array]


def content_and_motion(
    *, frames: int, motion_size: int
) -> Callable[[jax.Array, tuple[int, ...]], Latents]:
    """The ``latent_fn``: ``content`` ``[B, Z]``, ``motion`` ``[B, frames, motion_size]``, ``frame`` ``[B, 2]``.

    The first two are standard normal. ``frame`` says which frame of the real clip and which of the
    generated one is shown alone.
    """

    def latent_fn(key: jax.Array, shape: tuple[int, ...]) -> Latents:
        content_key, motion_key, frame_key = jax.random.split(key, 3)
        return {
            "content": jax.random.normal(content_key, shape),
            "motion": jax.random.normal(motion_key, (shape[0], frames, motion_size)),
            "frame": jax.random.randint(frame_key, (shape[0], 2), 0, frames),
        }

    return latent_fn


def clip_and_frame(judges: tuple[str, ...] = ("clip", "frame")) -> Callable[..., Shown]:
    """The ``show_fn``: each clip as ``clip``, and one frame of it as ``frame``.

    Args:
        judges: one of the two alone, or both.
    """

    def show_fn(
        generator_fn: Callable, latents: Latents, batch: Mapping[str, Any], turn: Turn
    ) -> Shown:
        condition = batch.get("condition")
        told = () if condition is None else (condition,)
        sides = []
        for side, clips in enumerate((batch["real"], generator_fn(latents, *told))):
            frame = clips[jnp.arange(len(clips)), latents["frame"][:, side]]
            seen = {"clip": clips, "frame": frame}
            sides.append({name: seen[name] for name in judges})
        return Shown(*sides, condition)

    return show_fn


class MoCoGANGenerator(nn.Module):
    """Latents of :func:`content_and_motion` to clips ``[B, T, H, W, C]``.

    A gated recurrent network reads the motion's fresh numbers, and the label where there is one; its
    state at each frame, the content and the label are what the frame is drawn from.

    Attributes:
        frame: ``(latents [B, Z], *, train) -> images``; it is told no label.
        motion_features: of the recurrent state.
        num_classes: for integer labels as the condition.

    References:
        Tulyakov et al. 2018, arXiv 1707.04993, section 3.1; Cho et al. 2014, arXiv 1406.1078 (the
        gated recurrent unit).
    """

    frame: nn.Module
    motion_features: int = 16
    num_classes: int | None = None

    @nn.compact
    def __call__(
        self, latents: Latents, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``{"content": [B, Z], "motion": [B, T, M], ...}`` to ``[B, T, H, W, C]``."""
        content, motion = latents["content"], latents["motion"]
        rows, frames, _ = motion.shape
        states = nn.RNN(nn.GRUCell(self.motion_features))(motion)
        still = join_condition(content, condition, self.num_classes)
        still = jnp.broadcast_to(still[:, None], (rows, frames, still.shape[-1]))
        drawn_from = jnp.concatenate([still, states], axis=-1)
        images = self.frame(drawn_from.reshape(rows * frames, -1), train=train)
        return images.reshape(rows, frames, *images.shape[1:])


class ClipConv(nn.Module):
    """A convolution over time and space, as one over space of frames side by side in its channels.

    The same sums as ``nn.Conv`` of three dimensions, in the form that is fast on a CPU. Time has no
    border: of T frames, with a kernel of k and a stride of s, ``(T - k) / s + 1`` are left.

    Attributes:
        features: of the result.
        kernel_size: along both sides of a frame, "SAME".
        stride: likewise.
        time_size: of the kernel along time.
        time_stride: likewise.
    """

    features: int
    kernel_size: int = 4
    stride: int = 2
    time_size: int = 4
    time_stride: int = 2
    kernel_init: Callable = nn.initializers.he_normal()
    dtype: Any = None

    @nn.compact
    def __call__(self, clips: jax.Array) -> jax.Array:
        """``[B, T, H, W, C]`` to ``[B, (T - k) / s + 1, H / stride, W / stride, features]``."""
        length = clips.shape[1]
        if length < self.time_size:
            raise ValueError(
                f"a kernel over {self.time_size} frames needs as many, got {length}: take longer clips, "
                "or fewer widths"
            )
        num = (length - self.time_size) // self.time_stride + 1
        last = (num - 1) * self.time_stride + 1
        taken = [
            clips[:, place : place + last : self.time_stride] for place in range(self.time_size)
        ]
        beside = jnp.concatenate(taken, axis=-1)
        images = beside.reshape(-1, *beside.shape[2:])
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        images = Conv(self.features, self.kernel_size, self.stride, **options)(images)
        return images.reshape(len(clips), num, *images.shape[1:])


class ClipDiscriminator(nn.Module):
    """Clips ``[B, T, H, W, C]`` to logits ``[B]``: convolutions over time and space, then a dense layer.

    Attributes:
        widths: channels after each convolution, which halves the sides of the frames.
        time_sizes: of each kernel along time.
        time_strides: likewise; 8 frames become 3, 1 and 1 with the defaults.
        kernel_size: of each, along both sides.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`, for every layer.
        num_classes: for integer labels as the condition.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.
    """

    widths: tuple[int, ...] = (24, 48, 96)
    time_sizes: tuple[int, ...] = (4, 3, 1)
    time_strides: tuple[int, ...] = (2, 1, 1)
    kernel_size: int = 4
    constrain_fn: Callable = plain
    kernel_init: Callable = nn.initializers.he_normal()
    num_classes: int | None = None
    dtype: Any = None

    @nn.compact
    def __call__(
        self, clips: jax.Array, condition: jax.Array | None = None, *, train: bool
    ) -> jax.Array:
        """``[B, T, H, W, C] -> [B]``, float32."""
        hidden = clips
        options = dict(kernel_init=self.kernel_init, dtype=self.dtype)
        layers = zip(self.widths, self.time_sizes, self.time_strides, strict=True)
        for features, time_size, time_stride in layers:
            layer = ClipConv(features, self.kernel_size, 2, time_size, time_stride, **options)
            block = Block(layer, self.constrain_fn, activation_fn=leaky_relu, dtype=self.dtype)
            hidden = block(hidden, train=train)
        head = Head(self.num_classes, self.constrain_fn, self.kernel_init, self.dtype)
        return head(hidden.reshape(len(hidden), -1), condition, train=train)
