"""Encoders and decoders: pairs and reconstructions, scores of anomalies, and bounds on the evidence in closed form."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from experiment_files import file_of, load
from scipy.stats import multivariate_normal
from small_networks import key, normal

from gan_jax import losses, penalties, variational
from gan_jax.context import Context, Exhibit, Turn
from gan_jax.data import ArraySource, Data, as_is
from gan_jax.data.one_class import anomalies, only_classes
from gan_jax.drawing import Sampler
from gan_jax.game import Game, Term, init, make_train_step
from gan_jax.metrics.anomaly import (
    neighbor_distance,
    pair_features,
    pca_error,
    reconstruction_error,
)
from gan_jax.metrics.evaluators.evidence import evidence
from gan_jax.models.absent import Absent
from gan_jax.models.autoencoder import (
    MLPAutoencoder,
    PairDiscriminator,
    reconstructing_pairs,
)
from gan_jax.remedies import variational as vae
from gan_jax.remedies.reconstruction import reconstruction, squared_error
from gan_jax.testing import game_laws

DEVICES = 1
SGD = optax.sgd(0.05)


def half_and_double(samples, method):
    """``E(x) = x / 2 + 1`` and ``G(z) = 2z``, so ``G(E(x)) = x + 2``."""
    return samples / 2 + 1 if method == "encode" else 2 * samples


# Pairs


def test_pairs_and_what_is_decoded_again():
    batch, latents = {"real": normal(5, 3)}, normal(5, 3, seed=1)
    shown = reconstructing_pairs(half_and_double, latents, batch, Turn(0, "generator"))
    np.testing.assert_allclose(shown.real[1], batch["real"] / 2 + 1)
    np.testing.assert_allclose(shown.fake[0], 2 * latents)
    assert shown.real[0] is batch["real"] and shown.fake[1] is latents
    side = Exhibit(shown.real)
    found = squared_error(key, Context(side, side, batch=batch, extras=shown.extras))
    np.testing.assert_allclose(found, [4.0] * 5, rtol=1e-5)


def test_an_autoencoder_gives_a_code_or_the_two_numbers_of_one():
    images = normal(4, 2, 3, 1)
    for statistics in (1, 2):
        module = MLPAutoencoder((2, 3, 1), 5, (7, 6), statistics=statistics)

        def both(module, images):
            code = module.encode(images, train=True)
            return code, module.decode(code[0] if module.statistics == 2 else code, train=True)

        (code, made), variables = module.init_with_output(key, images, method=both)
        assert made.shape == images.shape and np.abs(made).max() <= 1
        assert [each.shape for each in jax.tree.leaves(code)] == [(4, 5)] * statistics
        encoder, decoder = variables["params"]["encoder"], variables["params"]["decoder"]
        assert encoder["Dense_0"]["kernel"].shape == (6, 6)
        assert decoder["Dense_0"]["kernel"].shape == (5, 7)
    with pytest.raises(ValueError, match="statistics must be 1 or 2"):
        MLPAutoencoder((2,), statistics=3).init(key, images, train=True, method="encode")


def bigan(**options):
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 0.1)
    return Game(
        MLPAutoencoder((3,), 2, (6, 5), output_fn=None), PairDiscriminator((6, 5)),
        loss=losses.swapped(losses.non_saturating()), generator_optimizer=SGD,
        discriminator_optimizer=SGD, latent_size=2, show_fn=reconstructing_pairs,
        generator_terms=reconstruction(10.0), discriminator_terms={"r1": r1}, **options,
    )  # fmt: skip


def autoencoder(samples=3):
    return Game(
        MLPAutoencoder((3,), 2, (6, 5), statistics=2, output_fn=None), Absent(),
        loss=losses.none(), generator_optimizer=SGD, discriminator_optimizer=SGD, latent_size=2,
        latent_fn=vae.variational_latents(samples), show_fn=vae.variational,
        generator_terms=vae.evidence_bound(),
    )  # fmt: skip


def a_batch():
    return {"real": normal(1, 8, 3), "binary": (normal(1, 8, 3, seed=1) > 0).astype(np.float32)}


@pytest.mark.thorough
@pytest.mark.parametrize("make", [bigan, autoencoder])
def test_the_laws_of_the_games(make):
    laws = game_laws(make(), a_batch(), without_gradient=["discriminator/*"] * (make != bigan))
    for law in laws:
        if make == bigan or "the discriminator moves" not in str(law):  # Absent has nothing to move
            law()


# Scores of anomalies


def players_of(features):
    def judge_fn(pair):
        image, code = pair
        return image.sum(1), {"features": (features(image, code),)}

    return SimpleNamespace(generator_fn=half_and_double, judge_fn=judge_fn)


def test_scores_of_a_linear_game():
    players = players_of(lambda image, code: jnp.concatenate([3 * image, code], axis=1))
    rows = {"real": normal(4, 3)}
    np.testing.assert_allclose(reconstruction_error(players, None, rows), [4.0] * 4, rtol=1e-5)
    found = pair_features(0.25)(players, None, rows)
    np.testing.assert_allclose(
        found, [0.75 * 6 + 0.25 * 18] * 4, rtol=1e-5
    )  # |2| thrice, |6| thrice
    with pytest.raises(ValueError, match=r"weight must be in \[0, 1\], got 2"):
        pair_features(2)


def test_what_lies_in_the_principal_plane_is_normal():
    plane = np.array([[1.0, 0, 0], [0, 1, 0]])
    images = np.float32(5.0 + normal(60, 2) @ plane)
    score = pca_error(images, 2)
    rows = 5.0 + np.array([[3.0, -2, 0], [1, 1, 2], [0, 0, -3]])
    np.testing.assert_allclose(score(None, None, {"real": rows}), [0, 4, 9], atol=1e-4)
    for components in (0, 4):
        with pytest.raises(ValueError, match=f"components must be 1 to 3, got {components}"):
            pca_error(images, components)


def test_the_mean_distance_to_the_nearest():
    score = neighbor_distance(np.array([[0.0, 0], [3, 4], [0, 100]]), 2)
    np.testing.assert_allclose(score(None, None, {"real": np.array([[0.0, 0]])}), [2.5])
    with pytest.raises(ValueError, match="neighbors must be 1 to 3, got 4"):
        neighbor_distance(np.zeros((3, 2)), 4)


def test_what_is_normal_is_trained_on_and_the_rest_is_marked():
    source = ArraySource({"real": np.arange(6.0), "label": np.array([0, 1, 2, 0, 1, 2])})
    normal_ones = only_classes(source, [0, 2])
    assert normal_ones.arrays["real"].tolist() == [0, 2, 3, 5]
    prepare = anomalies(as_is, [0, 2])
    marked = [bool(prepare(key, {"label": jnp.array(label)})["anomalous"]) for label in range(3)]
    assert marked == [False, True, False]
    with pytest.raises(ValueError, match=r"class 7 has no example: the classes are \[0, 1, 2\]"):
        only_classes(source, [0, 7])
    with pytest.raises(ValueError, match="no field 'digit'"):
        only_classes(source, [0], label="digit")


def test_every_row_of_the_table_of_anomalies_is_a_game(tmp_path):
    experiment = load(file_of("mnist_anomaly")).experiment
    made = load(file_of("benchmark_anomaly")).table()
    runs = {name: row.arguments for name, row in made.rows.items() if row.kind == "experiment"}
    games = {name: experiment(data_dir=tmp_path, digit=3, **runs[name]).game for name in runs}
    assert {name for name, game in games.items() if game.generator_terms} == {"ours", "abnormal"}
    assert made.over == {"digit": list(range(10))}
    with pytest.raises(ValueError, match="digit must be 0 to 9, got 10"):
        experiment(digit=10)


# Bounds on the evidence


def test_densities_are_those_of_scipy_and_the_divergence_is_their_mean_difference():
    values, mean, log_variance = normal(1, 3), normal(1, 3, seed=1), normal(1, 3, seed=2)
    expected = multivariate_normal(mean[0], np.diag(np.exp(log_variance[0]))).logpdf(values[0])
    found = variational.normal_log_density(values, mean, log_variance)
    np.testing.assert_allclose(found, [expected], rtol=1e-5)
    noise = jax.random.normal(key, (100_000, 3))
    many = [jnp.broadcast_to(each, noise.shape) for each in (mean, log_variance)]
    codes = variational.posterior_codes(noise, many)
    zeros = jnp.zeros_like(codes)
    gap = variational.normal_log_density(codes, *many) - variational.normal_log_density(
        codes, zeros, zeros
    )
    kl = float(variational.kl_to_standard_normal(mean, log_variance)[0])
    assert abs(gap.mean() - kl) < 4 * gap.std() / np.sqrt(len(gap))
    binary = np.array([[1.0, 0.0]])
    logits = np.array([[2.0, -1.0]])
    says = 1 / (1 + np.exp(-logits[0]))
    np.testing.assert_allclose(
        variational.bernoulli_log_density(binary, logits),
        [np.log(says[0]) + np.log(1 - says[1])],
        rtol=1e-6,
    )


SLOPE, SHIFT, NOISE = normal(4, 2, seed=3), normal(4, seed=4), 0.6  # x = SLOPE z + SHIFT + NOISE e
PRECISION = np.eye(2) + SLOPE.T @ SLOPE / NOISE**2
ROWS = SHIFT + normal(6, 2, seed=5) @ SLOPE.T + NOISE * normal(6, 4, seed=6)
COVARIANCE = SLOPE @ SLOPE.T + NOISE**2 * np.eye(4)
EVIDENCE = multivariate_normal(SHIFT, COVARIANCE).logpdf(ROWS)
TRUE_MEAN = (ROWS - SHIFT) @ SLOPE / NOISE**2 @ np.linalg.inv(PRECISION)


def likelihood(codes, rows=ROWS):
    """``log p(x | z)`` of codes ``[s, n, 2]``."""
    mean = codes @ SLOPE.T + jnp.broadcast_to(SHIFT, (*codes.shape[:2], 4))
    truth = jnp.broadcast_to(jnp.asarray(rows, jnp.float32), mean.shape)
    wide = jnp.full(mean.shape, 2 * np.log(NOISE))
    return variational.normal_log_density(truth, mean, wide)


def posterior_of(mean, variances):
    shape = np.shape(mean)
    return jnp.asarray(mean, jnp.float32), jnp.broadcast_to(
        jnp.log(jnp.asarray(variances, jnp.float32)), shape
    )


def test_the_bounds_of_a_linear_gaussian_model_rise_to_its_evidence():
    """k = 1 <= k = 50 <= the evidence, and the first falls short by the encoder's divergence."""
    wrong = posterior_of(TRUE_MEAN + 0.1, [0.2, 0.3])  # no posterior of this model
    draw = jax.jit(jax.vmap(lambda key: variational.drawn_bound(key, wrong, likelihood, 50)))
    draws = [np.asarray(each, np.float64).mean(1) for each in draw(jax.random.split(key, 400))]
    (elbo, elbo_error), (bound, bound_error) = [
        (each.mean(), each.std(ddof=1) / np.sqrt(len(each))) for each in draws
    ]
    true = [multivariate_normal(mean, np.linalg.inv(PRECISION)) for mean in TRUE_MEAN]
    noise = np.random.default_rng(0).normal(size=(200_000, 2)) * np.sqrt([0.2, 0.3])
    mine = multivariate_normal([0, 0], np.diag([0.2, 0.3])).logpdf(noise)
    gaps = [(mine - p.logpdf(noise + m + 0.1)).mean() for p, m in zip(true, TRUE_MEAN, strict=True)]
    assert abs(elbo - (EVIDENCE.mean() - np.mean(gaps))) < 4 * elbo_error + 0.01
    assert elbo + 5 * elbo_error < bound < EVIDENCE.mean() - bound_error
    assert EVIDENCE.mean() - bound < 0.25 * (EVIDENCE.mean() - elbo)


