import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import augment
from gan_jax.affine import affine
from gan_jax.context import Turn

key = jax.random.key(0)
images = jax.random.uniform(key, (64, 4, 4, 1), minval=-0.9, maxval=0.9)


def test_flip_mirrors_about_half_of_the_images():
    flipped = augment.flip(key, images)
    mirrored = (flipped == images[:, :, ::-1]).all((1, 2, 3))
    same = (flipped == images).all((1, 2, 3))
    assert (mirrored ^ same).all() and 16 < mirrored.sum() < 48


def test_translate_moves_whole_images_and_fills_with_black():
    augment_fn = augment.translate(max_shift=2)
    moved = np.asarray(augment_fn(key, images))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=-1.0)
    shifts = set()
    for before, after in zip(padded, moved, strict=True):
        found = [
            (i, j) for i in range(5) for j in range(5)
            if (before[i : i + 4, j : j + 4] == after).all()
        ]  # fmt: skip
        assert len(found) == 1
        shifts.add(found[0])
    assert len(shifts) > 15  # each image has its own draw


def test_augmentation_is_differentiable_and_composes():
    both = augment.compose(augment.flip, augment.translate(max_shift=1))
    gradient = jax.grad(lambda x: both(key, x).sum())(images)
    assert set(np.unique(gradient)) == {0.0, 1.0}
    expected_keys = jax.random.split(key, 2)
    expected = augment.translate(max_shift=1)(
        expected_keys[1], augment.flip(expected_keys[0], images)
    )
    np.testing.assert_array_equal(both(key, images), expected)


def test_refuses_no_shift():
    with pytest.raises(ValueError, match="max_shift"):
        augment.translate(max_shift=0)


def ramp(size):
    """Images whose value is the column, or the row, from the centre."""
    position = np.arange(size) - (size - 1) / 2
    columns = np.broadcast_to(position[None, :, None], (size, size, 1))
    return np.stack([columns, columns.swapaxes(0, 1)]).astype(np.float32)


def test_crop_cuts_a_window_and_enlarges_it():
    images = jnp.repeat(ramp(9), 20, axis=0)
    cropped = np.asarray(augment.crop(min_share=0.5)(key, images))
    slopes = np.diff(cropped[:20, :, :, 0], axis=2)
    np.testing.assert_allclose(slopes, slopes[:, :1, :1] * np.ones_like(slopes), atol=1e-5)
    sides = slopes[:, 0, 0]
    assert 0.5 <= sides.min() < 0.6 and 0.9 < sides.max() <= 1.0  # each image has its own draw
    assert np.abs(cropped).max() <= np.abs(images).max()  # nothing from beyond the border
    np.testing.assert_allclose(augment.crop(min_share=1.0)(key, images), images, atol=1e-5)


def test_rotate_turns_about_the_center():
    images = jnp.repeat(ramp(9), 20, axis=0)
    turned = np.asarray(augment.rotate(max_degrees=30.0)(key, images))[:20, 2:-2, 2:-2, 0]
    right, down = np.diff(turned, axis=2)[:, 0, 0], np.diff(turned, axis=1)[:, 0, 0]
    np.testing.assert_allclose(right**2 + down**2, 1.0, atol=1e-4)  # a rotation: no enlargement
    degrees = np.rad2deg(np.arctan2(down, right))
    assert 20 < np.abs(degrees).max() <= 30 and degrees.min() < 0 < degrees.max()
    np.testing.assert_allclose(turned[:, 2, 2], 0.0, atol=1e-5)  # the centre stays
    np.testing.assert_allclose(augment.rotate(max_degrees=0.0)(key, images), images, atol=1e-5)


def test_rotate_fills_the_corners():
    turned = augment.rotate(max_degrees=180.0, fill=-1.0)(key, jnp.ones((50, 9, 9, 1)))
    assert np.min(turned) == -1.0 and (np.asarray(turned)[:, 3:6, 3:6] > 0.999).all()


def jacobians(**options):
    """Of 20 draws, how the place that is read goes with the place that is written: ``[20, 2, 2]``."""
    images = jnp.repeat(jnp.concatenate(ramp(13)[::-1], axis=-1)[None], 20, axis=0)
    read = np.asarray(jax.jit(affine(**options))(key, images))[:, 4:-4, 4:-4]
    assert np.abs(read[:, 2, 2]).max() < 1e-5 + options.get("max_shift", 0.0)
    return np.stack([np.diff(read, axis=1)[:, 0, 0], np.diff(read, axis=2)[:, 0, 0]], axis=-1)


def test_an_affine_map_turns_slants_and_stretches_about_the_center():
    turned = jacobians(max_degrees=30.0)
    np.testing.assert_allclose(np.linalg.det(turned), 1.0, atol=1e-4)
    degrees = np.rad2deg(np.arctan2(turned[:, 0, 1], turned[:, 0, 0]))
    assert 20 < np.abs(degrees).max() <= 30 and degrees.min() < 0 < degrees.max()
    slanted = jacobians(max_slant=0.4)
    np.testing.assert_allclose(slanted[:, [0, 0, 1], [0, 1, 1]] - [1, 0, 1], 0.0, atol=1e-4)
    assert 0.25 < np.abs(slanted[:, 1, 0]).max() <= 0.4  # only how far a row moves
    stretched = jacobians(max_stretch=1.2)
    np.testing.assert_allclose(stretched[:, [0, 1], [1, 0]], 0.0, atol=1e-4)
    factors = stretched[:, [0, 1], [0, 1]]
    assert 1 / 1.2 - 1e-4 <= factors.min() < 0.9 and 1.1 < factors.max() <= 1.2 + 1e-4
    np.testing.assert_allclose(jacobians(max_shift=0.7), np.tile(np.eye(2), (20, 1, 1)), atol=1e-4)
    np.testing.assert_allclose(affine()(key, images), images, atol=1e-6)
    moved = jax.jit(affine(max_shift=3.0, fill=-1.0))(key, jnp.ones((50, 9, 9, 1)))
    assert np.min(moved) == -1.0 and (np.asarray(moved)[:, 4, 4] == 1.0).all()
    with pytest.raises(ValueError, match="max_stretch at least 1"):
        affine(max_stretch=0.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.crop(min_share=0.0),
        lambda: augment.crop(min_share=1.1),
        lambda: augment.rotate(max_degrees=-1.0),
        lambda: augment.rotate(max_degrees=181.0),
    ],
)
def test_crops_and_rotations_out_of_range(make):
    with pytest.raises(ValueError, match="must be in"):
        make()


def test_sometimes_changes_that_share_of_the_rows_and_no_other():
    turned = augment.sometimes(lambda key, x, turn: x + 1.0, 0.25)(key, jnp.zeros((400, 2, 2, 1)))
    rows = np.asarray(turned).reshape(400, -1)
    assert (rows == rows[:, :1]).all() and 0.18 < rows[:, 0].mean() < 0.32
    scheduled = augment.sometimes(augment.flip, lambda turn: turn.step / 10.0)
    np.testing.assert_array_equal(scheduled(key, images, Turn(0, "")), images)
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        augment.sometimes(augment.flip, 1.5)
    with pytest.raises(ValueError, match="needs one"):
        scheduled(key, images)
