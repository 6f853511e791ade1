"""Labels and codes in both players: where they enter, what is said of them, and the terms that read it."""

from functools import partial

import jax
import numpy as np
import optax
import pytest
from games import image_game
from small_networks import abstract, applied, count, drawn, key, normal, played

from gan_jax import losses, train
from gan_jax.context import Context, Exhibit
from gan_jax.data import Data, labeled_image_fields
from gan_jax.data.arrays import ArraySource
from gan_jax.game import Game
from gan_jax.models.blocks import BatchNorm, spectral
from gan_jax.models.conditioning import LabelBatchNorm
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.models.heads import ClassifierHead, CodeHead, Head, ProxyHead
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.models.resnet import ResNetDiscriminator, ResNetGenerator
from gan_jax.remedies.auxiliary_classes import fake_classes, real_classes
from gan_jax.remedies.data_to_data import data_to_data, fake_data_to_data, real_data_to_data
from gan_jax.remedies.mutual_information import Code, mutual_information
from gan_jax.testing import game_laws, term_laws
from gan_jax.training import Experiment

DEVICES = 2
LABELS = np.array([0, 1, 2, 0], np.int32)
ORDER = [1, 2, 3, 0]
FEATURES = normal(4, 5)


def test_permuted_labels_permute_what_is_drawn_and_judged():
    latents, images = np.ones((4, 5), np.float32), np.ones((4, 8, 8, 3), np.float32)
    small = dict(image_shape=(8, 8, 3), widths=(6, 4), num_classes=3)
    for module, inputs in (
        (ResNetGenerator(**small), latents),
        (ResNetGenerator(**small, label_norm_fn=None), latents),
        (ResNetDiscriminator((4, 4), 1, num_classes=3), images),
    ):
        variables = drawn(module, inputs, LABELS)
        first, turned = (
            applied(module, variables, inputs, labels, train=False)
            for labels in (LABELS, LABELS[ORDER])
        )
        np.testing.assert_allclose(turned, first[ORDER], atol=1e-5)
        assert np.abs(turned - first).max() > 1e-3


