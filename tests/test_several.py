"""MAD-GAN: generators with parameters of their own, and a discriminator that tells them apart."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small_networks import abstract, applied, count, drawn, key, normal, played

from gan_jax import losses
from gan_jax.context import Context, Exhibit
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.models.several import SeveralGenerators, WhichHead, latents_of, which_generator

DEVICES = 1
K = 3
ONE = MLPGenerator((2,), (4,), output_fn=None, norm_fn=BatchNorm)
ALL = SeveralGenerators(ONE, K)
JUDGE = MLPDiscriminator((5,), head_fn=partial(WhichHead, num_generators=K))
WHICH = np.array([0, 1, 2, 1, 0, 2], np.int32)
LATENTS = {"noise": normal(6, 3), "which": WHICH}


def test_each_has_parameters_and_statistics_of_its_own():
    several, one = abstract(ALL, LATENTS), abstract(ONE, LATENTS["noise"])
    assert count(several) == K * count(one)
    assert several.keys() == one.keys() == {"params", "batch_stats"}
    begin = jax.jit(partial(ALL.init, train=True))(key, LATENTS)["params"]["generator"]
    for kernel in (begin["Dense_0"]["kernel"], begin["Dense_1"]["kernel"]):
        assert len(np.unique(kernel)) == kernel.size  # none begins as another does


def test_each_row_is_drawn_by_the_one_that_its_latents_name():
    variables = drawn(ALL, LATENTS)
    samples = applied(ALL, variables, LATENTS, train=False)
    for index in range(K):
        mine = jax.tree.map(lambda leaf, index=index: leaf[index], variables)
        mine = {name: tree["generator"] for name, tree in mine.items()}
        alone = applied(ONE, mine, LATENTS["noise"], train=False)
        np.testing.assert_allclose(samples[WHICH == index], alone[WHICH == index], rtol=1e-5)


def test_the_loss_is_the_cross_entropy_of_all_classes():
    classes = normal(6, K + 1)

    @jax.jit
    def said(rows):
        head = WhichHead(num_generators=K)
        params = {"params": {"Dense_0": {"kernel": jnp.eye(K + 1), "bias": jnp.zeros(K + 1)}}}
        logits, state = head.apply(params, rows, None, train=True, mutable="intermediates")
        return logits, state["intermediates"]

    real_logits, _ = said(classes[::-1])
    fake_logits, sown = said(classes)
    context = Context(Exhibit(None), Exhibit(None, sown=sown), latents=LATENTS)
    (term,) = which_generator().values()
    of_which, reports = term.term_fn(None, context)
    found = losses.non_saturating().discriminator(real_logits, fake_logits) + of_which
    entropy = optax.softmax_cross_entropy_with_integer_labels
    expected = entropy(classes[::-1], np.zeros(6, np.int32)) + entropy(classes, WHICH + 1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert reports["accuracy"] == (classes[:, 1:].argmax(1) == WHICH).mean()


def test_all_generators_and_the_classes_are_trained():
    generator = SeveralGenerators(MLPGenerator((2,), (4,), output_fn=None), K)
    terms = dict(latent_fn=latents_of(K), discriminator_terms=which_generator())
    _, metrics = played(generator, JUDGE, normal(6, 2), latent_size=3, **terms)
    assert 0 <= metrics["discriminator/which/accuracy"] <= 1


def test_every_generator_draws_as_often():
    latents = latents_of(4)(key, (4000, 2))
    assert latents["noise"].shape == (4000, 2)
    counts = np.bincount(latents["which"], minlength=4)
    assert len(counts) == 4 and np.abs(counts - 1000).max() < 110  # four deviations


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="at least 1 generator, got 0"):
        latents_of(0)
    with pytest.raises(ValueError, match="at least 1 generator, got 0"):
        abstract(JUDGE.clone(head_fn=WhichHead), normal(6, 2))
    with pytest.raises(ValueError, match="its classes are the generators"):
        abstract(JUDGE.clone(num_classes=2), normal(6, 2), WHICH)
