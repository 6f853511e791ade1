"""Few labels: the K + 1 logits, the network that starts from data, the batches, and what measures classes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small_networks import key, normal

from gan_jax import losses
from gan_jax.context import Context, Exhibit
from gan_jax.data import ArraySource, Data, as_is
from gan_jax.data.batches import side_by_side
from gan_jax.data.few_labels import FewLabels, few_labeled
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import real
from gan_jax.game import Game, init, make_train_step
from gan_jax.metrics.evaluators.classification import (
    classification,
    nearest_neighbor,
    nearest_places,
)
from gan_jax.models.heads import OpenHead
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.models.weight_norm import GaussianNoise, NoisyClassifier, WeightNormDense
from gan_jax.optimizers import averaged
from gan_jax.remedies.feature_matching import feature_matching
from gan_jax.remedies.semi_supervised import (
    labeled_classes,
    labeled_cross_entropy,
    real_logit,
    with_fake_class,
)
from gan_jax.testing import game_laws, model_laws

DEVICES = 1
LABELS = np.arange(40) % 4
SOURCE = ArraySource({"real": np.arange(40.0)[:, None] + normal(40, 3), "label": LABELS})


# The K + 1 logits


def test_k_logits_are_k_plus_1_classes():
    """Salimans et al. 2016, section 5: a softmax over K classes and the fakes, whose logit is 0."""
    classes = 4.0 * normal(50, 5)
    everything = jax.nn.log_softmax(with_fake_class(classes))
    says = real_logit(classes)
    assert everything.shape == (50, 6)
    np.testing.assert_allclose(everything[:, 5], -jax.nn.softplus(says), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(  # a label is found: it is real, and it is that label
        everything[:, :5],
        jax.nn.log_softmax(classes) - jax.nn.softplus(-says)[:, None],
        rtol=1e-5,
        atol=1e-5,
    )


def test_the_loss_of_the_logit_of_real_is_that_of_k_plus_1_classes():
    real_classes, fake_classes = 3.0 * normal(20, 4), 3.0 * normal(20, 4, seed=1)
    pair = losses.non_saturating(real_weight=0.5, fake_weight=0.5)
    found = pair.discriminator(real_logit(real_classes), real_logit(fake_classes))
    fake_of = lambda classes: jax.nn.softmax(with_fake_class(classes))[:, -1]  # noqa: E731
    expected = -0.5 * jnp.log(1 - fake_of(real_classes)) - 0.5 * jnp.log(fake_of(fake_classes))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    far = jnp.array([[1e4, -1e4], [-1e4, -1e4]])
    assert np.isfinite(pair.discriminator(real_logit(far), real_logit(far))).all()


def judged(samples):
    return samples.sum(1), {"classes": (samples,)}


def test_the_labelled_rows_are_read_and_no_others():
    sides = Exhibit(normal(6, 3), judge_fn=judged)
    rows = jnp.array([[0.0, 1.0, 0.0], [2.0, 0.0, 0.0]])
    batch = {"real": normal(6, 3), "labeled": {"real": rows, "label": jnp.array([1, 1])}}
    loss, reports = labeled_cross_entropy(key, Context(sides, sides, batch))
    np.testing.assert_allclose(loss, [np.log(2 + np.e) - 1, np.log(2 + np.exp(2))], rtol=1e-6)
    assert float(reports["accuracy"]) == 0.5


# Weight normalisation that starts from data


def test_the_first_batch_leaves_with_mean_0_and_deviation_1():
    inputs = 3.0 + 5.0 * normal(64, 7) @ normal(7, 7, seed=1)
    inputs[:, 6] = 0.0
    made = jax.jit(WeightNormDense(4).init_with_output)(key, inputs)
    outputs, params = made[0], made[1]["params"]
    np.testing.assert_allclose(outputs.mean(0), 0.0, atol=1e-4)
    np.testing.assert_allclose(outputs.std(0), 1.0, rtol=1e-4)
    other = WeightNormDense(4).apply({"params": params}, 2.0 * inputs)
    assert abs(float(other.std()) - 1.0) > 0.5  # it is no batch normalisation


def test_only_the_direction_of_a_column_counts():
    inputs, target = normal(16, 5), normal(16, 3, seed=2)
    params = WeightNormDense(3).init(key, inputs)["params"]

    def loss(params, learn_scale=True):
        layer = WeightNormDense(3, learn_scale=learn_scale)
        return jnp.square(layer.apply({"params": params}, inputs) - target).mean()

    longer = params | {"kernel": params["kernel"] * jnp.array([[2.0, 0.1, 7.0]])}
    np.testing.assert_allclose(loss(params), loss(longer), rtol=1e-5)
    slope = jax.grad(loss)(params)
    along = (slope["kernel"] * params["kernel"]).sum(0)
    np.testing.assert_allclose(along, 0.0, atol=1e-6)
    assert (jnp.abs(slope["scale"]) > 1e-4).all()
    assert (jax.grad(loss)(params, False)["scale"] == 0.0).all()


def test_a_unit_that_the_first_batch_leaves_still_is_no_nan():
    outputs, _ = WeightNormDense(3).init_with_output(key, np.ones((8, 2), np.float32))
    assert np.isfinite(outputs).all()


def test_noise_has_its_deviation_and_is_of_training():
    zeros = jnp.zeros((200, 100))
    apply = partial(GaussianNoise(0.5).apply, {}, zeros, rngs={"dropout": key})
    assert abs(float(apply(train=True).std()) - 0.5) < 0.01
    assert (apply(train=False) == 0.0).all()
    with pytest.raises(ValueError, match="deviation must be a finite number >= 0, got -1"):
        GaussianNoise(-1.0).apply({}, zeros, train=True)


def test_the_noisy_classifier_says_real_by_its_classes():
    classifier = NoisyClassifier(4, (6, 5))
    samples = normal(9, 2, 3)
    params = classifier.init({"params": key, "dropout": key}, samples, train=True)["params"]
    logits, sown = classifier.apply(
        {"params": params}, samples, train=False, mutable="intermediates"
    )
    said = sown["intermediates"]
    np.testing.assert_allclose(logits, real_logit(said["classes"][0]), rtol=1e-6)
    assert said["features"][0].shape == (9, 5) and (said["features"][0] >= 0).all()
    assert set(params) == {f"WeightNormDense_{place}" for place in range(3)}
    with pytest.raises(ValueError, match="num_classes must be at least 2, got 1"):
        jax.eval_shape(lambda: NoisyClassifier(1).init(key, samples, train=False))


FIXED = [f"discriminator/WeightNormDense_{place}/scale" for place in (0, 1)]  # by the first batch


@pytest.mark.parametrize(
    "law",
    model_laws(
        MLPGenerator((3,), (8,)), NoisyClassifier(4, (6, 5)), normal(9, 4),
        without_gradient=[law.removeprefix("discriminator/") for law in FIXED] + FIXED,
    ),
    ids=str,
)  # fmt: skip
@pytest.mark.thorough
def test_the_laws_of_the_classifier(law):
    law()


def test_an_open_head_says_real_by_its_classes():
    samples = normal(5, 3)
    judge = MLPDiscriminator((6,), num_classes=4, head_fn=OpenHead)
    variables = judge.init(key, samples, train=False)
    logits, sown = judge.apply(
        {"params": variables["params"]}, samples, train=False, mutable="intermediates"
    )
    classes = sown["intermediates"]["OpenHead_0"]["classes"][0]
    assert classes.shape == (5, 4)
    np.testing.assert_allclose(logits, real_logit(classes), rtol=1e-6)
    with pytest.raises(ValueError, match="an OpenHead needs num_classes"):
        jax.eval_shape(lambda: OpenHead().init(key, samples, None, train=False))


def test_the_average_is_the_plain_mean_and_then_moves():
    optimizer = averaged(optax.sgd(1.0), rate=0.5)
    params, state = {"w": jnp.array(10.0)}, optimizer.init({"w": jnp.array(10.0)})
    seen = []
    for gradient in (9.0, -2.0, -5.0):  # to 1, 3, 8
        updates, state = optimizer.update({"w": jnp.array(gradient)}, state, params)
        params = optax.apply_updates(params, updates)
        seen.append(float(state.average["w"]))
    assert seen == [1.0, 2.0, 5.0]
    with pytest.raises(ValueError, match=r"rate must be in \(0, 1\], got 0"):
        averaged(optax.sgd(1.0), rate=0.0)


# Batches of few labels


def loaded(feed, step=0):
    tree = jax.tree.map(lambda leaf: leaf[0], feed.feed_fn(step, 1))
    return feed.load_fn(feed.resident, tree, key)


def test_a_batch_holds_all_examples_without_labels_and_a_few_with():
    batches = FewLabels(SOURCE, batch_size=10, seed=3, num_labels=8)
    assert np.bincount(batches.labeled.arrays["label"]).tolist() == [2, 2, 2, 2]
    seen = set()
    for step in range(4):
        batch = loaded(batches.feed(as_is), step)
        assert set(batch) == {"real", "labeled"} and batch["real"].shape == (1, 10, 3)
        few = batch["labeled"]
        assert sorted(few["label"][0].tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]
        for image, label in zip(few["real"][0], few["label"][0], strict=True):
            (place,) = np.flatnonzero((SOURCE.arrays["real"] == np.asarray(image)).all(1))
            assert place in batches.labeled_places and LABELS[place] == label
        seen |= set(batch["real"][0, :, 0].tolist())
    assert len(seen) == 40  # an epoch


def test_more_labels_than_a_batch_holds_are_shuffled_batches_of_them():
    batches = FewLabels(SOURCE, batch_size=5, seed=3, num_labels=20)
    feed = batches.feed(as_is)
    places = feed.feed_fn(0, 4)["labeled"]["examples"]
    assert places.shape == (4, 1, 5)
    epoch, known = places.ravel().tolist(), batches.labeled_places.tolist()
    assert sorted(epoch) == sorted(known) and epoch != known


def test_seeds_side_by_side_have_labels_of_their_own_and_the_data_once():
    feeds = [
        FewLabels(SOURCE, batch_size=10, seed=seed, num_labels=4).feed(as_is) for seed in (0, 1)
    ]
    both = side_by_side(feeds)
    tree = both.feed_fn(0, 1)
    assert both.resident is feeds[0].resident
    first, second = tree["labeled"]["examples"]
    assert set(first.ravel().tolist()) != set(second.ravel().tolist())
    for seed in (0, 1):
        np.testing.assert_array_equal(
            np.sort(tree["labeled"]["examples"][seed].ravel()),
            np.sort(few_labeled(LABELS, 4, seed=seed)),
        )


def test_labels_that_cannot_be_shared_out_are_refused():
    for labels, num, message in (
        (LABELS, 3, "multiple of the 4 classes, at least one label each, got 3"),
        (LABELS, 6, "multiple of the 4 classes, at least one label each, got 6"),
        (LABELS, 0, "at least one label each, got 0"),
        (np.array([0, 0, 2, 2]), 3, r"the classes are 0 to 2, but \[1\] have no example"),
        (np.array([0, 0, 0, 1]), 4, "4 labels are 2 of each class, but class 1 has 1 examples"),
    ):
        with pytest.raises(ValueError, match=message):
            few_labeled(labels, num, seed=0)
    with pytest.raises(ValueError, match="no field 'digit' in the data"):
        FewLabels(SOURCE, batch_size=4, seed=0, num_labels=4, label="digit")
    with pytest.raises(TypeError, match="wrap it in in_memory"):
        FewLabels([{"label": 0}], batch_size=1, seed=0, num_labels=4)


# The game


def semi_supervised(**options):
    pair = losses.non_saturating(real_weight=0.5, fake_weight=0.5)
    shared = dict(
        generator=MLPGenerator((3,), (8,), output_fn=None),
        discriminator=NoisyClassifier(4, (6, 5)),
        loss=pair._replace(generator=losses.none().generator),
        generator_optimizer=optax.sgd(0.1),
        discriminator_optimizer=averaged(optax.sgd(0.1), rate=0.5),
        latent_size=4,
        latent_fn=jax.random.uniform,
        generator_terms=feature_matching(),
        discriminator_terms=labeled_classes(),
    )
    return Game(**(shared | options))


@pytest.mark.thorough
def test_labels_alone_teach_what_the_unlabelled_rows_do_not_change():
    """The control: without an adversarial loss other unlabelled rows give the same discriminator."""
    game = semi_supervised(loss=losses.none(), generator_terms={})
    batch = loaded(FewLabels(SOURCE, batch_size=10, seed=3, num_labels=8).feed(as_is))
    state = init(game, key, batch)
    step = jax.jit(make_train_step(game))
    after, metrics = step(state, batch, key)
    other, _ = step(state, batch | {"real": batch["real"] + 1.0}, key)
    jax.tree.map(np.testing.assert_array_equal, after.discriminator, other.discriminator)
    moved = step(state, batch | {"labeled": other_labels(batch["labeled"])}, key)[0]
    assert not np.array_equal(
        *(s.discriminator.params["WeightNormDense_0"]["kernel"] for s in (after, moved))
    )
    assert "discriminator/labeled_classes/accuracy" in metrics


def other_labels(labeled):
    return labeled | {"label": (labeled["label"] + 1) % 4}


@pytest.mark.thorough
def test_the_laws_of_the_game():
    batch = loaded(FewLabels(SOURCE, batch_size=10, seed=3, num_labels=8).feed(as_is))
    for law in game_laws(semi_supervised(), batch, without_gradient=FIXED):
        law()


# What measures classes


def measured(evaluator, data, draw_fn):
    sampler = Sampler(lambda key, latents, rows: draw_fn(None, latents, rows), None, key, data=data)
    return evaluator.measure_fn(sampler)


def data_of(known, **held_out):
    return Data(
        source_fn=lambda: ArraySource(known), held_out_fn=lambda: ArraySource(held_out),
        prepare_fn=as_is,
    )  # fmt: skip


def test_the_share_of_wrong_classes_and_its_error():
    data = data_of({"real": np.zeros(2), "label": np.arange(2)}, real=LABELS[:30] * 1.0,
                   label=np.where(np.arange(30) < 6, (LABELS[:30] + 1) % 4, LABELS[:30]))  # fmt: skip
    evaluator = classification(data, class_fn=real, description="the value itself")
    figures, rows = measured(evaluator, data, evaluator.draw_fn)
    assert figures["error"].value == pytest.approx(0.2)
    assert figures["error"].standard_error == pytest.approx(0.4 / np.sqrt(29))
    assert sorted(rows["id"][rows["error"]]) == list(range(6))


def test_the_nearest_neighbor_in_a_code_is_that_of_the_training_rows():
    known = {"real": np.array([[0.0, 9.0], [1.0, -9.0], [5.0, 0.0]]), "label": np.array([0, 1, 2])}
    held_out = np.array([[0.4, -9.0], [0.9, 9.0], [4.0, 9.0], [0.1, 9.0]])
    data = data_of(known, real=held_out, label=np.array([0, 1, 2, 1]))

    def first_number(players, latents, rows):
        return rows["real"][:, :1]

    evaluator = nearest_neighbor(data, code_fn=first_number, description="the first number")
    figures, rows = measured(evaluator, data, first_number)
    assert figures["error"].value == 0.25 and rows["error"][rows["id"] == 3].all()
    pixels, _ = measured(evaluator, data, real)
    assert pixels["error"].value == 1.0
    assert "nearest of 3 training rows" in evaluator.protocol["description"]


def test_the_nearest_places_are_those_of_all_distances():
    rows, among = 7.0 + normal(2100, 5), 7.0 + normal(90, 5, seed=1)
    distances = np.square(rows[:, None] - among[None]).sum(2)
    np.testing.assert_array_equal(nearest_places(rows, among), distances.argmin(1))
