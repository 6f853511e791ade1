from functools import partial

import flax.linen as nn
import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models import convolutions
from gan_jax.models.blocks import BatchNorm, Conv, ConvTranspose, Residual, UpsampleConv, spectral
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.models.upsampling import UpsamplingGenerator

key = jax.random.key(0)


# Outside `jit` each operation of each shape is a program, and compiling it is what these tests would cost: inputs
# are drawn by NumPy, and what a test compares is computed in one program, of arguments (constants the compiler
# would fold itself).


def normal(*shape, scale=1.0, seed=0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def abstract(module, *inputs, **options):
    """The shapes of a module's variables; nothing is compiled."""
    return jax.eval_shape(lambda: module.init(key, *inputs, **options))


def drawn(shapes):
    """Parameters of these shapes, biases other than 0 among them."""
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: 0.1 * rng.normal(size=leaf.shape).astype(np.float32), shapes)


def outputs(*modules_and_inputs):
    """The modules' outputs, in one program."""

    def apply(inputs):
        modules = (module for module, *_ in modules_and_inputs)
        return [module.apply(*given) for module, given in zip(modules, inputs, strict=True)]

    return jax.jit(apply)([given for _, *given in modules_and_inputs])


def initialized(module, *inputs, **options):
    """Outputs and variables, in one program."""
    return jax.jit(lambda key, *inputs: module.init_with_output(key, *inputs, **options))(
        key, *inputs
    )


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize("kernel_size", (1, 2, 3, 4, 5, 7))
@pytest.mark.parametrize("stride", (1, 2, 3))
@pytest.mark.parametrize("size", (6, 7))
def test_convolutions_equal_flax_on_the_same_parameters(kernel_size, stride, size):
    images = normal(2, size, size, 3)
    window, strides = (kernel_size, kernel_size), (stride, stride)
    applied = []
    for pair in (
        (Conv(4, kernel_size, stride), nn.Conv(4, window, strides)),
        (ConvTranspose(4, kernel_size, stride), nn.ConvTranspose(4, window, strides)),
    ):
        ours, theirs = (abstract(module, images) for module in pair)
        assert ours == theirs
        applied += [(module, drawn(theirs), images) for module in pair]
    ours, theirs, *transposed = outputs(*applied)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(*transposed, atol=1e-5)


@pytest.mark.parametrize("kernel_size", (1, 2, 3, 4, 5, 7))
@pytest.mark.parametrize("scale", (1, 2, 3))
def test_upsampling_before_a_convolution_equals_flax_on_the_enlarged_image(kernel_size, scale):
    images = normal(2, 5, 5, 3)
    large = images.repeat(scale, axis=1).repeat(scale, axis=2)
    theirs, ours = nn.Conv(4, (kernel_size, kernel_size)), UpsampleConv(4, kernel_size, scale)
    assert abstract(ours, images) == abstract(theirs, large)
    params = drawn(abstract(theirs, large))
    found, expected = outputs((ours, params, images), (theirs, params, large))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kernel_size", (4, 5))
@pytest.mark.parametrize("size", (2, 4, 8))
def test_fast_forms_have_the_gradients_of_the_native_ones(kernel_size, size):
    """Of the first and of the second order, as a gradient penalty takes them."""
    images = normal(2, size, size, 3)
    kernel = normal(kernel_size, kernel_size, 3, 4, scale=0.2, seed=1)

    def second_order(fn, images, kernel):
        def penalty(kernel):
            gradient = jax.grad(lambda x: jnp.sin(fn(x, kernel, 2)).sum())(images)
            return jnp.square(gradient).sum()

        return jax.grad(penalty)(kernel)

    pairs = (
        (convolutions.space_to_depth_conv, convolutions.native_conv),
        (convolutions.sub_pixel_conv, convolutions.native_conv_transpose),
        (convolutions.sub_pixel_upsample_conv, convolutions.native_upsample_conv),
    )
    every = jax.jit(lambda *inputs: [[second_order(fn, *inputs) for fn in pair] for pair in pairs])
    for fast, native in every(images, kernel):
        np.testing.assert_allclose(fast, native, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "size, widths", [(8, (8, 4)), (28, (8, 4)), (32, (8, 4, 4)), (64, (8, 4, 4, 2))]
)
def test_dcgan_shapes_and_range(size, widths):
    generator = DCGANGenerator((size, size, 3), widths)
    latents = normal(2, 5, scale=100.0)
    fake, _ = jax.eval_shape(lambda: generator.init_with_output(key, latents, train=True))
    assert fake.shape == (2, size, size, 3) and fake.dtype == jnp.float32
    discriminator = DCGANDiscriminator(widths[::-1])
    logits, _ = jax.eval_shape(
        lambda: discriminator.init_with_output(key, jnp.zeros(fake.shape), train=True)
    )
    assert logits.shape == (2,) and logits.dtype == jnp.float32


