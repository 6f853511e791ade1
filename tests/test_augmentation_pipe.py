"""DiffAugment and ADA: what comes back unchanged, what each change does, and how often."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from games import vector_game
from small_networks import key, normal

from gan_jax.context import Rows, Seen, Shown, Turn
from gan_jax.game import init, make_train_step
from gan_jax.remedies.adaptive_augmentation import adaptive_probability, augmentation_memory
from gan_jax.remedies.augmentation_pipe import (
    Coins,
    augmentation_pipe,
    covered,
    motions,
    painted,
    paints,
    warped,
)  # fmt: skip
from gan_jax.remedies.diff_augment import diff_augment

DEVICES = 1
IMAGES = normal(4, 8, 6, 3)
warp, paint = jax.jit(warped), jax.jit(painted)


def matrix(rows):
    return np.array([rows] * 4, np.float32)


STILL = matrix(np.eye(3))


def test_what_is_not_moved_comes_back_as_it_was():
    np.testing.assert_allclose(warp(IMAGES, STILL), IMAGES, atol=1e-5)


def test_whole_steps_move_pixels_and_the_border_mirrors():
    # two rows up and one column to the left
    moved = matrix([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    padded = np.pad(IMAGES, ((0, 0), (0, 2), (0, 1), (0, 0)), mode="reflect")
    np.testing.assert_allclose(warp(IMAGES, moved), padded[:, 2:, 1:], atol=1e-5)


def test_smooth_images_are_read_where_the_map_says():
    """The wavelet is not quite symmetric, so that a mirrored image is not exact either."""
    side, angle = 24, 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    across = np.array([0.8 * turn, np.diag([1.0, -1.0]), [[0.0, -1.0], [1.0, 0.0]], np.eye(2)])
    steps = np.array([[0.7, -0.3], [0.0, 0.0], [0.0, 0.0], [1.5, 0.25]])
    maps = np.concatenate([np.concatenate([across, steps[:, :, None]], 2), matrix([[0, 0, 1]])], 1)
    places = np.meshgrid(*[np.arange(side) - (side - 1) / 2] * 2, indexing="ij")
    smooth = lambda r, c: np.sin(0.25 * r) + np.cos(0.2 * c + 0.5)  # noqa: E731
    images = np.broadcast_to(smooth(*places)[None, :, :, None], (4, side, side, 1))
    found = np.asarray(warp(images.astype(np.float32), maps.astype(np.float32)))[..., 0]
    read = np.einsum("bij,jrc->ibrc", maps, np.stack([*places, np.ones_like(places[0])]))
    difference = np.abs(found - smooth(read[0], read[1]))[:, 5:-5, 5:-5]
    assert difference.max() < 0.03


def coins(probability, rows=4):
    return Coins(key, rows, jnp.float32(probability))


@jax.jit
def mean_share_of_still(probability):
    maps = motions(coins(probability, 2000), (8, 6)), paints(coins(probability, 2000))
    return [(jnp.abs(m - jnp.eye(m.shape[-1])[None]).max((1, 2)) < 1e-5).mean() for m in maps]


@pytest.mark.thorough
def test_each_change_has_the_probability():
    assert [float(share) for share in mean_share_of_still(0.0)] == [1.0, 1.0]
    still = mean_share_of_still(0.3)
    # mirror (half of the times it does nothing), quarter turn (a quarter), steps (of 1/25 or so),
    # scale, rotations together, stretch, broken steps; brightness, contrast, inversion (half), hue, saturation
    expected = [0.85 * 0.775 * 0.71 * 0.7**4, 0.85 * 0.7**4]
    np.testing.assert_allclose(still, expected, atol=0.04)


@pytest.mark.thorough
def test_colors_turn_about_gray_and_keep_it():
    maps = np.asarray(jax.jit(lambda: paints(coins(1.0, 500)))())
    np.testing.assert_allclose(maps[:, 3], [[0.0, 0.0, 0.0, 1.0]] * 500, atol=1e-5)
    gray = maps @ np.array([0.3, 0.3, 0.3, 1.0])
    np.testing.assert_allclose(np.ptp(gray[:, :3], axis=1), 0.0, atol=1e-4)
    linear = maps[:, :3, :3]
    axis = np.ones(3) / np.sqrt(3.0)
    contrast = np.abs(axis @ linear @ axis)
    # what is not grey turns and stretches by contrast times saturation: both singular values agree
    across = np.linalg.svd(linear - (axis @ linear @ axis)[:, None, None] * np.outer(axis, axis))[1]
    np.testing.assert_allclose(across[:, 0], across[:, 1], rtol=1e-2)
    for values, deviation in ((np.log2(contrast), 0.5), (np.log2(across[:, 0] / contrast), 1.0)):
        np.testing.assert_allclose([values.mean(), values.std()], [0.0, deviation], atol=0.12)


def test_images_are_painted_by_their_maps():
    maps = np.concatenate([normal(4, 3, 4), np.broadcast_to(np.eye(4)[3], (4, 1, 4))], 1)
    expected = np.einsum("bkc,bhwc->bhwk", maps[:, :3, :3], IMAGES) + maps[:, None, None, :3, 3]
    np.testing.assert_allclose(
        paint(IMAGES, maps.astype(np.float32)), expected, rtol=1e-4, atol=1e-4
    )
    gray = IMAGES[..., :1]
    as_colors = (
        np.einsum("bkc,bhwc->bhwk", maps[:, :3, :3], gray.repeat(3, -1))
        + maps[:, None, None, :3, 3]
    )
    found = paint(gray, maps.astype(np.float32))
    np.testing.assert_allclose(found, as_colors.mean(-1, keepdims=True), rtol=1e-4, atol=1e-4)


@pytest.mark.thorough
def test_a_square_is_covered():
    ones = jnp.ones((500, 8, 8, 1))
    found = np.asarray(jax.jit(lambda: covered(ones, coins(0.5, 500)))())[..., 0]
    holes = (found == 0.0).sum((1, 2))
    assert holes.max() == 16 and 0.4 < (holes > 0).mean() < 0.6


@pytest.mark.thorough
def test_the_pipe_is_differentiable_and_leaves_all_at_probability_0():
    pipe = augmentation_pipe(lambda turn: turn.step, cutout=1.0)

    @jax.jit
    def both(images, probability):
        shown = pipe(key, images, Turn(probability, "generator"))
        weights = jnp.cos(jnp.arange(images.size, dtype=jnp.float32)).reshape(images.shape)
        gradient = jax.grad(lambda x: (weights * pipe(key, x, Turn(probability, ""))).sum())(images)
        return shown, gradient

    shown, _ = both(IMAGES, 0.0)
    np.testing.assert_allclose(shown, IMAGES, atol=1e-5)
    shown, gradient = both(IMAGES, 0.9)
    assert np.abs(shown - IMAGES).max() > 0.1 and np.isfinite(gradient).all()
    assert (np.abs(gradient).max((1, 2, 3)) > 0.0).all()


# the controller


def played(values, accuracies, rows=50, **options):
    (memory,) = augmentation_memory(**options).values()
    value = memory.init_fn({})
    told = Rows(None, Shown(np.zeros((rows, 2)), None))
    for step, accuracy in enumerate(accuracies):
        metrics = {"discriminator/real_accuracy": jnp.float32(accuracy)}
        value = memory.update_fn(key, value, Seen(jnp.array(step), metrics, None, told))
        values.append(float(value["probability"]))
    return values


def test_the_probability_follows_the_signs_of_the_logits():
    """Four rounds of 50 images of 1,000: steps of 0.2, up above r = 0.6 (an accuracy of 0.8), never below 0."""
    found = played([], [1.0] * 8 + [0.7, 0.9, 0.7, 0.7] + [0.0] * 8, images=1000)
    expected = [0, 0, 0, 0.2, 0.2, 0.2, 0.2, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.2, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.thorough
def test_a_game_is_augmented_with_the_probability_that_it_remembers():
    def augment_fn(key, samples, turn):
        return samples + 100.0 * adaptive_probability(turn)

    game = vector_game(
        augment_fn=augment_fn,
        memory=augmentation_memory(every=1, images=64, target=-0.99, first=0.5),
    )
    batch = {"real": jax.random.normal(key, (1, 16, 2))}
    state = jax.jit(lambda: init(game, key, batch))()
    state, _ = jax.jit(make_train_step(game))(state, batch, key)
    assert float(state.memory["augmentation"]["probability"]) in (0.25, 0.75)


# DiffAugment


def test_no_strength_is_no_change():
    plain = diff_augment(color=False, translation=0.0, cutout=0.0)
    np.testing.assert_array_equal(plain(key, IMAGES), IMAGES)


def test_diff_augment_shifts_covers_and_fills_with_gray():
    ones = jnp.ones((400, 8, 16, 1))
    moved = np.asarray(diff_augment(color=False, cutout=0.0)(key, ones))[..., 0]
    assert set(np.unique(moved)) == {0.0, 1.0}
    # by up to 1 row and 2 columns
    assert set((moved == 0.0).all(2).sum(1)) == {0, 1} and set((moved == 0.0).all(1).sum(1)) == {
        0,
        1,
        2,
    }
    holes = np.asarray(diff_augment(color=False, translation=0.0, fill=-1.0)(key, ones))[..., 0]
    assert (
        set((holes == -1.0).any(2).sum(1)) == {2, 3, 4} and (holes == -1.0).any(1).sum(1).max() == 8
    )


@pytest.mark.thorough
def test_diff_augment_takes_color_first():
    """Where it covers, nothing of the colour is left."""
    found = np.asarray(diff_augment()(key, jnp.asarray(IMAGES.repeat(25, 0))))
    assert (found == 0.0).mean() > 0.1


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: diff_augment(translation=1.0), "translation must be"),
        (lambda: diff_augment(cutout=1.5), "cutout in"),
        (lambda: augmentation_pipe(0.5, color=2.0), r"must be in \[0, 1\]"),
        (lambda: augmentation_pipe(-0.5), "must not be negative"),
        (lambda: augmentation_memory(target=1.0), "target must be"),
        (lambda: painted(jnp.zeros((4, 2, 2, 2)), jnp.zeros((4, 4, 4))), "1 or 3 channels"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