def test_a_true_posterior_makes_every_bound_the_evidence():
    """Its covariance must be diagonal for that: two units that see different numbers."""
    slope = np.zeros((4, 2), np.float32)
    slope[0, 0], slope[2, 1] = 1.5, -0.7
    precision = 1 + (slope**2).sum(0) / NOISE**2
    true = posterior_of((ROWS - SHIFT) @ slope / NOISE**2 / precision, 1 / precision)
    evidence = multivariate_normal(SHIFT, slope @ slope.T + NOISE**2 * np.eye(4)).logpdf(ROWS)

    def own(codes):
        mean = codes @ slope.T + jnp.broadcast_to(SHIFT, (*codes.shape[:2], 4))
        truth = jnp.broadcast_to(jnp.asarray(ROWS, jnp.float32), mean.shape)
        return variational.normal_log_density(truth, mean, jnp.full(mean.shape, 2 * np.log(NOISE)))

    for num in (1, 50):
        for bound in variational.drawn_bound(key, true, own, num):
            np.testing.assert_allclose(bound, evidence, rtol=1e-4)


def test_the_bound_of_equal_weights_is_the_weight_and_no_sample_is_refused():
    weights = jnp.full((7, 3), -1e4)
    np.testing.assert_allclose(variational.importance_bound(weights), [-1e4] * 3)
    for num in (0, 26):
        with pytest.raises(ValueError, match="num must be a multiple of"):
            variational.drawn_bound(key, posterior_of(TRUE_MEAN, [1, 1]), likelihood, num)


