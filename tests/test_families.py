"""The published families: their parameters to the last one, twins in PyTorch, and what their papers promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import abstract, applied, count, drawn, normal, played

from gan_jax.models.blocks import plain
from gan_jax.models.resnet import ResNetDiscriminator, ResNetGenerator

DEVICES = 1
LABELS = np.array([0, 1, 2, 0], np.int32)
SMALL = dict(image_shape=(8, 8, 3), widths=(6, 5, 4))  # of a generator


# parameters, to the last one

# name -> generator, discriminator, size of the latents, their published numbers of parameters
COUNTS = {
    "sngan_32": (ResNetGenerator((32, 32, 3)), ResNetDiscriminator(), 128, 4_276_739, 1_053_825),
    "sngan_32_conditional": (
        ResNetGenerator((32, 32, 3), num_classes=10), ResNetDiscriminator(num_classes=10),
        128, 4_304_387, 1_055_105,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_published_numbers_of_parameters(name):
    generator, discriminator, latent_size, *published = COUNTS[name]
    conditional = generator.num_classes is not None
    told = (LABELS,) if conditional else ()
    latents, images = jnp.zeros((4, latent_size)), jnp.zeros((4, *generator.image_shape))
    players = abstract(generator, latents, *told), abstract(discriminator, images, *told)
    assert [count(variables) for variables in players] == published


# twins


@pytest.fixture(scope="module")
def twins():
    reason = "PyTorch is not installed (pip install 'gan-jax[torch]')"
    torch = pytest.importorskip("torch", reason=reason)
    import torch_families

    def twin(name, params, inputs, *others, **options):
        def tensors(tree):
            return jax.tree.map(lambda leaf: torch.from_numpy(np.array(leaf)), tree)

        inputs = torch.from_numpy(inputs)
        inputs = inputs.permute(0, 3, 1, 2) if inputs.ndim == 4 else inputs
        others = map(torch.from_numpy, others)
        outputs = getattr(torch_families, name)(tensors(params), inputs, *others, **options)
        outputs = outputs.permute(0, 2, 3, 1) if outputs.ndim == 4 else outputs
        return outputs.numpy()

    return twin


def is_its_twin(twins, name, module, *inputs, **options):
    variables = drawn(module, *inputs)
    expected = twins(name, variables["params"], *inputs, **options)
    found = applied(module, variables, *inputs)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_sngan_is_its_twin(twins):
    generator = ResNetGenerator(**SMALL, num_classes=3)
    is_its_twin(twins, "sngan_generator", generator, normal(4, 5), LABELS)
    # spectral normalisation has tests of its own
    discriminator = ResNetDiscriminator((4, 4, 6, 6), 2, num_classes=3, constrain_fn=plain)
    images = normal(4, 8, 8, 3)
    is_its_twin(twins, "sngan_discriminator", discriminator, images, LABELS, halvings=2)


# games


def test_sngan_plays():
    generator = ResNetGenerator((8, 8, 3), (6, 5), num_classes=3, remat=True)
    discriminator = ResNetDiscriminator((4, 6), 1, num_classes=3)
    # biases before a normalisation
    still = ["generator/ResidualBlock_*/*Conv_*/bias", "generator/Dense_0/bias"]
    played(generator, discriminator, normal(4, 8, 8, 3), labels=LABELS, still=still)


# refusals


@pytest.mark.parametrize(
    "module, inputs, told, message",
    [
        (ResNetGenerator((9, 8, 3)), (4, 5), None, "must be a multiple of 8"),
        (ResNetGenerator((8, 8, 3), (8,)), (4, 5), None, "two or more"),
        (ResNetDiscriminator((4,), 2), (4, 8, 8, 3), None, "halvings must be between 0 and"),
        (ResNetDiscriminator((4, 4), 2), (4, 6, 6, 3), None, "3x3 cannot be halved"),
        (ResNetGenerator(**SMALL), (4, 5), LABELS, "num_classes=None and was given"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), None, "was given no condition"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), LABELS + 1, "got 1 to 3"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), LABELS - 1, "got -1 to 1"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), LABELS * 1.0, "integer labels"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), LABELS[:, None], r"argmax\(-1\)"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_compiled(module, inputs, told, message):
    with pytest.raises((ValueError, TypeError), match=message):
        abstract(module, jnp.zeros(inputs), *(() if told is None else (told,)))
