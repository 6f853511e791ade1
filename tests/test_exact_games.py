"""The theory of stability, as tests of the step that everything else uses."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import losses, penalties
from gan_jax.game import (
    Term,
    alternating,
    consensus,
    extragradient,
    init,
    make_train_step,
    simultaneous,
    unrolled,
)
from gan_jax.remedies.instance_noise import instance_noise
from gan_jax.stability.exact_games import dirac_gan, linear_quadratic_gan
from gan_jax.stability.jacobian import field_jacobian, step_jacobian

key = jax.random.key(0)
ORIGIN = {"real": jnp.zeros((1, 2, 1))}
H = 0.2
# the slope f'(0): what a small logit of a fake is worth to each player
SLOPES = {
    "non_saturating": (losses.non_saturating(), 0.5),
    "minimax": (losses.minimax(), 0.5),
    "relativistic_pairing": (losses.relativistic_pairing(), 0.5),
    "relativistic_average": (losses.relativistic_average(), 1.0),
    "wasserstein": (losses.wasserstein(), 1.0),
    "hinge": (losses.hinge(), 1.0),
}


def r1(weight):
    return {"r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), weight)}


def r2(weight):
    return {"r2": Term(penalties.gradient_penalty(penalties.r2, penalties.on_fake), weight)}


def assert_eigenvalues(matrix, expected, tolerance=1e-5):
    """As sets: sorted by real, then imaginary part, rounded so that ties stay ties."""
    order = lambda values: sorted(  # noqa: E731
        np.asarray(values, complex), key=lambda v: (round(v.real, 4), v.imag)
    )
    found = order(np.linalg.eigvals(np.asarray(matrix, np.float64)))
    np.testing.assert_allclose(found, order(expected), atol=tolerance)


def step_at_equilibrium(game, play, batch=ORIGIN):
    return step_jacobian(make_train_step(game, play), init(game, key, batch), batch, key)


def of_alternating_play(field, rate, discriminator_steps=1, generator_steps=1):
    """One round on a linear field, generator first: the discriminator's steps, then the generator's."""
    identity = np.eye(2)
    generator = identity + rate * np.array([field[0], [0, 0]])
    discriminator = identity + rate * np.array([[0, 0], field[1]])
    power = np.linalg.matrix_power
    return power(generator, generator_steps) @ power(discriminator, discriminator_steps)


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("gamma", (0.0, 0.3, 1.5))
def test_dirac_simultaneous_and_alternating_with_every_loss(name, gamma):
    loss, slope = SLOPES[name]
    game = dirac_gan(H, loss=loss, discriminator_terms=r1(gamma))
    field = np.array([[0, slope], [-slope, -gamma]])
    eigenvalues = (-gamma + np.sqrt(gamma**2 - 4 * slope**2 + 0j) * np.array([1, -1])) / 2
    assert_eigenvalues(field_jacobian(game, init(game, key, ORIGIN), ORIGIN, key), eigenvalues)
    assert_eigenvalues(step_at_equilibrium(game, simultaneous), 1 + H * eigenvalues)
    expected = of_alternating_play(field, H)
    np.testing.assert_allclose(step_at_equilibrium(game, alternating), expected, atol=1e-6)


def test_the_numbers_of_the_paper():
    """Mescheder et al. 2018: +- i/2 without a penalty, -0.15 +- 0.477i with R1 at 0.3."""
    here = lambda game: field_jacobian(game, init(game, key, ORIGIN), ORIGIN, key)  # noqa: E731
    assert_eigenvalues(here(dirac_gan(H)), [0.5j, -0.5j])
    expected = [-0.15 + 0.47697j, -0.15 - 0.47697j]
    assert_eigenvalues(here(dirac_gan(H, discriminator_terms=r1(0.3))), expected)
    assert_eigenvalues(here(dirac_gan(H, discriminator_terms=r2(0.3))), expected)
    both = dirac_gan(H, discriminator_terms=r1(0.15) | r2(0.15))
    assert_eigenvalues(here(both), expected)


@pytest.mark.parametrize("steps", [(1, 1), (3, 1), (2, 4)])
def test_alternating_play_stays_on_the_circle_up_to_its_bound(steps):
    discriminator_steps, generator_steps = steps
    batch = {"real": jnp.zeros((discriminator_steps, 2, 1))}
    bound = 2 / (0.5 * np.sqrt(discriminator_steps * generator_steps))
    for rate, on_circle in ((0.99 * bound, True), (1.05 * bound, False)):
        game = dirac_gan(
            float(rate), discriminator_steps=discriminator_steps, generator_steps=generator_steps
        )
        matrix = step_at_equilibrium(game, alternating, batch)
        field = np.array([[0, 0.5], [-0.5, 0]])
        expected = of_alternating_play(field, rate, discriminator_steps, generator_steps)
        np.testing.assert_allclose(matrix, expected, atol=1e-4)
        radius = np.abs(np.linalg.eigvals(np.asarray(matrix, np.float64))).max()
        assert (abs(radius - 1) < 1e-3) == on_circle


@pytest.mark.parametrize("points_fn", (penalties.on_real, penalties.on_fake, penalties.between))
def test_wgan_gp_away_from_its_kink(points_fn):
    """The penalty is lambda (|psi| - 1)^2: its slope -2 lambda stands wherever psi is not 0."""
    penalty = Term(penalties.gradient_penalty(penalties.wgan_gp, points_fn), 0.7)
    game = dirac_gan(H, loss=losses.wasserstein(), discriminator_terms={"gp": penalty})
    state = init(game, key, ORIGIN)
    state = dataclasses.replace(
        state,
        discriminator=dataclasses.replace(state.discriminator, params={"slope": jnp.array([0.4])}),
    )
    matrix = field_jacobian(game, state, ORIGIN, key)
    np.testing.assert_allclose(matrix, [[0, 1], [-1, -1.4]], atol=1e-6)
    moved, _ = make_train_step(game, simultaneous)(state, ORIGIN, key)
    # psi' = psi - h 2 lambda (|psi| - 1) sign(psi), at theta = 0
    np.testing.assert_allclose(moved.discriminator.params["slope"], 0.4 + H * 1.4 * 0.6, rtol=1e-6)


@pytest.mark.parametrize("steps", (1, 2, 5))
def test_unrolling_damps_the_generator(steps):
    """Against psi_k = psi - k h theta / 2 the generator's field gains -k h theta / 2."""
    game = dirac_gan(H)
    matrix = step_at_equilibrium(game, unrolled(steps=steps))
    field = np.array([[-0.5 * steps * H, 0.5], [-0.5, 0]])
    np.testing.assert_allclose(matrix, of_alternating_play(field, H), atol=1e-6)