def test_the_evaluator_of_the_evidence_judges_each_row_by_itself():
    variances = 1 / np.diag(PRECISION)
    data = Data(
        source_fn=lambda: ArraySource({"real": ROWS}), held_out_fn=lambda: ArraySource({"real": ROWS}),
        prepare_fn=as_is,
    )  # fmt: skip

    def posterior(players, rows):
        return posterior_of(
            (rows["real"] - SHIFT) @ SLOPE / NOISE**2 @ np.linalg.inv(PRECISION), variances
        )

    evaluator = evidence(
        data, posterior_fn=posterior, samples=200,
        log_likelihood_fn=lambda players, rows, codes: likelihood(codes, rows["real"]),
    )  # fmt: skip
    sampler = Sampler(
        lambda key, keys, rows: evaluator.draw_fn(None, keys, rows),
        evaluator.latents_fn,
        key,
        data=data,
    )
    figures, rows = evaluator.measure_fn(sampler)
    assert figures["nll_1"].value > figures["nll_bound"].value > -EVIDENCE.mean() - 0.1
    np.testing.assert_allclose(rows["nll_bound"], -EVIDENCE[rows["id"]], atol=0.5)
    assert evaluator.protocol["samples"] == 200
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        evidence(data, posterior_fn=posterior, log_likelihood_fn=likelihood, samples=0)


@pytest.mark.thorough
def test_the_loss_of_an_autoencoder_is_its_negative_bound():
    """With a decoder of zeros every pixel costs log 2, and a code at the prior costs nothing."""
    game, batch = autoencoder(), a_batch()
    state = init(game, key, batch)
    zeros = jax.tree.map(jnp.zeros_like, state.generator.params)
    state = state.with_player("generator", state.generator.replace(params=zeros))
    after, metrics = jax.jit(make_train_step(game))(state, batch, key)
    assert float(metrics["generator/evidence_bound"]) == pytest.approx(3 * np.log(2), rel=1e-5)
    assert float(metrics["generator/evidence_bound/kl"]) == pytest.approx(0.0, abs=1e-6)
    bias = after.generator.params["decoder"]["Dense_2"]["bias"]
    np.testing.assert_allclose(bias, 0.05 * (batch["binary"][0].mean(0) - 0.5), atol=1e-6)
    with pytest.raises(ValueError, match="samples must be at least 1 code"):
        vae.variational_latents(0)
