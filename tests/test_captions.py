"""Words in, images out: the grammar, the scenes, the encoders, and who is shown what."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.commands.sample import _numbers_of
from gan_jax.context import Context, Exhibit
from gan_jax.data.captions import (
    COLORS,
    LAYOUTS,
    NONE,
    PLACES,
    VOCABULARY,
    captions_of,
    cells_of,
    encoded,
    held_out_combinations,
    is_held_out,
    scenes,
)
from gan_jax.models.captions import TalkedHead, WordEncoder, mismatched

key = jax.random.key(0)


@pytest.fixture(scope="module")
def digits():
    """Twenty white squares, one size for each digit."""
    images = np.zeros((20, 28, 28, 1), np.uint8)
    for index, image in enumerate(images):
        image[4 : 8 + index % 10, 4:20] = 255
    return images, np.arange(20) % 10


def test_every_caption_has_known_words_and_says_one_thing():
    meanings = {}
    for layout, pair, color in itertools.product(range(6), [(3, 7), (7, 3)], [(0, 2), (1, 1)]):
        if len(LAYOUTS[layout]) == 1:
            pair, color = (pair[0], NONE), (color[0], NONE)
        for caption in captions_of(layout, pair, color):
            assert len(encoded(caption)) == 8
            assert meanings.setdefault(caption, (layout, pair, color)) == (layout, pair, color)
    assert captions_of(4, (3, 7), (0, 2))[0] == "a red three above a blue seven"
    assert "a blue seven under a red three" in captions_of(4, (3, 7), (0, 2))
    with pytest.raises(ValueError, match="'purple' is no word of these captions: they have red"):
        encoded("a purple three at the top side")
    with pytest.raises(ValueError, match="1 to 8 words, got 9"):
        encoded("a a a a a a a a a")


def test_held_out_combinations_are_a_tenth_and_no_seen_scene_has_one(digits):
    assert held_out_combinations().sum() == 20
    for part, expected in (("seen", False), ("held out", True)):
        made = scenes(*digits, None, num=60, combinations=part).arrays
        found = is_held_out(made["layout"], made["digits"], made["colors"])
        assert len(found) == 60 and (found == expected).all()


def test_ink_lies_where_the_layout_says_in_the_color_that_is_named(digits):
    photographs = np.full((2, 32, 32, 3), 100, np.uint8)
    made = scenes(*digits, photographs, num=40, seed=3).arrays
    inks = np.array(list(COLORS.values()))
    assert {made["image"][i, 31, 31, 0] for i in range(40)} >= {0, 50}  # black, half as bright
    for image, layout, colors in zip(made["image"], made["layout"], made["colors"], strict=True):
        outside = np.ones((32, 32), bool)
        for place in LAYOUTS[layout]:
            top, left = PLACES[place]
            outside[top : top + 16, left : left + 16] = False
        assert len(np.unique(image[outside])) == 1
        for cell, color in zip(cells_of(image, layout), colors, strict=False):
            assert (cell == inks[color]).all(-1).any()
    with pytest.raises(ValueError, match="scenes need every digit, and there is no nine"):
        scenes(digits[0][:9], digits[1][:9], None, num=4)


def test_the_command_line_reads_a_caption_as_the_data_do():
    asked = _numbers_of("A green two left of a red nine", list(VOCABULARY), 8)
    np.testing.assert_array_equal(asked, encoded("a green two left of a red nine"))
    with pytest.raises(ValueError, match="knows no word 'eleven'"):
        _numbers_of("eleven", list(VOCABULARY), 8)


def test_an_encoder_reads_to_the_last_word_and_no_further():
    network = WordEncoder(9, 5)
    captions = jnp.array([[3, 4, 0, 0], [3, 4, 5, 0], [4, 3, 0, 0]])

    @jax.jit
    def read(captions):
        variables = network.init(key, captions)
        return network.apply(variables, captions), network.apply(variables, captions[:, :3])

    states, shorter = read(captions)
    np.testing.assert_allclose(states, shorter, atol=1e-6)  # empty words change nothing
    assert abs(states[0] - states[1]).max() > 1e-3 and abs(states[0] - states[2]).max() > 1e-3
    with pytest.raises(ValueError, match="captions must be integers"):
        network.init(key, jnp.zeros((2, 4)))


def test_a_real_image_with_anothers_caption_is_called_fake():
    said = jnp.array([0.0, 1.0, 2.0])
    real = Exhibit(jnp.ones(3), condition=said, judge_fn=lambda x, c: (x * c, {}))
    term = mismatched(2.0)["mismatched"]
    found = term.term_fn(key, Context(real=real, fake=Exhibit(None)))
    np.testing.assert_allclose(found, np.log1p(np.exp([2.0, 0.0, 1.0])), rtol=1e-6)
    assert term.weight == 2.0


def test_what_was_said_is_projected_on_the_features():
    head = TalkedHead(encoder_fn=lambda: WordEncoder(5, 4))
    features, captions = jnp.ones((2, 6)), jnp.array([[1, 2, 0], [2, 1, 0]])
    logits = jax.jit(lambda: head.init_with_output(key, features, captions, train=True)[0])()
    assert logits.shape == (2,) and abs(logits[0] - logits[1]) > 1e-4
