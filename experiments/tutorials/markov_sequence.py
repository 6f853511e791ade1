"""The tutorials' "Markov chain loss", made whole, on sampled AR(2) sequences.

    python experiments/tutorials/markov_sequence.py                          # with it
    python experiments/tutorials/markov_sequence.py --transition-weight 0    # the same GAN without it

The text asks that the steps of a generated sequence follow each other as those of a Markov chain do,
``L_MC = 1/N sum_i sum_t log p(x_t | x_{t-1})``, beside the cross-entropy of a GAN.

Corrected: the text gives no p. Here p is the Gaussian transition that fits the real sequences best (in
closed form, :mod:`gan_jax.markov`), and the generator minimises the mean *negative* log-likelihood of
its sequences under it, with a weight (as printed, with a plus sign, minimising it makes continuity
worse). The players are those of the same text: dense 128, ReLU, dense 128, ReLU; the generator ends
without sigmoid, since the sequences are not confined to (0, 1).

Measured (ten seeds each, 10,000 steps): error of the lag-1 autocorrelation 0.0075 +- 0.0017 with the term,
0.0633 +- 0.0024 without it; it costs variance and lag 2 (experiments/tutorials/README.md).
"""

from functools import partial

import flax.linen as nn
import optax

from gan_jax import losses
from gan_jax.data import ArraySource, Data, as_is
from gan_jax.data.synthetic import autoregression
from gan_jax.drawing.pictures import sequence_picture
from gan_jax.drawing.shown import pictured
from gan_jax.game import Game, Term
from gan_jax.markov import fit_transition, transition_nll
from gan_jax.metrics.evaluators.vectors import sequences
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.training import Experiment, main

# What the texts suggest to vary, beside the flags: one line each.
optimizer_fn = optax.adam  # or optax.rmsprop, or optax.sgd
norm_fn = None  # or BatchNorm of gan_jax.models.blocks, for the generator


def experiment(
    *,
    seed: int = 0,
    steps: int = 10_000,
    batch_size: int = 32,
    latent_size: int = 32,
    generator_learning_rate: float = 1e-3,
    discriminator_learning_rate: float = 1e-3,
    generator_steps: int = 1,
    discriminator_steps: int = 1,
    transition_weight: float = 1.0,
    residual_blocks: int = 0,
    widths: tuple[int, ...] = (128, 128),
    length: int = 128,
    coefficients: tuple[float, float] = (1.2, -0.5),
    num_examples: int = 20_000,
) -> Experiment:
    """A GAN of sequences with a transition loss.

    Args:
        seed: of everything that is drawn.
        steps: rounds of updates, at most.
        batch_size: real sequences per update.
        latent_size: numbers that the generator starts from.
        generator_learning_rate: of its optimiser.
        discriminator_learning_rate: of its optimiser.
        generator_steps: updates of the generator in a round.
        discriminator_steps: updates of the discriminator in a round.
        transition_weight: of the mean negative log-likelihood in the generator's loss.
        residual_blocks: after each hidden layer.
        widths: of the hidden layers of both players.
        length: T, time steps of a sequence.
        coefficients: a and b of x_t = a x_{t-1} + b x_{t-2} + noise.
        num_examples: real sequences to learn from; as many are held out.
    """
    draw = partial(autoregression, num_examples, length=length, coefficients=coefficients)
    real, held_out = draw(seed=0), draw(seed=1)
    transition = fit_transition(real)
    game = Game(
        generator=MLPGenerator(
            (length,),
            widths,
            output_fn=None,
            norm_fn=norm_fn,
            residual_blocks=residual_blocks,
            activation_fn=nn.relu,
        ),
        discriminator=MLPDiscriminator(
            widths, residual_blocks=residual_blocks, activation_fn=nn.relu
        ),
        loss=losses.non_saturating(),
        generator_optimizer=optimizer_fn(generator_learning_rate),
        discriminator_optimizer=optimizer_fn(discriminator_learning_rate),
        latent_size=latent_size,
        generator_terms={
            "transition_nll": Term(
                lambda key, context: transition_nll(transition, context.fake.samples),
                transition_weight,
            )
        },
        generator_steps=generator_steps,
        discriminator_steps=discriminator_steps,
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=lambda: ArraySource({"real": real}),
            held_out_fn=lambda: ArraySource({"real": held_out}),
            prepare_fn=as_is,
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=pictured(sequence_picture(held_out)),
        evaluators={"sequences": sequences},
        steps_per_call=20,
        log_every_steps=100,
        sample_every_steps=1000,
        evaluate_every_steps=1000,
        save_every_steps=1000,
    )


if __name__ == "__main__":
    main(experiment, tiny=dict(steps=40, batch_size=8, widths=(8, 8), num_examples=500))
