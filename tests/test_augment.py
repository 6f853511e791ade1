import jax
import numpy as np
import pytest

from gan_jax import augment

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
