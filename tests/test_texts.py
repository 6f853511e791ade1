"""Texts: characters and windows, n-grams in closed form, and what is various or copied."""

import itertools

import numpy as np
import pytest
from experiment_files import file_of
from test_experiments import run_tiny

from gan_jax.data.oracle import random_oracle, written_by
from gan_jax.data.text import Characters, texts_of, windows
from gan_jax.metrics.evaluators.tokens import distinct
from gan_jax.metrics.ngrams import NGrams, bleu, known_words, longest_copy
from gan_jax.training.figures_log import read_figures

DEVICES = 1


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(name, marks=pytest.mark.thorough if name == "reinforce" else pytest.mark.slow)
        for name in ("likelihood", "reinforce", "maligan", "gumbel")
    ],
)
def test_tiny(estimator, tmp_path, monkeypatch, capsys):
    run_tiny(monkeypatch, file_of("text_oracle"), tmp_path, "--estimator", estimator)
    assert f"samples  {tmp_path}" in capsys.readouterr().out
    lines = read_figures(tmp_path / "figures.jsonl")
    found = {line["row"]: line["value"] for line in lines if line["figure"] == "nll_oracle"}
    assert found["real"] < found["uniform"] and "temperature 0.6" in found


def test_windows_are_every_run_and_read_as_they_were_written():
    characters = Characters("abracadabra")
    assert characters.names == ("a", "b", "c", "d", "r")
    source = windows("abracad", characters, 4)
    assert len(source) == 4 and texts_of(source.arrays["tokens"], characters.names)[1] == "brac"
    with pytest.raises(ValueError, match="characters 'x', 'y' are not among the 5"):
        windows("abxy", characters, 2)
    with pytest.raises(ValueError, match="windows of 9 characters need a text as long, got 2"):
        windows("ab", characters, 9)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_probabilities_of_ngrams_sum_to_one_also_after_what_was_never_seen(order):
    grams = NGrams(["abracadabra", "bacca"], order=order, vocabulary=5)
    for context in ("", "a", "ab", "xyz", "dab"):
        assert sum(grams.probability(c, context) for c in "abcdr") == pytest.approx(1.0)


def test_witten_and_bell_by_hand():
    grams = NGrams(["aab"], order=1, vocabulary=4)
    a, after_a = (2 + 2 / 4) / 5, (1 + 2 * (2 + 2 / 4) / 5) / 4  # a and b after nothing; after a
    assert grams.probability("a", "") == pytest.approx(a)
    assert grams.probability("a", "a") == pytest.approx(after_a)
    assert grams.bits("aa") == pytest.approx(-np.log2(a * after_a) / 2)
    assert NGrams([], order=2, vocabulary=8).bits("abc") == 3.0  # knows nothing


def test_words_copies_and_runs():
    assert known_words(["xx the cat yy", "a dgo b"], frozenset({"the", "cat"})) == pytest.approx(
        2 / 3
    )
    assert longest_copy("xabcy", "zabcabx") == 3 and longest_copy("q", "abc") == 0
    assert distinct(np.array([[1, 2, 1, 2], [1, 2, 3, 3]]), 2) == pytest.approx(4 / 6)


def test_bleu_is_one_of_a_copy_and_clips_what_repeats():
    assert bleu("abcdef", ["xx", "abcdef"]) == pytest.approx(1.0)
    assert bleu("aaaa", ["ab"], order=1) == pytest.approx(0.25)
    assert bleu("abab", ["ba"], order=2) == pytest.approx((0.5 * 1 / 3) ** 0.5)
    assert bleu("abc", ["xyz"]) == 0.0


def test_an_oracle_knows_its_own_entropy():
    oracle = random_oracle(vocabulary=4, length=3, width=4, seed=1)
    every = np.array(list(itertools.product(range(4), repeat=3)), np.int32)
    likely = np.exp(np.asarray(oracle.log_probs_fn(every)).sum(1))
    assert likely.sum() == pytest.approx(1.0, rel=1e-4)
    tokens = written_by(oracle, 2500, seed=3).arrays["tokens"]
    found = -np.asarray(oracle.log_probs_fn(tokens)).sum(1)
    entropy = -(likely * np.log(likely)).sum()
    assert abs(found.mean() - entropy) < 4.5 * found.std() / np.sqrt(len(found))
    np.testing.assert_array_equal(
        tokens[:1000], written_by(oracle, 2500, seed=3).arrays["tokens"][:1000]
    )
