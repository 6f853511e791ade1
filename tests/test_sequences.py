"""Tokens: the generator against an enumeration of all sequences, and every estimator against the exact gradient."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import losses
from gan_jax.context import Context, Exhibit, Rows, Seen, Shown
from gan_jax.models.sequences import SequenceDiscriminator, SequenceGenerator, keys_of_rows
from gan_jax.remedies import policy_gradient

V, T, N = 3, 2, 20_000
key = jax.random.key(0)
ALL = np.array(list(itertools.product(range(V), repeat=T)), np.int32)
LOGITS = np.random.default_rng(0).normal(size=len(ALL)).astype(np.float32)  # of a discriminator


@pytest.fixture(scope="module")
def network():
    """A tiny generator, its variables, and jitted methods."""
    module = SequenceGenerator(V, T, width=4)
    variables = module.init(key, keys_of_rows(key, (1,)))
    variables = jax.tree.map(lambda leaf: 3.0 * leaf + 0.1, variables)
    methods = {
        name: jax.jit(lambda v, *args, name=name: module.apply(v, *args, method=name))
        for name in ("sample", "log_probs", "soft")
    }
    return variables, methods


def logits_of(tokens):
    return jnp.asarray(LOGITS)[tokens[:, 0] * V + tokens[:, 1]]


def test_probabilities_of_all_sequences_sum_to_one_and_samples_follow_them(network):
    variables, methods = network
    likely = np.exp(np.asarray(methods["log_probs"](variables, ALL)).sum(1))
    np.testing.assert_allclose(likely.sum(), 1.0, rtol=1e-5)
    tokens = np.asarray(methods["sample"](variables, keys_of_rows(key, (N,))))
    found = np.bincount(tokens[:, 0] * V + tokens[:, 1], minlength=len(ALL)) / N
    z = (found - likely) / np.sqrt(likely * (1 - likely) / N)
    assert abs(z).max() < 4.5
    cold = np.asarray(methods["sample"](variables, keys_of_rows(key, (50,)), 1e-3))
    assert len(np.unique(cold, axis=0)) == 1  # always the likeliest token
    with pytest.raises(ValueError, match=r"tokens must be integers \[B, 2\], got float32"):
        methods["log_probs"](variables, jnp.zeros((3, 2)))


def test_soft_tokens_are_the_sampled_ones(network):
    variables, methods = network
    keys = keys_of_rows(key, (40,))
    soft = methods["soft"](variables, keys, 0.5)
    np.testing.assert_array_equal(soft.argmax(-1), methods["sample"](variables, keys))
    np.testing.assert_allclose(soft.sum(-1), 1.0, atol=1e-6)


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def estimate(network, term, memory=None, parts=40):
    """The mean gradient of a term over many samples, and its standard error."""
    variables, methods = network

    @jax.jit
    def one(keys):
        tokens = methods["sample"](variables, keys)

        def value(variables):
            log_probs = methods["log_probs"](variables, tokens)
            fake = Exhibit(None, logits=logits_of(tokens))
            context = Context(
                real=Exhibit(None), fake=fake, extras={"log_probs": log_probs}, memory=memory or {}
            )
            values = term.term_fn(key, context)
            return (values[0] if isinstance(values, tuple) else values).mean()

        return jax.grad(value)(variables)

    found = [flat(one(keys_of_rows(jax.random.key(i), (N // 10,)))) for i in range(parts)]
    return np.mean(found, 0), np.std(found, 0, ddof=1) / np.sqrt(parts)


def exact(network, reward_fn):
    """The gradient of ``-sum_x p(x) r(x)`` over all sequences, r held."""
    variables, methods = network

    def value(variables):
        likely = jnp.exp(methods["log_probs"](variables, ALL).sum(1))
        return -(likely * reward_fn(jax.lax.stop_gradient(likely))).sum()

    return flat(jax.jit(jax.grad(value))(variables))


def worst_z(found, error, expected):
    moving = error > 1e-7
    assert abs((found - expected)[~moving]).max(initial=0.0) < 1e-5
    return abs((found - expected) / np.where(moving, error, 1.0)).max()


def test_reinforce_is_unbiased_with_any_baseline(network):
    expected = exact(network, lambda likely: 2.0 * jax.nn.sigmoid(jnp.asarray(LOGITS)) - 1.0)
    for baseline in (0.0, 0.7):
        term = policy_gradient.reinforce()["reinforce"]
        found, error = estimate(network, term, {"reward": jnp.float32(baseline)})
        assert worst_z(found, error, expected) < 4.5
        assert abs(found - 1.5 * expected).max() > 5 * error.max()  # a factor would be seen


@pytest.mark.thorough
def test_maligan_follows_importance_weights(network):
    def reward_fn(likely):
        weights = jnp.exp(jnp.asarray(LOGITS))
        return weights / (likely * weights).sum() - 1.0

    found, error = estimate(network, policy_gradient.maligan()["maligan"])
    assert worst_z(found, error, exact(network, reward_fn)) < 4.5


@pytest.mark.thorough
def test_the_bias_of_gumbel_softmax_falls_with_its_temperature(network):
    variables, methods = network
    earned = jnp.asarray(LOGITS[:V])  # by the first token

    def value(variables):
        likely = jnp.exp(methods["log_probs"](variables, ALL).sum(1))
        return -(likely * earned[ALL[:, 0]]).sum()

    expected = flat(jax.jit(jax.grad(value))(variables))

    def bias(temperature):
        @jax.jit
        def one(keys):
            def earnings(v):
                return -(methods["soft"](v, keys, temperature)[:, 0] @ earned).mean()

            return jax.grad(earnings)(variables)

        found = [flat(one(keys_of_rows(jax.random.key(i), (N // 5,)))) for i in range(10)]
        return np.linalg.norm(np.mean(found, 0) - expected) / np.linalg.norm(expected)

    hot, warm, cold = bias(5.0), bias(1.0), bias(0.2)
    assert cold < 0.1 < 0.5 * hot and cold < warm < hot


def test_the_baseline_is_a_moving_average_and_the_generator_has_no_other_loss():
    memory = policy_gradient.reward_average(0.9)["reward"]
    nothing = Rows(None, Shown(None, None))
    seen = Seen(jnp.int32(0), {"generator/reinforce/reward": jnp.float32(0.5)}, nothing, nothing)
    np.testing.assert_allclose(memory.update_fn(key, jnp.float32(0.2), seen), 0.23, rtol=1e-6)
    loss = policy_gradient.for_tokens(losses.non_saturating())
    logits = jnp.array([1.0, -2.0])
    np.testing.assert_array_equal(loss.generator(logits, logits), [0.0, 0.0])
    whole = losses.non_saturating().discriminator(logits, logits)
    np.testing.assert_array_equal(loss.discriminator(logits, logits), whole)


def test_a_discriminator_sees_windows_wherever_they_are():
    network = SequenceDiscriminator((4, 4), embedding=3, dropout_rate=0.0)
    tokens = jax.nn.one_hot(
        jnp.array([[0, 0, 1, 2, 0, 0], [0, 1, 2, 0, 0, 0], [0, 2, 1, 0, 0, 0]]), 4
    )
    logits = jax.jit(lambda: network.init_with_output(key, tokens, train=True)[0])()
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-6)
    assert abs(logits[0] - logits[2]) > 1e-4
    with pytest.raises(ValueError, match="windows of 2 tokens are longer than sequences of 1"):
        network.init(key, tokens[:, :1], train=True)
