"""Segmentation: scenes with known masks, what the discriminator is shown, and the figures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.context import Context, Exhibit, Turn
from gan_jax.data import ArraySource, Data
from gan_jax.data.scenes import inked, laid_on
from gan_jax.drawing.sampler import Sampler
from gan_jax.metrics.evaluators.masks import boundary_f, masks, otsu
from gan_jax.models.segmenting import cross_entropy, product, segmented

key = jax.random.key(0)


def test_a_thing_is_where_its_mask_is_and_the_photograph_elsewhere():
    photographs = np.full((3, 12, 12, 3), 50, np.uint8)
    digits = np.zeros((5, 4, 4, 1), np.uint8)
    digits[:, 1:3, 1:3] = 255
    things = inked(digits)
    scenes = laid_on(photographs, things, np.array([0, 1, 2, 3, 9])).arrays
    for image, mask, thing, label in zip(
        scenes["image"], scenes["mask"], things, [0, 1, 2, 3, 9], strict=True
    ):
        assert (mask > 0).sum() == 4 and set(np.unique(mask)) == {0, 1 + label}
        assert (image[mask > 0] == thing[1, 1, :3]).all() and (image[mask == 0] == 50).all()
    assert len(np.unique(things[:, 0, 0, :3], axis=0)) == 5  # each its own ink
    with pytest.raises(ValueError, match="no larger than photographs of 2x2"):
        laid_on(photographs[:, :2, :2], things, np.zeros(5, int))


def test_the_product_is_the_image_under_each_mask():
    x = jax.random.normal(key, (2, 3, 4, 2))
    mask = jax.nn.one_hot(jax.random.randint(key, (2, 3, 4), 0, 5), 5)
    through = product(x, mask).reshape(2, 3, 4, 5, 2)
    np.testing.assert_allclose(through.sum(3), x, rtol=1e-6)
    np.testing.assert_array_equal(through[..., 0, :], x * mask[..., :1])


def test_true_masks_are_real_and_the_cross_entropy_is_of_the_labelled_images():
    x, y = jnp.ones((2, 2, 2, 1)), jnp.full((2, 2, 2, 1), 3.0)
    mask = jnp.array([[[0, 1], [1, 0]]] * 2)
    batch = {"labelled": {"real": x, "mask": mask}, "images": {"real": y}}
    shown = segmented(2)(
        lambda x: jnp.concatenate([0 * x, x], -1), None, batch, Turn(jnp.int32(0), "generator")
    )
    np.testing.assert_array_equal(shown.real[0, ..., 1], mask[0])
    share = jax.nn.sigmoid(3.0)
    np.testing.assert_allclose(shown.fake[..., 1], 3.0 * share, rtol=1e-5)
    context = Context(real=Exhibit(None), fake=Exhibit(None), batch=batch, extras=shown.extras)
    term = cross_entropy(4.0)["cross_entropy"]
    expected = np.mean([np.log1p(np.exp(1.0)), np.log1p(np.exp(-1.0))])
    np.testing.assert_allclose(term.term_fn(key, context), [expected, expected], rtol=1e-5)
    assert term.weight == 4.0


def test_boundaries_that_meet_within_a_pixel():
    square = np.zeros((12, 12), bool)
    square[3:8, 3:8] = True
    near, far = np.roll(square, 1, 0), np.roll(square, 4, 1)
    assert boundary_f(square, square) == boundary_f(near, square) == 1.0
    assert 0.0 < boundary_f(far, square) < 0.8
    assert boundary_f(np.zeros_like(square), square) == 0.0
    assert boundary_f(np.zeros_like(square), np.zeros_like(square)) == 1.0


def data_of(mask, image):
    source = ArraySource({"image": image, "mask": mask})
    sources = {"labelled": source, "images": ArraySource({"image": image})}
    return Data(
        source_fn=lambda: sources,
        held_out_fn=lambda: sources,
        prepare_fn=lambda key, example: {
            "real": example["image"] / 127.5 - 1.0,
            **({"mask": example["mask"]} if "mask" in example else {}),
        },
    )


def measured(evaluator, data, draw_fn):
    sampler = Sampler(lambda key, latents, rows: draw_fn(None, latents, rows), None, key, data=data)
    found = evaluator.measure_fn(sampler)
    return {name: estimate.value for name, estimate in found.figures.items()}


def test_intersections_over_unions_of_all_images_together():
    mask = np.zeros((4, 6, 6), np.int32)
    mask[:2, :3], mask[2:, 3:] = 1, 2  # half of each image
    image = np.where(mask[..., None] > 0, 200, 20).astype(np.uint8).repeat(3, -1)
    data = data_of(mask, image)
    evaluator = masks(data, classes=3)

    def all_one(players, latents, rows):
        return np.ones_like(rows["labelled"]["mask"])

    found = measured(evaluator, data, all_one)
    # background 0, class 1: 36 of 144 pixels, class 2: none
    assert found["mean_iou"] == pytest.approx(0.25 / 3) and found["thing_iou"] == pytest.approx(0.5)
    true = measured(evaluator, data, lambda players, latents, rows: rows["labelled"]["mask"])
    assert set(true.values()) == {1.0}
    if pytest.importorskip("skimage"):
        assert measured(evaluator, data, otsu())["thing_iou"] == 1.0
