"""Texts in the eyes of counted runs of characters: how likely, how various, how copied.

References:
    Witten and Bell 1991, doi 10.1109/18.87000, method C; Chen and Goodman 1999, doi 10.1006/csla.1999.0128, equation 16;
    Zhu et al. 2018, arXiv 1802.01886 (self-BLEU); Papineni et al. 2002, doi 10.3115/1073083.1073135 (BLEU).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence


class NGrams:
    """Counts of the characters after each context, interpolated by Witten and Bell.

    ``p(c | h) = (count(h c) + kinds(h) p(c | h')) / (count(h) + kinds(h))``: h' is h without its first
    character, kinds(h) how many different characters followed it; beyond the empty context all
    characters of the vocabulary are equally likely.

    Args:
        texts: that are counted, each by itself.
        order: characters of the longest context.
        vocabulary: how many characters there are.
    """

    def __init__(self, texts: Sequence[str], *, order: int, vocabulary: int):
        if order < 0 or vocabulary < 1:
            raise ValueError(f"expected order >= 0 and vocabulary >= 1, got {order}, {vocabulary}")
        self.order, self.vocabulary = order, vocabulary
        self._after: dict[str, Counter] = defaultdict(Counter)
        for text in texts:
            for place, character in enumerate(text):
                for length in range(min(order, place) + 1):
                    self._after[text[place - length : place]][character] += 1
        self._totals = {context: sum(found.values()) for context, found in self._after.items()}

    def probability(self, character: str, context: str) -> float:
        """``p(character | the last ``order`` of context)``."""
        value = 1.0 / self.vocabulary
        for length in range(min(self.order, len(context)) + 1):
            seen = context[len(context) - length :]
            if seen not in self._totals:
                break
            found, kinds = self._after[seen], len(self._after[seen])
            value = (found[character] + kinds * value) / (self._totals[seen] + kinds)
        return value

    def bits(self, text: str) -> float:
        """Bits a character of a text."""
        total = sum(
            math.log2(self.probability(character, text[max(0, place - self.order) : place]))
            for place, character in enumerate(text)
        )
        return -total / len(text)


def known_words(texts: Sequence[str], words: frozenset[str]) -> float:
    """The share of whole words in texts (those between two others) that are among ``words``."""
    inner = [word for text in texts for word in split_words(text)[1:-1]]
    return sum(word in words for word in inner) / max(len(inner), 1)


def split_words(text: str) -> list[str]:
    """Words in small letters, without what stands between them."""
    return "".join(c if c.isalpha() or c == "'" else " " for c in text.lower()).split()


def longest_copy(text: str, source: str) -> int:
    """Characters of the longest run of a text that the source holds."""
    best = 0
    for start in range(len(text)):
        while start + best < len(text) and text[start : start + best + 1] in source:
            best += 1
    return best


def bleu(candidate: Sequence, references: Sequence[Sequence], order: int = 4) -> float:
    """The geometric mean of clipped precisions of runs of 1 .. order, 0 where one is 0; all of one length.

    Args:
        candidate: a sequence.
        references: sequences that it is compared with.
        order: of the longest run.
    """
    logs = 0.0
    for size in range(1, order + 1):
        found = runs(candidate, size)
        most: Counter = Counter()
        for reference in references:
            most |= runs(reference, size)
        clipped = sum((found & most).values())
        if not clipped:
            return 0.0
        logs += math.log(clipped / found.total()) / order
    return math.exp(logs)


def runs(sequence: Sequence, size: int) -> Counter:
    """Counts of its runs of one size."""
    return Counter(tuple(sequence[i : i + size]) for i in range(len(sequence) - size + 1))
