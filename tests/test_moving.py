"""Moving digits: paths in closed form, clips of them, what is measured of them, and the networks of MoCoGAN."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_networks import drawn, normal, played

from gan_jax.data.moving import DIRECTIONS, bounced, moving_digit, placed
from gan_jax.metrics.evaluators.clips import shuffled
from gan_jax.metrics.paths import bounce_residual, centroids, pace
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.models.judges import Judges
from gan_jax.models.mocogan import (
    ClipConv,
    ClipDiscriminator,
    MoCoGANGenerator,
    clip_and_frame,
    content_and_motion,
)
from gan_jax.testing import model_laws

DEVICES = 1
FRAMES = 4
GENERATOR = MoCoGANGenerator(
    DCGANGenerator((8, 8, 1), (3, 2), kernel_size=2), motion_features=3, num_classes=3
)
JUDGES = Judges(
    {
        "clip": ClipDiscriminator((2, 3), (2, 2), (1, 1), kernel_size=2, num_classes=3),
        "frame": DCGANDiscriminator((2,), kernel_size=2, num_classes=3),
    }
)
LABELS = np.arange(4, dtype=np.int32) % 3
latent_fn = content_and_motion(frames=FRAMES, motion_size=2)


@given(st.floats(0, 18, width=32), st.floats(-2.5, 2.5, width=32), st.floats(-2.5, 2.5, width=32))
def test_a_path_keeps_its_pace_and_its_room(start, down, right):
    room, velocity = np.full(2, 18.0, np.float32), np.array([down, right], np.float32)
    path = np.asarray(bounced(np.full(2, start, np.float32), velocity, room, 8))
    assert path.shape == (8, 2) and (path >= 0).all() and (path <= 18).all()
    steps = np.abs(np.diff(path, axis=0))
    assert (steps <= np.abs(velocity) + 1e-4).all()
    straight = start + np.arange(8)[:, None] * velocity
    inside = ((straight >= 0) & (straight <= 18)).all(0)
    np.testing.assert_allclose(path[:, inside], straight[:, inside], atol=1e-4)
    mirrored = np.asarray(bounced(18 - np.full(2, start, np.float32), -velocity, room, 8))
    np.testing.assert_allclose(mirrored, 18 - path, atol=1e-4)


@pytest.mark.parametrize("corner", [(0.0, 0.0), (3.25, 1.5), (4.0, 4.0)])
def test_a_placed_image_keeps_its_light_and_moves_its_centroid(corner):
    image = np.abs(normal(4, 4))
    found = np.asarray(placed(jnp.asarray(image), jnp.array(corner), 8))
    np.testing.assert_allclose(found.sum(), image.sum(), rtol=1e-5)
    clip = 2.0 * np.stack([np.pad(image, ((0, 4), (0, 4))), found])[None, ..., None] - 1.0
    before, after = centroids(clip)[0]
    np.testing.assert_allclose(after - before, corner, atol=1e-4)


def test_a_clip_follows_from_its_key():
    example = {
        "image": jnp.asarray(np.random.default_rng(0).integers(0, 256, (28, 28, 1))),
        "label": jnp.int8(7),
    }
    prepare = jax.jit(jax.vmap(moving_digit(), (0, None)))
    fields = prepare(jax.random.split(jax.random.key(0), 64), example)
    clips = np.asarray(fields["real"])
    assert clips.shape == (64, 8, 32, 32, 1) and (fields["condition"] == 7).all()
    assert clips.min() == -1.0 and clips.max() <= 1.0
    again = prepare(jax.random.split(jax.random.key(0), 64), example)["real"]
    assert (clips == again).all() and len(np.unique(clips[:, 0], axis=0)) == 64
    path = centroids(clips)
    assert bounce_residual(path).max() < 0.2  # a bounce is looked for at tenths of a frame
    assert (pace(path) > 0.4).all() and (pace(path) < 2.51).all()
    first = path[:, 1] - path[:, 0]
    angle = np.arctan2(first[:, 0], first[:, 1])
    away = np.abs(
        np.exp(1j * angle) - np.exp(1j * np.asarray(fields["direction"]) * 2 * np.pi / DIRECTIONS)
    )
    straight = away < 2 * np.sin(np.pi / DIRECTIONS / 2) + 0.01
    assert straight.mean() > 0.7  # the others bounced in the first frame
    assert set(np.asarray(fields["direction"])) == set(range(DIRECTIONS))
    with pytest.raises(ValueError, match=r"cannot move in a frame of 14 pixels"):
        moving_digit(size=14)(jax.random.key(0), example)
    with pytest.raises(ValueError, match="2 frames and 0 < speed"):
        moving_digit(speed=(2.0, 1.0))


def test_what_does_not_move_like_a_digit_is_far_from_its_path():
    times = np.arange(8.0)
    line = np.stack([2 * times, 5 - times], -1)
    bounce = np.stack([np.abs(times - 3.3), times], -1)
    zigzag = np.stack([times % 2, times], -1)
    found = bounce_residual(np.stack([line, bounce, zigzag]))
    np.testing.assert_allclose(found[:2], 0.0, atol=1e-6)
    assert found[2] > 0.4
    np.testing.assert_allclose(bounce_residual(3 * zigzag[None]), 3 * found[2:])
    np.testing.assert_allclose(pace(line[None]), np.sqrt(5))
    with pytest.raises(ValueError, match="4 frames or more, got 3"):
        bounce_residual(line[None, :3])
    dark = centroids(-np.ones((1, 2, 8, 6, 1)))
    np.testing.assert_array_equal(dark, np.broadcast_to([3.5, 2.5], (1, 2, 2)))


def test_shuffled_frames_are_those_of_other_clips():
    clips = np.arange(240.0).reshape(240, 1, 1, 1, 1) + np.zeros((1, 8, 1, 1, 1))
    found = np.asarray(shuffled(None, None, {"real": clips}))[..., 0, 0, 0]
    assert len(np.unique(found[0])) == 8 and (np.sort(found, axis=0) == clips[..., 0, 0, 0]).all()


@pytest.mark.parametrize(("time_size", "time_stride"), [(4, 2), (3, 1), (1, 1)])
def test_frames_side_by_side_are_a_convolution_of_three_dimensions(time_size, time_stride):
    clips = normal(2, 8, 8, 8, 2)
    module = ClipConv(3, 4, 2, time_size, time_stride)
    variables = module.init(jax.random.key(0), clips)
    conv = variables["params"]["Conv_0"]
    kernel = conv["kernel"].reshape(4, 4, time_size, 2, 3).transpose(2, 0, 1, 3, 4)
    plain = nn.Conv(3, (time_size, 4, 4), (time_stride, 2, 2), padding=((0, 0), (1, 1), (1, 1)))
    expected = plain.apply({"params": {"kernel": kernel, "bias": conv["bias"]}}, clips)
    np.testing.assert_allclose(module.apply(variables, clips), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="a kernel over 9 frames needs as many, got 8"):
        ClipConv(3, time_size=9).init(jax.random.key(0), clips)


class Laws(nn.Module):
    """The judges on clips alone, as `model_laws` gives the discriminator what the generator makes."""

    judges: nn.Module

    def __call__(self, clips, condition, *, train):
        logits = self.judges({"clip": clips, "frame": clips[:, 0]}, condition, train=train)
        return sum(jax.tree.leaves(logits))


@pytest.mark.parametrize(
    "law",
    model_laws(
        GENERATOR,
        Laws(JUDGES),
        latent_fn(jax.random.key(0), (4, 6)),
        LABELS,
        without_gradient=("generator/frame/*/bias",),  # before batch norm
    ),
    ids=str,
)
def test_laws(law):
    law()


def test_content_stays_and_motion_goes_forward_in_time():
    latents = latent_fn(jax.random.key(0), (4, 6))
    assert {name: leaf.shape for name, leaf in latents.items()} == {
        "content": (4, 6), "motion": (4, FRAMES, 2), "frame": (4, 2)
    }  # fmt: skip
    variables = drawn(GENERATOR, latents, LABELS)
    call = jax.jit(lambda latents: GENERATOR.apply(variables, latents, LABELS, train=False))
    before = call(latents)
    assert before.shape == (4, FRAMES, 8, 8, 1)
    later = call(latents | {"motion": latents["motion"].at[:, 2].add(1.0)})
    changed = (np.abs(later - before) > 1e-6).any((0, 2, 3, 4))
    assert changed.tolist() == [False, False, True, True]


def test_both_judges_train_all_of_the_generator():
    played(
        GENERATOR,
        JUDGES,
        np.tanh(normal(4, FRAMES, 8, 8, 1)),
        labels=LABELS,
        latent_fn=latent_fn,
        show_fn=clip_and_frame(),
        still=("generator/frame/*/bias",),  # before batch norm
    )
