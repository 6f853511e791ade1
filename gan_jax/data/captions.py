"""Small scenes and what is said of them: one or two digits in colored ink, and a caption of a small grammar.

    digits, photographs = ...                       # uint8 [N, 28, 28, 1] with labels; uint8 [M, 32, 32, 3]
    source = scenes(digits, labels, photographs, num=50_000, combinations="seen", seed=0)

A tenth of the 200 combinations of digit, color and place is held out: no scene of the others holds one. A model that
draws them too has learned that a caption is made of parts.
"""

import itertools
from typing import Literal

import numpy as np
from PIL import Image

from gan_jax.data.arrays import ArraySource

COLORS = {
    "red": (255, 40, 40),
    "green": (40, 200, 60),
    "blue": (60, 90, 255),
    "yellow": (250, 220, 40),
    "white": (255, 255, 255),
}
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# top left corners of cells of 16x16 pixels; two digits stand above or beside each other
PLACES = {"top": (0, 8), "bottom": (16, 8), "left": (8, 0), "right": (8, 16)}
LAYOUTS = (("top",), ("bottom",), ("left",), ("right",), ("top", "bottom"), ("left", "right"))
CELL, SIZE, LENGTH, VARIANTS = 16, 32, 8, 4
NONE = -1  # the digit and the color of a second digit that is not there

_SYNONYMS = {"top": ("top", "upper"), "bottom": ("bottom", "lower")}
_FORWARD = {"top": ("above", "over"), "left": ("left of",)}
_BACKWARD = {"top": ("below", "under"), "left": ("right of",)}
_WORDS = [*COLORS, *DIGITS, *PLACES, "upper", "lower", "above", "over", "below", "under", "of"]
VOCABULARY = ("", *dict.fromkeys([*_WORDS, "a", "the", "at", "in", "is", "side"]))  # 0: no word

Combinations = Literal["seen", "held out", "all"]


def encoded(caption: str) -> np.ndarray:
    """Numbers of the words of a caption, filled up with 0: int32 ``[8]``.

    Raises:
        ValueError: a word is not in the vocabulary, or there are too many.
    """
    words = caption.lower().replace(",", " ").split()
    if unknown := [word for word in words if word not in VOCABULARY]:
        known = ", ".join(VOCABULARY[1:])
        raise ValueError(f"{unknown[0]!r} is no word of these captions: they have {known}")
    if not 0 < len(words) <= LENGTH:
        raise ValueError(f"a caption has 1 to {LENGTH} words, got {len(words)}: {caption!r}")
    numbers = [VOCABULARY.index(word) for word in words]
    return np.array(numbers + [0] * (LENGTH - len(numbers)), np.int32)


def captions_of(layout: int, digits: tuple[int, int], colors: tuple[int, int]) -> list[str]:
    """Every caption of a scene.

    Args:
        layout: which of :data:`LAYOUTS`.
        digits: of the first place and the second.
        colors: likewise, as numbers of :data:`COLORS`.
    """
    things = [
        f"{list(COLORS)[color]} {DIGITS[digit]}"
        for digit, color in zip(digits, colors, strict=True)
        if digit != NONE
    ]
    places = LAYOUTS[layout]
    if len(places) == 2:
        first, second = things
        forward = [f"a {first} {how} a {second}" for how in _FORWARD[places[0]]]
        return forward + [f"a {second} {how} a {first}" for how in _BACKWARD[places[0]]]
    found = []
    for place in _SYNONYMS.get(places[0], (places[0],)):
        color, digit = things[0].split()
        found += [
            f"a {things[0]} at the {place} side",
            f"the {place} side is a {things[0]}",
            f"the {digit} at the {place} is {color}",
            f"{things[0]} {place}",
        ]
    return found


def held_out_combinations(*, share: float = 0.1) -> np.ndarray:
    """Which digit in which color at which place is never trained on: bool ``[10, 5, 4]``, always the same."""
    num = len(DIGITS) * len(COLORS) * len(PLACES)
    chosen = np.random.default_rng(0).permutation(num) < round(share * num)
    return chosen.reshape(len(DIGITS), len(COLORS), len(PLACES))


