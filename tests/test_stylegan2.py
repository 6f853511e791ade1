"""StyleGAN2: its parameters to the last one, a twin in PyTorch, and what its papers promise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import (
    abstract,
    applied,
    computes_in_half,
    count,
    drawn,
    is_its_twin,
    key,
    normal,
    played,
)

from gan_jax import losses, penalties, schedules
from gan_jax.context import Context, Seen
from gan_jax.game import Term
from gan_jax.models.equalized import EqualizedConv, EqualizedDense, halving_conv
from gan_jax.models.minibatch_std import MinibatchStd
from gan_jax.models.stylegan2 import StyleGAN2Generator, mixed_latents, styled
from gan_jax.models.stylegan2_discriminator import StyleGAN2Discriminator
from gan_jax.models.styles import modulated_conv
from gan_jax.remedies.path_length import path_length, path_length_mean, path_lengths

DEVICES = 1
LABELS = np.array([0, 1, 2, 0], np.int32)
SMALL = dict(image_shape=(8, 8, 3), widths=(4, 6), style_size=5, mapping_layers=2, mapping_rate=0.1)

FFHQ = (512, 512, 512, 512, 512, 256, 128, 64, 32)
COUNTS = {
    "cifar": (32, (512,) * 4, 2, False, None, 19_947_539, 20_720_641),
    "cifar_conditional": (32, (512,) * 4, 2, False, 10, 20_215_315, 23_089_664),
    "ffhq_1024": (1024, FFHQ, 8, True, None, 30_370_060, 29_012_513),
    "ffhq_256": (256, (*FFHQ[:4], 256, 128, 64), 8, True, None, 24_767_458, 24_001_089),
}


@pytest.mark.parametrize("name", COUNTS)
def test_published_numbers_of_parameters(name):
    size, widths, layers, residual, num_classes, *published = COUNTS[name]
    shape, told = (size, size, 3), () if num_classes is None else (LABELS,)
    generator = StyleGAN2Generator(shape, widths, mapping_layers=layers, num_classes=num_classes)
    discriminator = StyleGAN2Discriminator(widths[::-1], residual, num_classes=num_classes)
    players = (generator, (4, 512)), (discriminator, (4, *shape))
    found = [count(abstract(module, jnp.zeros(inputs), *told)) for module, inputs in players]
    assert found == published


def test_the_generator_is_its_twin():
    generator = StyleGAN2Generator(**SMALL, num_classes=3)
    options = dict(train=False, classes=3, scale=1.0)
    is_its_twin("stylegan2_generator", generator, normal(4, 7), LABELS, **options)


@pytest.mark.parametrize("residual", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_the_discriminator_is_its_twin(residual):
    mapping = dict(num_classes=3, mapping_layers=2, mapping_rate=0.1)
    options = mapping | dict(statistic_fn=partial(MinibatchStd, 2))
    discriminator = StyleGAN2Discriminator((4, 6, 5), residual, **options)
    is_its_twin(
        "stylegan2_discriminator", discriminator, normal(4, 8, 8, 3), LABELS,
        classes=3, residual=residual, group=2, scale=1.0,
        case="" if residual else "_plain",
    )  # fmt: skip


def test_half_precision_keeps_parameters_and_results():
    generator = StyleGAN2Generator(**SMALL, dtype=jnp.bfloat16, remat=True)
    discriminator = StyleGAN2Discriminator((4, 6), dtype=jnp.bfloat16, remat=True)
    computes_in_half(generator, discriminator, latents=jnp.zeros((4, 7)))


# layers


def test_demodulation_forgets_how_large_styles_are_and_keeps_variance():
    images, kernel = normal(2, 8, 8, 32), normal(3, 3, 32, 16)
    scales = np.exp(normal(2, 32))
    of_scales = jax.jit(lambda scales: modulated_conv(images, kernel, scales))
    found = np.asarray(of_scales(scales))
    np.testing.assert_allclose(of_scales(7.0 * scales), found, rtol=1e-3, atol=1e-4)
    assert 0.8 < found[:, 1:-1, 1:-1].std() < 1.2


def test_equalized_layers_begin_with_unit_variance_whatever_their_width():
    def begun(module, inputs):
        return jax.jit(module.init_with_output)(key, inputs)

    found, variables = begun(EqualizedDense(64, rate_scale=0.01), normal(64, 48))
    assert 0.9 < found.std() < 1.1 and 90 < variables["params"]["kernel"].std() < 110
    images = normal(4, 8, 8, 16)
    found, _ = begun(EqualizedConv(64, activation_fn=None), images)
    assert 0.9 < found[:, 1:-1, 1:-1].std() < 1.1


# styles


def test_truncation_goes_to_the_mean_style_which_moves_in_training():
    generator = StyleGAN2Generator(**SMALL, mean_decay=0.75)
    latents = normal(4, 7)
    variables = drawn(generator, latents)

    @jax.jit
    def seen(latents):
        mapping = partial(generator.apply, method="mapping")
        styles, after = mapping(variables, latents, train=True, mutable=["statistics"])
        kept = mapping(variables, latents, train=True, keep_mean=False, mutable=["statistics"])[1]
        shorter = [
            mapping(variables, latents, train=False, truncation=share) for share in (0.0, 0.5)
        ]
        return styles, after["statistics"], kept["statistics"], shorter

    styles, after, kept, (none, half) = seen(latents)
    before = variables["statistics"]["mean_style"]
    assert styles.shape == (4, 4, 5) and np.ptp(styles, axis=1).max() == 0.0
    expected = 0.75 * before + 0.25 * styles[:, 0].mean(0)
    np.testing.assert_allclose(after["mean_style"], expected, rtol=1e-5)
    np.testing.assert_array_equal(kept["mean_style"], before)
    np.testing.assert_allclose(none, np.broadcast_to(before, none.shape), rtol=1e-5)
    np.testing.assert_allclose(half, (np.asarray(styles) + before) / 2.0, rtol=1e-4, atol=1e-5)


def test_noise_is_drawn_in_training_and_kept_in_evaluation():
    generator = StyleGAN2Generator(**SMALL)
    latents = np.repeat(normal(1, 7), 2, axis=0)
    variables = drawn(generator, latents)
    training, evaluation = (applied(generator, variables, latents, train=t) for t in (True, False))
    assert np.abs(training[0] - training[1]).max() > 1e-3
    np.testing.assert_allclose(evaluation[0], evaluation[1], atol=1e-6)


def test_styles_are_mixed_from_the_cut_on():
    draw = jax.jit(mixed_latents(6, probability=0.5), static_argnums=1)
    latents = jax.device_get(draw(key, (400, 3)))
    cut = np.asarray(latents["cut"])
    assert set(cut) == {1, 2, 3, 4, 5, 6} and 0.4 < (cut < 6).mean() < 0.6

    def generator_fn(rows, method, **options):
        return rows if method == "synthesis" else np.repeat(rows[:, None], 6, axis=1)

    shown = styled(generator_fn, latents, {"real": None}, None)
    expected = np.repeat(np.asarray(latents["z"])[:, None], 6, axis=1)
    for row in range(400):
        expected[row, cut[row] :] = latents["other"][row]
    np.testing.assert_array_equal(shown.extras["ws"], expected)
    np.testing.assert_array_equal(shown.fake, expected)


# paths


def test_the_length_of_paths_of_a_linear_synthesis_is_its_frobenius_norm():
    """With styles that each make an image of their own weights: E |J^T y|^2 = |J|^2 / pixels, over layers."""
    matrix = normal(2, 3, 4, 5, 1)  # [L, W, H, W', C]
    synthesis = lambda ws, method: jnp.einsum("blw,lwhvc->bhvc", ws, matrix)  # noqa: E731
    context = Context(None, None, extras={"ws": jnp.zeros((40_000, 2, 3))}, generator_fn=synthesis)
    lengths = jax.jit(lambda key: path_lengths(key, context, every_row=1))(key)
    expected = np.square(matrix).sum() / 2 / (4 * 5)
    np.testing.assert_allclose(np.square(lengths).mean(), expected, rtol=0.03)
    assert jax.eval_shape(lambda: path_lengths(key, context)).shape == (20_000,)


def test_the_mean_length_is_remembered_in_the_rounds_that_measure_it():
    (memory,) = path_length_mean(every=4, rate=0.25).values()
    value = memory.init_fn({})
    for step, length in enumerate([8.0, 0.0, 0.0, 0.0, 4.0]):
        metrics = {"generator/path_length/length": jnp.float32(length)}
        value = memory.update_fn(key, value, Seen(jnp.array(step), metrics, None, None))
    np.testing.assert_allclose(value, 2.0 + 0.25 * (4.0 - 2.0))


@pytest.mark.thorough
def test_stylegan2_plays_with_everything_of_its_paper():
    mapping = dict(num_classes=3, mapping_layers=1, mapping_rate=1.0)
    small = SMALL | dict(widths=(4, 4)) | mapping
    discriminator = StyleGAN2Discriminator((4, 4), **mapping)
    raw = penalties.before_augmentation(penalties.on_real)
    r1 = Term(penalties.gradient_penalty(penalties.r1, raw), schedules.lazy(0.1, every=2))
    state, metrics = played(
        StyleGAN2Generator(**small),
        discriminator,
        normal(4, 8, 8, 3),
        labels=LABELS,
        loss=losses.non_saturating(),
        latent_fn=mixed_latents(4),
        show_fn=styled,
        generator_terms=path_length(every=1),
        discriminator_terms={"r1": r1},
        memory=path_length_mean(every=1),
        scale=1.0,
    )
    assert float(metrics["generator/path_length/length"]) > 0.0
    assert float(state.memory["path_length"]) > 0.0
    assert np.any(state.generator.variables["statistics"]["mean_style"] != 0.0)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: abstract(StyleGAN2Generator((9, 8, 3), (4, 4)), jnp.zeros((4, 5))), "multiple of 2"),
        (
            lambda: abstract(StyleGAN2Generator(**SMALL, num_classes=3), jnp.zeros((4, 5))),
            "was given no condition",
        ),
        (
            lambda: jax.eval_shape(
                lambda: StyleGAN2Generator(**SMALL).init(
                    key, jnp.zeros((4, 5)), train=True, method="synthesis"
                )
            ),
            "styles must be",
        ),
        (
            lambda: abstract(StyleGAN2Discriminator((4, 4)), jnp.zeros((3, 8, 8, 3))),
            "must divide the batch",
        ),
        (lambda: halving_conv(jnp.zeros((1, 3, 4, 1)), jnp.zeros((3, 3, 1, 1))), "3x4 cannot be"),
        (lambda: mixed_latents(1), "at least 2"),
        (lambda: path_length(every_row=0), "every_row must be"),
        (lambda: path_length_mean(rate=0.0), "rate in"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