def test_gains_of_labels_begin_at_one():
    inputs = normal(4, 3, 3, 2)
    norm = LabelBatchNorm(3)
    found, _ = jax.jit(partial(norm.init_with_output, train=True))(key, inputs, LABELS)
    expected = (inputs - inputs.mean((0, 1, 2))) / np.sqrt(inputs.var((0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_projection_with_embeddings_of_zero_looks_at_no_label():
    told, untold = (Head(num_classes, spectral) for num_classes in (3, None))
    variables = drawn(told, FEATURES, LABELS)
    variables["params"]["Embed_0"]["embedding"] *= 0.0
    without = drawn(untold, FEATURES, None)
    without["params"]["Dense_0"] = variables["params"]["Dense_0"]
    found = applied(told, variables, FEATURES, LABELS)
    np.testing.assert_allclose(found, applied(untold, without, FEATURES, None), rtol=1e-5)


def test_the_projection_is_normalized_as_the_rest_of_the_head():
    """Against the singular values: with the embeddings a hundredfold the judgement is the same."""
    head = Head(3, spectral)
    variables = drawn(head, FEATURES, LABELS)

    @jax.jit
    def settled(variables):
        def iterate(_, statistics):
            now = {"params": variables["params"], "batch_stats": statistics}
            return head.apply(now, FEATURES, LABELS, train=True, mutable=["batch_stats"])[1][
                "batch_stats"
            ]

        statistics = jax.lax.fori_loop(0, 60, iterate, variables["batch_stats"])
        return head.apply({**variables, "batch_stats": statistics}, FEATURES, LABELS, train=False)

    params = variables["params"]
    weights, embeddings = params["Dense_0"]["kernel"], params["Embed_0"]["embedding"]
    normalized = embeddings / np.linalg.svd(embeddings, compute_uv=False)[0]
    expected = FEATURES @ weights[:, 0] / np.linalg.norm(weights) + params["Dense_0"]["bias"]
    expected += (normalized[LABELS] * FEATURES).sum(1)
    for scale in (1.0, 100.0):
        params["Embed_0"]["embedding"] = scale * embeddings
        np.testing.assert_allclose(settled(variables), expected, rtol=1e-4, atol=1e-4)


# terms


def in_numpy(embedding, proxy, labels, temperature, proxy_margin, sample_margin):
    losses = []
    for i in range(len(labels)):
        own = np.exp(min(embedding[i] @ proxy[i] - proxy_margin, 0.0) / temperature)
        others = sum(
            np.exp(max(embedding[i] @ embedding[j] - sample_margin, 0.0) / temperature)
            for j in range(len(labels))
            if labels[j] != labels[i]
        )
        losses.append(-np.log(own / (own + others)))
    return np.array(losses)


def on_sphere(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


EMBEDDING, PROXY = on_sphere(normal(4, 3)), on_sphere(normal(3, 3, seed=1))[LABELS]


def sided(**sown):
    side = Exhibit(FEATURES, condition=LABELS, sown={name: (rows,) for name, rows in sown.items()})
    return Context(side, side)


CLASSES = normal(4, 3)
CODE = Code(categories=(3, 2), continuous=1)
LATENTS = np.array(CODE.latent_fn(key, (4, 8)))
SAID = normal(4, 6, seed=2)
SHIFTED = SAID - np.log(np.concatenate([
    np.exp(SAID[:, :3]).sum(1, keepdims=True).repeat(3, 1),
    np.exp(SAID[:, 3:5]).sum(1, keepdims=True).repeat(2, 1), np.ones((4, 1)),
], 1))  # fmt: skip
TERMS = {
    "real_classes": (
        real_classes(), sided(classes=CLASSES), "real/sown/classes",
        np.log(np.exp(CLASSES).sum(1)) - CLASSES[np.arange(4), LABELS],
    ),
    "fake_data_to_data": (
        fake_data_to_data(temperature=0.5), sided(embedding=EMBEDDING, proxy=PROXY),
        "fake/sown", in_numpy(EMBEDDING, PROXY, LABELS, 0.5, 0.98, 0.02),
    ),
    "mutual_information": (
        mutual_information(CODE, continuous_weight=0.1, deviation=2.0),
        sided(code=SAID)._replace(latents=LATENTS), "fake/sown/code",
        -(LATENTS[:, 2:7] * SHIFTED[:, :5]).sum(1)
        + 0.1 * (np.square(LATENTS[:, 7] - SAID[:, 5]) / 8.0 + np.log(2.0 * np.sqrt(2.0 * np.pi))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TERMS)
def test_terms_keep_their_laws(name):
    terms, context, reaches, value = TERMS[name]
    (term,) = terms.values()
    laws = term_laws(term.term_fn, context, reaches=[reaches], value=value, nonnegative=True)
    for law in laws:
        law()


def test_data_to_data_looks_at_the_global_batch():
    (term,) = real_data_to_data().values()
    context = sided(embedding=EMBEDDING, proxy=PROXY)
    elsewhere = lambda rows: np.concatenate([rows, rows])  # noqa: E731
    found = term.term_fn(key, context._replace(gather_fn=elsewhere))
    expected = in_numpy(*map(elsewhere, (EMBEDDING, PROXY, LABELS)), 0.5, 0.98, 0.02)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_code_is_the_last_columns_of_the_latents():
    latents = np.array(CODE.latent_fn(key, (500, 8)))
    assert CODE.size == 6 and latents.shape == (500, 8)
    (first, second), numbers = CODE.split(latents)
    for one_hot in (first, second):
        assert set(np.unique(one_hot)) == {0.0, 1.0} and (one_hot.sum(1) == 1.0).all()
    np.testing.assert_allclose(first.mean(0), 1 / 3, atol=0.08)
    assert np.abs(numbers).max() <= 1.0 and np.abs(numbers.mean()) < 0.1


def test_information_is_at_most_the_entropy_and_reached_by_a_code_that_is_read():
    (term,) = mutual_information(CODE).values()

    def nats(said):
        return float(term.term_fn(key, sided(code=said)._replace(latents=LATENTS))[1]["nats"])

    np.testing.assert_allclose(nats(100.0 * LATENTS[:, 2:]), np.log(3.0) + np.log(2.0), rtol=1e-5)
    assert nats(SAID) < CODE.nats == pytest.approx(np.log(6.0))
    assert nats(np.zeros((4, 6))) == pytest.approx(0.0, abs=1e-6)  # nothing is known


def test_the_networks_of_infogan_have_the_layers_of_its_appendix():
    """Chen et al. 2016, table 1: weights and biases by hand, and two numbers a channel of batch norm."""
    maps, flat = 16 * 64 * 128, 7 * 7 * 128
    generator = (74 * 1024 + 3 * 1024) + (1024 * flat + 3 * flat)
    generator += (maps + 3 * 64) + (16 * 64 + 1)
    shared = (16 * 64 + 64) + (maps + 3 * 128) + (flat * 1024 + 3 * 1024)
    code = (1024 * 128 + 3 * 128) + (128 * 12 + 12)
    networks = {
        DCGANGenerator((28, 28, 1), (128, 64), kernel_size=4, dense_widths=(1024,)): (
            normal(2, 74), generator
        ),
        DCGANDiscriminator(
            kernel_size=4, norm_fn=BatchNorm,
            head_fn=partial(CodeHead, code_size=12, shared_widths=(1024,)),
        ): (normal(2, 28, 28, 1), shared + code + (1024 + 1)),
    }  # fmt: skip
    for network, (inputs, expected) in networks.items():
        assert count(abstract(network, inputs)) == expected


GAMES = {
    "classes": dict(
        head=partial(ClassifierHead), terms=(fake_classes(), real_classes() | fake_classes(0.5)),
        reports=["generator/fake_classes/accuracy"],
    ),
    "data_to_data": dict(
        head=partial(ProxyHead, embedding_size=4),
        terms=(fake_data_to_data(), real_data_to_data()), reports=["discriminator/real_data_to_data"],
    ),
    "code": dict(
        head=partial(CodeHead, code_size=CODE.size, widths=(5,)),
        terms=(mutual_information(CODE), mutual_information(CODE)), latent_size=8,
        latent_fn=CODE.latent_fn, still=["*CodeHead_0/Dense_0/bias"],
        reports=["generator/mutual_information/nats"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.thorough if n != "code" else ()) for n in GAMES]
)
def test_games_with_heads_play(name):
    options = dict(GAMES[name])
    head, reports = options.pop("head"), options.pop("reports")
    generator_terms, discriminator_terms = options.pop("terms")
    _, metrics = played(
        MLPGenerator((2,), (8,), num_classes=3),
        MLPDiscriminator((8,), num_classes=3, head_fn=head),
        normal(4, 2),
        labels=LABELS,
        loss=losses.non_saturating(),
        generator_terms=generator_terms,
        discriminator_terms=discriminator_terms,
        **options,
    )
    assert all(name in metrics for name in reports)


@pytest.mark.thorough
def test_two_devices_see_the_labels_of_all_rows_as_one_does():
    """Batch norm with labels, and proxies and samples that are compared across devices."""
    game = Game(
        ResNetGenerator((4, 4, 1), (4, 4), num_classes=3),
        MLPDiscriminator((8,), num_classes=3, head_fn=partial(ProxyHead, embedding_size=4)),
        losses.non_saturating(),
        optax.sgd(1e-2),
        optax.sgd(1e-2),
        latent_size=3,
        generator_terms=fake_data_to_data(),
        discriminator_terms=real_data_to_data(),
    )
    batch = {"real": normal(1, 4, 4, 4, 1), "condition": LABELS[None]}
    laws = {str(law): law for law in game_laws(game, batch, devices=2)}
    laws["2 devices give what one gives"]()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: abstract(ClassifierHead(), FEATURES, LABELS), "needs num_classes"),
        (lambda: abstract(ProxyHead(), FEATURES, LABELS), "needs num_classes"),
        (lambda: abstract(ProxyHead(3), FEATURES, None), "was given no condition"),
        (lambda: abstract(CodeHead(), FEATURES, None), "needs code_size >= 1"),
        (lambda: abstract(Head(2), FEATURES, LABELS), "labels must be in 0 to 1"),
        (lambda: CODE.latent_fn(key, (4, 5)), "must hold the code's 6 columns"),
        (lambda: mutual_information(Code((), 0)), "must have a column"),
        (lambda: mutual_information(CODE, deviation=0.0), "deviation be positive"),
        (lambda: real_data_to_data(temperature=0.0), "temperature must be positive"),
        (lambda: data_to_data(EMBEDDING, PROXY, LABELS, proxy_margin=2.0), "margins in"),
        (
            lambda: real_classes()["real_classes"].term_fn(
                key, Context(Exhibit(FEATURES, sown={"classes": (CLASSES,)}), None)
            ),
            "needs labels",
        ),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_labels_beyond_the_classes_are_refused_before_the_first_step(tmp_path):
    """Within a compiled step an embedding would take the last row for them."""
    images = np.zeros((8, 8, 8, 1), np.uint8)
    digits = ArraySource({"image": images, "label": np.arange(1, 9, dtype=np.int32)})
    game = image_game(
        generator=DCGANGenerator((8, 8, 1), (4,), num_classes=8),
        discriminator=DCGANDiscriminator((4,), num_classes=8),
    )
    data = Data(source_fn=lambda: digits, prepare_fn=labeled_image_fields)
    run = Experiment(game=game, data=data, steps=1, batch_size=8)
    with pytest.raises(
        ValueError, match="labels must be in 0 to 7, as num_classes=8 says, got 1 to 8"
    ):
        train(run, tmp_path / "run")
