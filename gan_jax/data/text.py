"""A text as sequences of characters: window i begins at character i."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import jax
import numpy as np

from gan_jax.data.arrays import ArraySource
from gan_jax.data.tfds import tfds_source


class Characters:
    """Which characters there are, and their numbers.

    Args:
        text: whose characters they are, in the order of their code points.
    """

    def __init__(self, text: str):
        if not text:
            raise ValueError("a vocabulary needs a text, got an empty one")
        self.names: tuple[str, ...] = tuple(sorted(set(text)))
        self._numbers = {character: number for number, character in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def encoded(self, text: str) -> np.ndarray:
        """Numbers of the characters, int32 ``[len(text)]``.

        Raises:
            ValueError: one is not in the vocabulary.
        """
        if unknown := sorted(set(text) - set(self.names)):
            raise ValueError(
                f"characters {', '.join(map(repr, unknown[:5]))} are not among the {len(self)} of this "
                "vocabulary: it comes from the training text"
            )
        return np.array([self._numbers[character] for character in text], np.int32)

    def decoded(self, tokens: Iterable[int]) -> str:
        """The text of numbers."""
        return "".join(self.names[token] for token in tokens)


def windows(text: str, characters: Characters, length: int) -> ArraySource:
    """Every run of ``length`` characters: ``tokens`` int32 ``[len(text) - length + 1, length]``, one array of memory.

    Args:
        text: of them.
        characters: the vocabulary.
        length: of a window.

    Raises:
        ValueError: the text is shorter, or holds other characters.
    """
    if not 0 < length <= len(text):
        raise ValueError(f"windows of {length} characters need a text as long, got {len(text)}")
    tokens = np.lib.stride_tricks.sliding_window_view(characters.encoded(text), length)
    return ArraySource({"tokens": np.ascontiguousarray(tokens)})


def tiny_shakespeare(split: str, data_dir: Path | None = None) -> str:
    """A million characters of plays, or their held-out part: ``train``, ``validation``, ``test``.

    Args:
        split: of TFDS's ``tiny_shakespeare``.
        data_dir: a folder of prepared TFDS data sets.

    References:
        Karpathy 2015, "The Unreasonable Effectiveness of Recurrent Neural Networks".
    """
    (example,) = tfds_source("tiny_shakespeare", split=split, data_dir=data_dir)
    text = example["text"]
    return text.decode() if isinstance(text, bytes) else str(text)


def tokens_as_real(key: jax.Array, example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """A ``prepare_fn``: the tokens of an example, under the name that a game asks for."""
    return {"real": example["tokens"]}


def texts_of(tokens: np.ndarray, names: Sequence[str]) -> list[str]:
    """Sequences ``[n, T]`` of numbers as texts."""
    return ["".join(names[token] for token in row) for row in np.asarray(tokens)]
