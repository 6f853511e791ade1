"""Shakespeare's plays, character by character: maximum likelihood, and an adversary after it.

    python experiments/sequences/shakespeare.py --data-dir DIR                   # a folder that holds tiny_shakespeare
    python experiments/sequences/shakespeare.py --data-dir DIR --estimator likelihood

Windows of 32 characters. The generator is an LSTM; after a pre-training it is moved by reinforce (with a baseline), by
maligan or by gumbel, as in text_oracle.py, where the truth is known. Here it is not: counted n-grams of the text judge
what is written, n-grams of what is written judge held-out text, and both together tell a good model from one that
repeats itself. The same network with likelihood alone, also at lower temperatures, is what an adversary must beat.
"""

from functools import cache
from pathlib import Path

import optax

from gan_jax.data import Data
from gan_jax.data.text import Characters, texts_of, tiny_shakespeare, tokens_as_real, windows
from gan_jax.drawing.artefacts import Text
from gan_jax.drawing.compose import texts
from gan_jax.game import Game
from gan_jax.metrics.evaluators.texts import texts_written
from gan_jax.metrics.evaluators.tokens import model_likelihood
from gan_jax.models.absent import Absent
from gan_jax.models.sequences import (
    SequenceDiscriminator,
    SequenceGenerator,
    keys_of_rows,
    written_at,
)
from gan_jax.remedies.policy_gradient import Estimator, moved_by
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path | None = None,
    estimator: Estimator = "reinforce",
    split: str = "train",
    held_out_split: str = "test",
    length: int = 32,
    seed: int = 0,
    steps: int = 6000,
    pretraining_steps: int = 5000,
    batch_size: int = 64,
    learning_rate: float = 5e-3,
    adversarial_learning_rate: float = 1e-4,
    discriminator_learning_rate: float = 5e-4,
    width: int = 160,
    discriminator_widths: tuple[int, ...] = (32, 64, 64, 64),
    num_samples: int = 2000,
) -> Experiment:
    """A game of characters.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        estimator: what moves the generator after its pre-training.
        split: of the text.
        held_out_split: that is never trained on.
        length: characters of a window.
        seed: of everything that is drawn.
        steps: rounds of one update for each player, those of the pre-training among them.
        pretraining_steps: rounds of maximum likelihood.
        batch_size: windows per update.
        learning_rate: of the generator's Adam in the pre-training.
        adversarial_learning_rate: of the same after it.
        discriminator_learning_rate: of the discriminator's Adam.
        width: of the generator's embedding and state.
        discriminator_widths: features of windows of one character, of two, and so on.
        num_samples: written for the figures.
    """

    @cache
    def text(split: str) -> str:
        return tiny_shakespeare(split, data_dir)

    @cache
    def characters() -> Characters:
        return Characters("".join(map(chr, (10, *range(32, 127)))))  # a line feed, and ASCII

    def lines(sampler) -> dict[str, Text]:
        """What was written, and held-out text."""
        drawn = sampler.draw(24)
        names = characters().names
        return {
            "samples": texts(texts_of(drawn.samples, names), texts_of(drawn.rows["real"], names))
        }

    vocabulary = len(characters())
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
            source_fn=lambda: windows(text(split), characters(), length),
            held_out_fn=lambda: windows(
                text(held_out_split)[: 2000 + length], characters(), length
            ),
            prepare_fn=tokens_as_real,
        ),
        draw_fn=written_at,
        draw_options={"temperature": 1.0},
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=lines,
        evaluators={
            "texts": lambda data: texts_written(
                data,
                characters=characters(),
                training_text=text(split),
                held_out_text=text(held_out_split),
                num_samples=num_samples,
                temperatures=(0.8, 0.6),
            ),
            "model": lambda data: model_likelihood(data, vocabulary=vocabulary),
        },
        evaluate_every_steps=2000,
        best_metric="model/nll_model",
        log_every_steps=100,
        sample_every_steps=1000,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            length=8,
            steps=4,
            pretraining_steps=2,
            batch_size=8,
            width=8,
            discriminator_widths=(4, 4),
            num_samples=32,
        ),
    )
