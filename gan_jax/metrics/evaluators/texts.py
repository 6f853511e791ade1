"""The evaluator of texts of characters: both ways under counted n-grams, and whether they are various or copied."""

from collections.abc import Mapping

import numpy as np

from gan_jax.data import Data
from gan_jax.data.text import Characters, texts_of
from gan_jax.drawing import Drawn
from gan_jax.drawing.sampler import real
from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure
from gan_jax.metrics.evaluators.rows import of_rows
from gan_jax.metrics.evaluators.tokens import distinct
from gan_jax.metrics.ngrams import NGrams, bleu, known_words, longest_copy, split_words

_COMPARED = (
    200  # samples whose BLEU against one another is taken, and whose copies are sought: slow
)


def texts_written(
    data: Data,
    *,
    characters: Characters,
    training_text: str,
    held_out_text: str,
    order: int = 4,
    num_samples: int = 2000,
    temperatures: tuple[float, ...] = (),
) -> Evaluator:
    """What is written, measured with the text that it was learned from.

    ``bits_written``: bits a character of the samples under n-grams of the training text: low where they look
    like it, and lowest where they repeat one likely run. ``bits_held_out``: bits a character of the held-out
    text under n-grams of the samples: low only where they are like it and various. Text is measured in the row
    ``real``, as many windows of the held-out text.

    Args:
        data: whose ``real`` are windows of tokens.
        characters: the vocabulary.
        training_text: that was trained on.
        held_out_text: that was not.
        order: characters of an n-gram's context.
        num_samples: of a row.
        temperatures: at which the run's draw option ``temperature`` is measured too.
    """
    num = min(num_samples, data.size("held_out"))
    options = dict(order=order, vocabulary=len(characters))
    learned = NGrams([training_text], **options)
    words = frozenset(split_words(training_text))
    tested = held_out_text[:20_000]

    def observe(drawn: Drawn) -> np.ndarray:
        return np.asarray(drawn.samples)

    def figures(tokens: np.ndarray) -> Mapping[str, float]:
        texts = texts_of(tokens, characters.names)
        few = texts[:_COMPARED]
        return {
            "bits_written": float(np.mean([learned.bits(text) for text in texts])),
            "bits_held_out": NGrams(texts, **options).bits(tested),
            "known_words": known_words(texts, words),
            "distinct_4": distinct(tokens, 4),
            "self_bleu": float(
                np.mean([bleu(text, few[:i] + few[i + 1 :]) for i, text in enumerate(few[:20])])
            ),
            "longest_copy": float(
                np.mean([longest_copy(text, training_text) for text in few[:50]])
            ),
        }

    return Evaluator(
        measure_fn=of_rows(figures, observe, resamples=0),
        figures={
            "bits_written": Figure("bits a character of what is written", "less"),
            "bits_held_out": Figure("bits a character of held-out text", "less"),
            "known_words": Figure("words that the text knows", "more"),
            "distinct_4": Figure("distinct runs of 4 characters", "more"),
            "self_bleu": Figure("self-BLEU"),
            "longest_copy": Figure("longest copied run", digits=1),
        },
        protocol={
            "description": f"{num:,} samples a row; n-grams with contexts of {order} characters by Witten and Bell; the "
            f"first {len(tested):,} held-out characters; self-BLEU of 20 samples against "
            f"{_COMPARED - 1}, the longest copies of 50",
            "data": data.fingerprints(),
        },
        num=num,
        references={"real": real},
        settings={f"temperature {t:g}": {"temperature": t} for t in temperatures},
    )