@pytest.mark.parametrize("kernel_size", (3, 5))
def test_transposed_convolutions_to_odd_sizes_are_those_of_the_way_back(kernel_size):
    """4x4 to 7x7 is the adjoint of the strided convolution from 7x7 to 4x4, as in the first DCGANs."""
    small, large = normal(2, 4, 4, 3), np.zeros((2, 7, 7, 5), np.float32)
    ours = ConvTranspose(5, kernel_size, 2, size=(7, 7), use_bias=False)
    params = drawn(abstract(ours, small))

    @jax.jit
    def adjoint(params, small, large):
        # it takes the kernel of 5 channels to 3, mirrored
        kernel = params["params"]["kernel"][::-1, ::-1].transpose(0, 1, 3, 2)
        _, pullback = jax.vjp(lambda images: convolutions.native_conv(images, kernel, 2), large)
        return pullback(small)[0]

    np.testing.assert_allclose(
        outputs((ours, params, small))[0], adjoint(params, small, large), atol=1e-5
    )


def test_generators_meet_their_discriminators_at_odd_sizes():
    generator = DCGANGenerator((28, 28, 3), (16, 8, 4, 2))
    latents, images = jnp.zeros((2, 5)), jnp.zeros((2, 28, 28, 3))

    def sizes(module, inputs):
        call = lambda: module.init_with_output(  # noqa: E731
            key, inputs, train=True, capture_intermediates=True, mutable=True
        )
        _, variables = jax.eval_shape(call)
        outputs = jax.tree.leaves(variables["intermediates"])
        return sorted({leaf.shape[1] for leaf in outputs if leaf.ndim == 4})

    assert sizes(generator, latents) == [4, 7, 8, 14, 28]  # 8 is cut to 7
    assert sizes(DCGANDiscriminator((2, 4, 8, 16)), images) == [2, 4, 7, 14]
    kernel = jax.eval_shape(lambda: generator.init(key, latents, train=True))["params"]
    assert kernel["Dense_0"]["kernel"].shape == (5, 2 * 2 * 16)


def test_images_lie_in_the_range_of_tanh():
    generator = DCGANGenerator((8, 8, 1), (8, 4))
    images, _ = initialized(generator, normal(4, 5, scale=1e4), train=True)
    assert np.abs(images).max() <= 1.0


def test_parameter_counts_by_hand():
    latents, images = jnp.zeros((2, 100)), jnp.zeros((2, 28, 28, 1))
    generator = DCGANGenerator((28, 28, 1), (128, 256), kernel_size=4, projection_norm_fn=None)
    by_hand = (
        (100 + 1) * 7 * 7 * 128  # dense
        + (4 * 4 * 128 + 1) * 256  # transposed convolution to 14x14x256
        + 2 * 256  # batch norm
        + (4 * 4 * 256 + 1) * 1  # transposed convolution to 28x28x1
    )
    variables = jax.eval_shape(lambda: generator.init(key, latents, train=True))
    assert count(variables) == by_hand
    discriminator = DCGANDiscriminator((64, 128), kernel_size=5, dropout_rate=0.3)
    by_hand = (5 * 5 * 1 + 1) * 64 + (5 * 5 * 64 + 1) * 128 + (7 * 7 * 128 + 1)
    variables = jax.eval_shape(lambda: discriminator.init(key, images, train=False))
    assert count(variables) == by_hand