def test_extragradient_and_consensus():
    field = np.array([[0, 0.5], [-0.5, 0]])
    ahead = step_at_equilibrium(dirac_gan(H), extragradient)
    np.testing.assert_allclose(ahead, np.eye(2) + H * field + H**2 * field @ field, atol=1e-6)
    agreed = step_at_equilibrium(dirac_gan(H), consensus(weight=0.8))
    expected = np.eye(2) + H * (field - 0.8 * field.T @ field)
    np.testing.assert_allclose(agreed, expected, atol=1e-6)


def test_instance_noise_of_the_dirac_gan():
    """f''(0) s^2 +- sqrt(f''(0)^2 s^4 - f'(0)^2) with f'' = -1/4; the noise is drawn, so to 2 %."""
    scale = 1.2
    game = dirac_gan(H, augment_fn=instance_noise(scale))
    batch = {"real": jnp.zeros((1, 40_000, 1))}
    matrix = field_jacobian(game, init(game, key, batch), batch, key)
    expected = -(scale**2) / 4 + np.sqrt(scale**4 / 16 - 0.25 + 0j) * np.array([1, -1])
    assert_eigenvalues(matrix, expected, tolerance=0.02)


@pytest.mark.parametrize("name", ("non_saturating", "wasserstein"))
@pytest.mark.parametrize("gamma", (0.0, 0.4))
def test_the_linear_quadratic_game(name, gamma):
    loss, slope = SLOPES[name]
    curvature = {"non_saturating": -0.25, "wasserstein": 0.0}[name]
    points = (-1.5, 0.0, 1.5)
    second, fourth = np.mean(np.square(points)), np.mean(np.power(points, 4))
    game = linear_quadratic_gan(H, points, loss=loss, discriminator_terms=r1(gamma))
    batch = {"real": jnp.tile(jnp.array(points), 2).reshape(1, 6, 1)}
    blocks = [
        (slope, 2 * curvature * second - gamma),
        (2 * second * slope, 2 * curvature * fourth - 4 * gamma * second),
    ]
    eigenvalues = [
        (corner + sign * np.sqrt(corner**2 - 4 * coupling**2 + 0j)) / 2
        for coupling, corner in blocks
        for sign in (1, -1)
    ]
    assert_eigenvalues(field_jacobian(game, init(game, key, batch), batch, key), eigenvalues)
    found = step_at_equilibrium(game, simultaneous, batch)
    assert_eigenvalues(found, 1 + H * np.array(eigenvalues))