def scenes(
    digits: np.ndarray,
    labels: np.ndarray,
    photographs: np.ndarray | None,
    *,
    num: int,
    combinations: Combinations = "seen",
    seed: int = 0,
) -> ArraySource:
    """Scenes, each with four of its captions; half of them on a photograph, if there are any.

    Args:
        digits: uint8 ``[N, 28, 28, 1]``.
        labels: integers ``[N]``.
        photographs: uint8 ``[M, 32, 32, 3]``, shown at half their brightness; None leaves all black.
        num: of scenes.
        combinations: ``seen`` holds no combination that is held out, ``held out`` one at least in
            each scene, ``all`` does not look.
        seed: of everything that is drawn.

    Returns:
        ``image`` uint8 ``[num, 32, 32, 3]``, ``captions`` int32 ``[num, 4, 8]``, ``layout`` int32
        ``[num]``, ``digits`` and ``colors`` int32 ``[num, 2]``.
    """
    random = np.random.default_rng(seed)
    small = np.stack([_shrunk(digit) for digit in digits])
    by_digit = [np.flatnonzero(labels == digit) for digit in range(len(DIGITS))]
    if empty := [DIGITS[digit] for digit, found in enumerate(by_digit) if not len(found)]:
        raise ValueError(f"scenes need every digit, and there is no {empty[0]}")
    inks = np.array(list(COLORS.values()), float)
    chosen = _attributes(random, num, combinations)
    images = np.zeros((num, SIZE, SIZE, 3), np.uint8)
    if photographs is not None:
        with_one = random.random(num) < 0.5
        images[with_one] = photographs[random.integers(len(photographs), size=with_one.sum())] // 2
    captions = np.zeros((num, VARIANTS, LENGTH), np.int32)
    layouts, which, colors = chosen
    for index, (image, layout) in enumerate(zip(images, layouts, strict=True)):
        for slot, place in enumerate(LAYOUTS[layout]):
            top, left = PLACES[place]
            cell = image[top : top + CELL, left : left + CELL]
            opacity = small[random.choice(by_digit[which[index, slot]])][..., None] / 255.0
            mixed = opacity * inks[colors[index, slot]] + (1.0 - opacity) * cell
            cell[:] = mixed.round().astype(np.uint8)
        said = captions_of(layout, tuple(which[index]), tuple(colors[index]))
        picked = random.permutation(np.resize(np.arange(len(said)), max(VARIANTS, len(said))))
        captions[index] = [encoded(said[i]) for i in picked[:VARIANTS]]
    return ArraySource(
        {
            "image": images,
            "captions": captions,
            "layout": layouts.astype(np.int32),
            "digits": which.astype(np.int32),
            "colors": colors.astype(np.int32),
        },
        names={"condition": VOCABULARY},
    )


def cells_of(image: np.ndarray, layout: int) -> list[np.ndarray]:
    """The cells ``[16, 16, 3]`` of a scene ``[32, 32, 3]`` in which a layout puts its digits."""
    corners = [PLACES[place] for place in LAYOUTS[layout]]
    return [image[top : top + CELL, left : left + CELL] for top, left in corners]


def is_held_out(layouts: np.ndarray, digits: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Whether scenes hold a combination that is held out: bool ``[n]``."""
    table, names = held_out_combinations(), list(PLACES)
    return np.array(
        [
            any(
                table[which, color, names.index(place)]
                for place, which, color in zip(LAYOUTS[layout], *pair, strict=False)
            )
            for layout, *pair in zip(layouts, digits, colors, strict=True)
        ]
    )


def _attributes(random: np.random.Generator, num: int, combinations: Combinations):
    """Layouts, digits and colors of scenes that hold what is asked for."""
    found: list[tuple[np.ndarray, ...]] = []
    for _ in itertools.count():
        layouts = random.integers(len(LAYOUTS), size=num)
        digits = random.integers(len(DIGITS), size=(num, 2))
        colors = random.integers(len(COLORS), size=(num, 2))
        single = np.array([len(LAYOUTS[layout]) == 1 for layout in layouts])
        digits[single, 1] = colors[single, 1] = NONE
        held_out = is_held_out(layouts, digits, colors)
        fits = {"seen": ~held_out, "held out": held_out, "all": held_out | True}[combinations]
        found.append((layouts[fits], digits[fits], colors[fits]))
        if sum(len(part[0]) for part in found) >= num:
            return [np.concatenate(parts)[:num] for parts in zip(*found, strict=True)]


def _shrunk(digit: np.ndarray) -> np.ndarray:
    """A digit of 28x28 pixels as 16x16."""
    picture = Image.fromarray(digit[..., 0]).resize((CELL, CELL), Image.Resampling.BOX)
    return np.asarray(picture)