def test_half_precision_compute_keeps_float32_outputs_and_parameters():
    generator = DCGANGenerator((8, 8, 1), (8, 4), dtype=jnp.bfloat16)
    images, variables = initialized(generator, np.ones((2, 5), np.float32), train=True)
    assert images.dtype == jnp.float32 and np.isfinite(images).all()
    assert {leaf.dtype for leaf in jax.tree.leaves(variables["params"])} == {jnp.dtype("float32")}
    discriminator = DCGANDiscriminator((4, 8), dtype=jnp.bfloat16)
    logits, _ = initialized(discriminator, images, train=True)
    assert logits.dtype == jnp.float32 and np.isfinite(logits).all()


def settled(module, images, iterations=100):
    """Variables after many power iterations, with kernels fifty times the initial ones."""

    @jax.jit
    def settle(key, images):
        def iterate(_, variables):
            updates = module.apply(variables, images, train=True, mutable=["batch_stats"])[1]
            return {**variables, **updates}

        variables = module.init(key, images, train=True)
        variables["params"] = jax.tree.map(lambda p: 50.0 * p, variables["params"])
        return jax.lax.fori_loop(0, iterations, iterate, variables)

    return jax.device_get(settle(key, images))


def test_spectral_normalization_of_a_linear_discriminator_is_its_direction():
    """One dense layer: the largest singular value of ``w [F, 1]`` is ``|w|``."""
    images = normal(4, 8, 8, 1)
    module = MLPDiscriminator((), constrain_fn=spectral)
    variables = settled(module, images)
    w = variables["params"]["Head_0"]["Dense_0"]["kernel"][:, 0]
    expected = images.reshape(4, -1) @ (w / np.linalg.norm(w))
    logits = jax.jit(partial(module.apply, train=False))(variables, images)
    np.testing.assert_allclose(logits, expected, rtol=1e-4)


def test_spectral_normalization_finds_the_largest_singular_value_of_a_convolution():
    images = normal(4, 8, 8, 1)
    variables = settled(DCGANDiscriminator((4, 8), constrain_fn=spectral), images)
    for index in range(2):
        kernel = variables["params"][f"Conv_{index}"]["kernel"]
        largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
        stored = variables["batch_stats"][f"Block_{index}"]["SpectralNorm_0"]
        np.testing.assert_allclose(stored[f"Conv_{index}/kernel/sigma"], largest, rtol=1e-3)


def test_accelerators_get_the_native_operation():
    images, kernel = jnp.zeros((2, 8, 8, 3)), jnp.zeros((4, 4, 3, 4))
    for fn, dilated in (
        (convolutions.conv, "window_strides = array<i64: 2, 2>|stride = [2, 2]"),
        (convolutions.conv_transpose, "lhs_dilate = [2, 2]"),
    ):
        texts = {
            platform: jax.export.export(
                jax.jit(lambda x, k, fn=fn: fn(x, k, 2)), platforms=[platform]
            )(images, kernel).mlir_module()
            for platform in ("cpu", "cuda", "tpu")
        }
        native = {
            platform: any(sign in text for sign in dilated.split("|"))
            for platform, text in texts.items()
        }
        assert native == {"cpu": False, "cuda": True, "tpu": True}


def test_batch_norm_normalizes_over_the_batch_in_training_only():
    inputs = 3.0 + normal(64, 5, scale=2.0)
    norm = BatchNorm()

    @jax.jit
    def both(key, inputs):
        variables = norm.init(key, inputs, train=True)
        training = norm.apply(variables, inputs, train=True, mutable=["batch_stats"])
        return *training, norm.apply(variables, inputs, train=False)

    normalized, updates, evaluated = jax.device_get(both(key, inputs))
    np.testing.assert_allclose(normalized.mean(0), 0.0, atol=1e-5)
    np.testing.assert_allclose(normalized.std(0), 1.0, atol=1e-3)
    mean = updates["batch_stats"]["BatchNorm_0"]["mean"]
    np.testing.assert_allclose(mean, 0.1 * inputs.mean(0), rtol=1e-4)
    np.testing.assert_allclose(evaluated, inputs, rtol=1e-4)