def orbit(game, play, steps=1000):
    """The distance from the equilibrium over a run that begins at theta = 1, psi = 0."""
    state = init(game, key, ORIGIN)
    generator = dataclasses.replace(state.generator, params={"point": jnp.ones(1)})
    step = make_train_step(game, play)

    def turn(state, _):
        state, _ = step(state, ORIGIN, key)
        theta, psi = state.generator.params["point"][0], state.discriminator.params["slope"][0]
        return state, jnp.hypot(theta, psi)

    start = dataclasses.replace(state, generator=generator)
    return np.asarray(jax.jit(lambda state: jax.lax.scan(turn, state, length=steps)[1])(start))


def linear_game(rate=H, **changes):
    """Wasserstein's, whose field is linear everywhere: closed forms hold far from the equilibrium."""
    return dirac_gan(rate, loss=losses.wasserstein(), **changes)


def test_a_thousand_steps_spiral_out_or_stay_on_a_circle():
    out = orbit(linear_game(0.05), simultaneous)
    np.testing.assert_allclose(out, (1 + 0.05**2) ** (np.arange(1, 1001) / 2), rtol=1e-3)
    circle = orbit(linear_game(), alternating)
    # the invariant theta^2 + psi^2 +- h theta psi of alternating play
    assert 1 / np.sqrt(1 + H / 2) - 0.01 < circle.min() < 0.99
    assert 1.01 < circle.max() < 1 / np.sqrt(1 - H / 2) + 0.01
    penalty = {"gp": Term(penalties.gradient_penalty(penalties.wgan_gp, penalties.between), 1.0)}
    around = orbit(linear_game(discriminator_terms=penalty), alternating)
    assert around[-200:].max() > 0.1  # WGAN-GP, centred at slope 1, does not converge


CONVERGENT = {
    "R1": (linear_game(discriminator_terms=r1(1.0)), alternating),
    "R2": (linear_game(discriminator_terms=r2(1.0)), simultaneous),
    "unrolled": (linear_game(), unrolled(steps=5)),
    "extragradient": (linear_game(), extragradient),
    "consensus": (linear_game(), consensus(weight=1.0)),
    "optimistic": (
        linear_game(
            generator_optimizer=optax.optimistic_gradient_descent(H),
            discriminator_optimizer=optax.optimistic_gradient_descent(H),
        ),
        simultaneous,
    ),
}


@pytest.mark.parametrize("name", CONVERGENT)
def test_a_thousand_steps_converge_with(name):
    assert orbit(*CONVERGENT[name])[-1] < 1e-3
