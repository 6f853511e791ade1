"""Text whose truth is known: does an adversarial game write better than maximum likelihood at a lower temperature?

    python experiments/sequences/text_oracle.py                              # REINFORCE after a pre-training
    python experiments/sequences/text_oracle.py --estimator likelihood       # maximum likelihood alone, the control
    python experiments/sequences/text_oracle.py --estimator gumbel --pretraining-steps 0

An LSTM of random parameters writes sequences of tokens (Yu et al. 2017, arXiv 1609.05473); whatever a model writes, its
likelihood under that oracle is known. Tokens have no gradient, so the generator is moved by an estimator: reinforce,
maligan (Che et al. 2017, arXiv 1702.07983) or gumbel (Jang et al. 2017, arXiv 1611.01144). Each begins with maximum
likelihood.

Two figures belong together: nats a token of what is written, under the oracle, and of what is true, under the model.
The first is won by writing a few likely sequences: a lower temperature does that without any training (Caccia et al.
2020, arXiv 1811.02549). So samples at three temperatures stand beside each run. There are no roll-outs: all tokens of a
sequence share its reward.
"""

from functools import cache

import optax

from gan_jax.data import Data
from gan_jax.data.oracle import random_oracle, written_by
from gan_jax.data.text import tokens_as_real
from gan_jax.drawing.artefacts import Text
from gan_jax.drawing.compose import texts
from gan_jax.game import Game
from gan_jax.metrics.evaluators.tokens import model_likelihood, oracle_likelihood
from gan_jax.models.absent import Absent
from gan_jax.models.sequences import (
    SequenceDiscriminator,
    SequenceGenerator,
    keys_of_rows,
    written_at,
)
from gan_jax.remedies.policy_gradient import Estimator, moved_by
from gan_jax.training import Experiment, main


def written_lines(sampler) -> dict[str, Text]:
    """Written sequences, and true ones."""
    drawn = sampler.draw(10)
    lines = [
        [" ".join(map(str, row)) for row in each] for each in (drawn.samples, drawn.rows["real"])
    ]
    return {"samples": texts(*lines)}


def experiment(
    *,
    estimator: Estimator = "reinforce",
    vocabulary: int = 200,
    length: int = 20,
    num_sequences: int = 10_000,
    oracle_seed: int = 0,
    seed: int = 0,
    steps: int = 4000,
    pretraining_steps: int = 2000,
    batch_size: int = 64,
    learning_rate: float = 5e-3,
    adversarial_learning_rate: float = 2e-4,
    discriminator_learning_rate: float = 5e-4,
    width: int = 32,
    discriminator_widths: tuple[int, ...] = (32, 64, 64, 32),
    num_samples: int = 2000,
) -> Experiment:
    """A game of tokens with a known truth.

    Args:
        estimator: what moves the generator after its pre-training.
        vocabulary: how many tokens there are; 5,000 in the paper.
        length: of a sequence.
        num_sequences: that are trained on.
        oracle_seed: of the oracle, which is another one for each.
        seed: of everything else that is drawn.
        steps: rounds of one update for each player, those of the pre-training among them.
        pretraining_steps: rounds of maximum likelihood.
        batch_size: sequences per update.
        learning_rate: of the generator's Adam in the pre-training.
        adversarial_learning_rate: of the same after it.
        discriminator_learning_rate: of the discriminator's Adam.
        width: of the generator's embedding and state, and of the oracle's.
        discriminator_widths: features of windows of one token, of two, and so on.
        num_samples: written for the figures.
    """

    @cache
    def oracle():
        return random_oracle(vocabulary=vocabulary, length=length, width=width, seed=oracle_seed)

    if estimator == "likelihood":
        rates = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.01)
    else:
        falling = optax.cosine_decay_schedule(learning_rate, max(pretraining_steps, 1), alpha=0.01)
        slow = optax.constant_schedule(adversarial_learning_rate)
        rates = optax.join_schedules([falling, slow], [pretraining_steps])
    game = Game(
        generator=SequenceGenerator(vocabulary, length, width),
        discriminator=(
            Absent() if estimator == "likelihood" else SequenceDiscriminator(discriminator_widths)
        ),
        generator_optimizer=optax.chain(optax.clip_by_global_norm(5.0), optax.adam(rates)),
        discriminator_optimizer=optax.adam(discriminator_learning_rate, b1=0.5),
        latent_fn=keys_of_rows,
        **moved_by(estimator, vocabulary, pretraining=pretraining_steps, steps=steps),
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=lambda: written_by(oracle(), num_sequences, seed=1),
            held_out_fn=lambda: written_by(oracle(), num_samples, seed=2),
            prepare_fn=tokens_as_real,
        ),
        draw_fn=written_at,
        draw_options={"temperature": 1.0},
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=written_lines,
        evaluators={
            "oracle": lambda data: oracle_likelihood(
                data,
                log_probs_fn=oracle().log_probs_fn,
                vocabulary=vocabulary,
                num_samples=num_samples,
                temperatures=(0.9, 0.8, 0.6),
            ),
            "model": lambda data: model_likelihood(
                data, log_probs_fn=oracle().log_probs_fn, vocabulary=vocabulary
            ),
        },
        evaluate_every_steps=500,
        best_metric="model/nll_model",
        log_every_steps=100,
        sample_every_steps=1000,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            vocabulary=12,
            length=6,
            num_sequences=64,
            steps=4,
            pretraining_steps=2,
            batch_size=8,
            width=8,
            discriminator_widths=(4, 4),
            num_samples=32,
        ),
    )