def test_labels_condition_both_players():
    labels, latents = np.array([0, 1]), np.ones((2, 5), np.float32)
    for generator, discriminator in (
        (
            DCGANGenerator((8, 8, 1), (8, 4), num_classes=3),
            DCGANDiscriminator((4, 8), num_classes=3),
        ),
        (MLPGenerator((8, 8, 1), (8,), num_classes=3), MLPDiscriminator((8,), num_classes=3)),
    ):

        @jax.jit
        def judged(key, latents, generator=generator, discriminator=discriminator):
            fake, variables = generator.init_with_output(key, latents, labels, train=False)
            other = generator.apply(variables, latents, labels[::-1], train=False)
            logits, variables = discriminator.init_with_output(key, fake, labels, train=False)
            mislabeled = discriminator.apply(variables, fake, labels[::-1], train=False)
            return fake, other, logits, mislabeled, variables

        fake, other, logits, mislabeled, variables = jax.device_get(judged(key, latents))
        np.testing.assert_allclose(fake, other[::-1], atol=1e-6)
        assert np.abs(fake - other).max() > 0
        assert np.abs(logits - mislabeled).max() > 0
        with pytest.raises(ValueError, match="num_classes=3 and was given no condition"):
            discriminator.apply(variables, fake, train=False)
        with pytest.raises(TypeError, match="integer labels"):
            discriminator.apply(variables, fake, labels * 1.0, train=False)
    with pytest.raises(ValueError, match="num_classes=None"):
        MLPDiscriminator().init(key, fake, labels, train=False)


def test_bad_widths_and_strides():
    latents = jnp.ones((2, 5))
    with pytest.raises(ValueError, match="too few pixels for the strides"):
        DCGANGenerator((3, 3, 1), (8, 4, 2, 2)).init(key, latents, train=True)
    with pytest.raises(ValueError, match="one stride per width"):
        DCGANGenerator((28, 28, 1), (8, 4), strides=(2,)).init(key, latents, train=True)
    with pytest.raises(ValueError, match="widths"):
        DCGANDiscriminator(()).init(key, jnp.ones((2, 8, 8, 1)), train=True)


def test_a_residual_block_is_activation_of_input_plus_branch():
    inputs = normal(3, 4)
    block = Residual(nn.Dense, activation_fn=nn.relu)
    params = drawn(abstract(block, inputs, train=True))
    first, second = params["params"]["Dense_0"], params["params"]["Dense_1"]
    hidden = np.maximum(inputs @ first["kernel"] + first["bias"], 0)
    expected = np.maximum(inputs + hidden @ second["kernel"] + second["bias"], 0)
    found = jax.jit(partial(block.apply, train=True))(params, inputs)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "module, inputs, per_block",
    [
        # two layers of the width of each inner map: 2 (k k w w + w), and 4 w of batch norm
        (DCGANGenerator((8, 8, 1), (6, 4), kernel_size=3), (2, 5), 2 * (9 * 16 + 4) + 4 * 4),
        (DCGANDiscriminator((4,), kernel_size=3), (2, 8, 8, 1), 2 * (9 * 16 + 4)),
        (UpsamplingGenerator((8, 8, 1), (), 4, (4,), 3), (2, 5), 2 * (9 * 16 + 4)),
        (MLPGenerator((2,), (8,)), (2, 5), 2 * (8 * 8 + 8)),
        (MLPDiscriminator((8,)), (2, 5), 2 * (8 * 8 + 8)),
    ],
)
def test_residual_blocks_add_their_parameters(module, inputs, per_block):
    def size(blocks):
        inited = module.clone(residual_blocks=blocks)
        return count(jax.eval_shape(lambda: inited.init(key, jnp.zeros(inputs), train=True)))

    assert [size(blocks) - size(0) for blocks in (1, 2)] == [per_block, 2 * per_block]
    with pytest.raises(ValueError, match="residual_blocks must not be negative"):
        size(-1)


def test_the_upsampling_generator_draws_images():
    generator = UpsamplingGenerator((12, 8, 3), (8,), 4, (4, 4), norm_fn=BatchNorm)
    latents = normal(2, 5, scale=1e4)
    images, _ = initialized(generator, latents, train=True)
    assert images.shape == (2, 12, 8, 3) and np.abs(images).max() <= 1.0
    with pytest.raises(ValueError, match="multiple of 8"):
        UpsamplingGenerator((12, 8, 3)).init(key, latents, train=True)
