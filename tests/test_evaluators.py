"""Evaluators of nine kinds in a few lines each, and ours of pairs, classes and scores.

No game: a sampler takes any function, so what each must find is known in closed form.
"""

import jax
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from gan_jax.data import ArraySource, Data, as_is
from gan_jax.drawing import Sampler
from gan_jax.drawing.sampler import noise, real
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators import Evaluator, Figure, asked, by_row, of_rows
from gan_jax.metrics.evaluators.asked import asked_class, gan_train
from gan_jax.metrics.evaluators.codes import matched_accuracy, unsupervised_accuracy
from gan_jax.metrics.evaluators.frechet import frechet
from gan_jax.metrics.evaluators.paired import paired
from gan_jax.metrics.evaluators.scores import detection
from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.ms_ssim import ssim
from gan_jax.metrics.networks.network import FeatureNetwork
from gan_jax.metrics.psnr import psnr

DEVICES = 1
KEY = jax.random.key(7)


def data_of(training=None, prepare_fn=as_is, **held_out):
    """Held-out rows of these arrays; training rows like them without more words."""
    first = held_out if training is None else training
    return Data(
        source_fn=lambda: ArraySource(first),
        held_out_fn=lambda: ArraySource(held_out),
        prepare_fn=prepare_fn,
    )


def measured(evaluator, data, draw_fn=None, key=KEY):
    """As the engine does it: the run's draw function, or the evaluator's own."""
    draw_fn = evaluator.draw_fn or draw_fn
    sampler = Sampler(
        lambda key, latents, rows: draw_fn(None, latents, rows),
        evaluator.latents_fn, key, data=data, num=evaluator.num,
    )  # fmt: skip
    found = evaluator.measure_fn(sampler)
    found = found if isinstance(found, tuple) else (found, {})
    assert found[0].keys() == evaluator.figures.keys()
    return found


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def evaluator_of(measure_fn, *names, num=None, **options):
    figures = {name: Figure(name) for name in names}
    return Evaluator(measure_fn=measure_fn, figures=figures, protocol={}, num=num, **options)


# Nine kinds, two to eight lines each


def scalars(num):
    figures = of_rows(lambda x: {"mean": x.mean(), "std": x.std()}, lambda drawn: drawn.samples)
    return evaluator_of(figures, "mean", "std", num=num)


def test_scalars_and_the_errors_of_their_mean_and_deviation():
    num = 4000
    data = data_of(real=normal(10, 1))
    evaluator = scalars(num)

    def draw_fn(players, keys, rows):
        return 3 + 2 * jax.vmap(jax.random.normal)(keys)

    figures, rows = measured(evaluator, data, draw_fn)
    for name, value, error in (
        ("mean", 3, 2 / np.sqrt(num)),
        ("std", 2, 2 / np.sqrt(2 * num)),
    ):
        assert abs(figures[name].value - value) < 4 * error
        assert 0.8 < figures[name].standard_error / error < 1.25
    assert figures == measured(evaluator, data, draw_fn)[0]  # the same resamples
    assert not rows


def sequences(num):
    def lag_1(seen):
        return {"lag_1": seen["products"].sum() / seen["squares"].sum()}

    def observe(drawn):
        before, after = drawn.samples[:, :-1], drawn.samples[:, 1:]
        return {"products": before * after, "squares": before**2}

    return evaluator_of(of_rows(lag_1, observe, 50), "lag_1", num=num)


def test_sequences_of_a_known_correlation():
    def chain(players, keys, rows):
        noise = jax.vmap(lambda key: jax.random.normal(key, (64,)))(keys)

        def step(last, new):
            return ((last := 0.6 * last + 0.8 * new), last)

        return jax.lax.scan(step, noise[:, 0], noise.T)[1].T

    figures, _ = measured(sequences(500), data_of(real=normal(300, 64)), chain)
    value, error = figures["lag_1"]
    assert abs(value - 0.6) < 4 * error < 0.04


def labeled(data):
    accuracy = by_row(lambda d: {"accuracy": d.samples.argmax(1) == d.rows["condition"]})
    return evaluator_of(accuracy, "accuracy", references={"real": real})


def test_labeled_images_of_which_every_third_is_of_another_class():
    place = np.arange(300)
    data = data_of(real=np.eye(3)[place % 3], condition=place % 3, place=place)

    def draw_fn(players, keys, rows):
        wrong = rows["place"] % 10 < 3
        return np.eye(3)[(rows["condition"] + wrong) % 3]

    figures, rows = measured(labeled(data), data, draw_fn)
    assert figures["accuracy"].value == pytest.approx(0.7)
    np.testing.assert_array_equal(rows["accuracy"], rows["id"] % 10 >= 3)
    assert measured(labeled(data), data, real)[0]["accuracy"] == (1.0, 0.0)


def pairs(data):
    decibels = by_row(lambda drawn: {"psnr": psnr(drawn.samples, drawn.rows["real"])})
    references = {"input": lambda players, keys, rows: rows["input"]}
    return evaluator_of(decibels, "psnr", references=references)


def test_pairs_of_input_and_truth():
    shift = np.linspace(0.01, 0.5, 241, dtype=np.float32)
    truth = 0.1 * normal(241, 4, 4, 1)
    data = data_of(real=truth, input=truth + shift[:, None, None, None])
    figures, rows = measured(pairs(data), data, pairs(data).references["input"])
    expected = 20 * np.log10(2 / shift)
    np.testing.assert_allclose(rows["psnr"], expected[rows["id"]], rtol=1e-4)
    error = expected.std(ddof=1) / np.sqrt(241)
    np.testing.assert_allclose(figures["psnr"], (expected.mean(), error), rtol=1e-5)


def domains(data):
    def cycles(drawn):
        there = {name: drawn.rows[name]["real"] for name in "ab"}
        return {f"cycle_{name}": np.abs(drawn.samples[name] - there[name])[:, 0] for name in "ab"}

    return evaluator_of(by_row(cycles), "cycle_a", "cycle_b")


def unpaired(training=(300, 500), held_out=(250, 400)):
    def sources(lengths):
        reals = (np.arange(n, dtype=np.float32)[:, None] for n in lengths)
        return {name: ArraySource({"real": each}) for name, each in zip("ab", reals, strict=True)}

    return Data(
        source_fn=lambda: sources(training), held_out_fn=lambda: sources(held_out), prepare_fn=as_is
    )


def test_two_domains_without_pairs():
    data = unpaired()

    def shifted(players, keys, rows):
        return {"a": rows["a"]["real"] + 1, "b": rows["b"]["real"] - 3}

    figures, rows = measured(domains(data), data, shifted)
    assert figures == {"cycle_a": (1.0, 0.0), "cycle_b": (3.0, 0.0)}
    assert len(rows["cycle_a"]) == 250  # as many as the shorter one has


def test_one_of_two_domains_by_its_name():
    sampler = Sampler(lambda key, keys, rows: rows["real"], None, KEY, data=unpaired())
    samples = np.concatenate([drawn.samples[:, 0] for drawn in sampler(of="b")])
    np.testing.assert_array_equal(np.sort(samples), np.arange(400))
    with pytest.raises(ValueError, match="one of the sources a, b"):
        list(unpaired().rows("training", 3, of="c"))


def tokens(probabilities, num):
    bits = by_row(lambda drawn: {"bits": -np.log2(probabilities[drawn.samples]).mean(1)})
    return evaluator_of(bits, "bits", num=num, settings={"temperature 0": {"temperature": 0.0}})


def test_tokens_in_bits():
    probabilities = np.array([0.5, 0.25, 0.125, 0.125])

    def text(players, keys, rows):
        return jax.vmap(
            lambda key: jax.random.categorical(key, np.log(probabilities), shape=(20,))
        )(keys)

    evaluator = tokens(probabilities, 500)
    figures, rows = measured(evaluator, data_of(real=np.zeros((10, 20), np.int32)), text)
    value, error = figures["bits"]
    assert abs(value - 1.75) < 4 * error < 0.05  # the entropy
    assert rows["bits"].shape == (500,)


def clips(data):
    def residual(drawn):
        seconds = np.diff(drawn.samples, n=2, axis=1)  # none on a straight path
        return {"residual": np.abs(seconds).mean((1, 2, 3, 4))}

    return evaluator_of(by_row(residual), "residual", references={"real": real})


def test_clips_on_their_path():
    time = np.arange(5, dtype=np.float32)[:, None, None, None]
    speed = normal(250, 1, 1, 1, 1)
    data = data_of(real=np.broadcast_to(speed * time, (250, 5, 2, 2, 1)))
    assert measured(clips(data), data, real)[0]["residual"].value < 1e-6

    def bent(players, keys, rows):
        return rows["real"] + 0.5 * time**2

    assert measured(clips(data), data, bent)[0]["residual"].value == pytest.approx(1.0, rel=1e-5)


def ranked(data, score_fn):
    def auroc(seen):
        return {"auroc": roc_auc_score(seen["odd"], seen["score"])}

    def observe(drawn):
        return {"odd": drawn.rows["odd"], "score": drawn.samples}

    return evaluator_of(
        of_rows(auroc, observe, groups="odd"), "auroc", draw_fn=score_fn, when="end"
    )


def test_a_score_of_an_own_draw_function():
    data = data_of(real=np.arange(4.0), odd=np.array([False, True, False, True]))
    figures, _ = measured(ranked(data, lambda players, keys, rows: rows["real"]), data)
    assert figures["auroc"].value == 0.75  # 1 > 0, 1 < 2, 3 > 0, 3 > 2


def bound(data, k):
    """Of x = z + e, both standard normal, with proposals from the prior."""

    def draw_fn(players, latents, rows):
        log_weights = norm.logpdf(rows["real"][:, None], np.asarray(latents))  # [n, k, 1]
        return logsumexp(log_weights.sum(2), axis=1) - np.log(k)

    return evaluator_of(
        by_row(lambda drawn: {"bound": drawn.samples}), "bound", draw_fn=draw_fn,
        latents_fn=lambda key, num: jax.random.normal(key, (num, k, 1)),
    )  # fmt: skip


def test_an_importance_weighted_bound_becomes_the_evidence():
    truth = normal(241, 1) * np.sqrt(2)
    data = data_of(real=truth)
    single, many = (measured(bound(data, k), data) for k in (1, 2000))
    evidence = norm.logpdf(truth[:, 0], scale=np.sqrt(2))
    expected = -0.5 * np.log(2 * np.pi) - 0.5 * (truth**2 + 1).mean()  # E log N(x; z, 1)
    assert abs(single[0]["bound"].value - expected) < 4 * single[0]["bound"].standard_error
    assert evidence.mean() - single[0]["bound"].value > 0.2
    gaps = many[1]["bound"] - evidence[many[1]["id"]]
    assert abs(gaps.mean()) < 0.003 and np.abs(gaps).max() < 0.5


# Means by row, and figures of all rows


def test_what_is_not_one_value_for_each_row_is_refused():
    data = data_of(real=normal(250, 3))
    for fn, message in (
        (lambda drawn: {"a": drawn.samples.mean()}, "for each of the 240 rows"),
        (lambda drawn: {"a": drawn.samples[:5, 0]}, "each of the 240 rows of a block, got shape"),
        (lambda drawn: {"a": drawn.samples}, "a must be one number for each row"),
    ):
        with pytest.raises(ValueError, match=message):
            measured(evaluator_of(by_row(fn), "a"), data, real)
    with pytest.raises(ValueError, match="resamples must be 0 or at least 2, got 1"):
        of_rows(lambda x: {}, real, 1)


def test_a_single_row_has_no_error_and_a_count_has_none():
    figures, _ = measured(
        evaluator_of(by_row(lambda d: {"a": d.samples}), "a", num=1), data_of(real=np.ones(5)), real
    )
    assert figures["a"] == (1.0, None)
    fn = of_rows(
        lambda x: {"classes": len(np.unique(x)), "mean": x.mean()},
        lambda d: d.samples,
        counts=("classes",),
    )
    figures, _ = measured(
        evaluator_of(fn, "classes", "mean"), data_of(real=np.arange(60.0) % 6), real
    )
    assert figures["classes"] == (6.0, None) and figures["mean"].standard_error > 0.1
    one = evaluator_of(of_rows(lambda x: {"a": x.sum()}, lambda d: d.samples), "a", num=1)
    assert measured(one, data_of(real=np.ones(5)), real)[0]["a"] == (1.0, None)
    none = of_rows(lambda x: {"mean": x.mean()}, lambda d: d.samples, 0)
    assert measured(evaluator_of(none, "mean"), data_of(real=np.ones(5)), real)[0]["mean"] == (
        1.0,
        None,
    )


def test_rows_are_kept_with_their_ids_where_asked():
    data = data_of(real=np.arange(300.0))
    fn = of_rows(
        lambda s: {"mean": s["x"].mean()},
        lambda d: {"x": d.samples, "y": d.samples},
        0,
        keep=("x",),
    )
    _, rows = measured(evaluator_of(fn, "mean"), data, real)
    assert rows.keys() == {"x", "id"}
    np.testing.assert_array_equal(rows["x"], rows["id"])


# Pairs


def images(num, size=16, seed=0):
    return np.clip(0.4 * normal(num, size, size, 1, seed=seed), -1, 1)


def test_paired_images_and_their_references():
    truth = images(250)
    training = np.stack([np.full((16, 16, 1), value) for value in (-0.5, 0.5, 0.3)])
    data = data_of(
        {"real": training, "input": training}, real=truth, input=np.clip(truth + 0.1, -1, 1)
    )
    evaluator = paired(data, references={"negative": lambda players, keys, rows: -rows["real"]})
    assert list(evaluator.references) == ["input", "mean", "negative"]
    found = {
        name: measured(evaluator, data, draw_fn)
        for name, draw_fn in {"real": real, **evaluator.references}.items()
    }
    figures, rows = found["real"]
    assert figures["psnr"].value == 100.0 and figures["l1"].value == 0.0
    assert figures["ssim"].value == pytest.approx(1.0)
    assert len(rows["ssim"]) == 250 and len(np.unique(rows["id"])) == 250  # every row once
    assert found["mean"][0]["l1"].value == pytest.approx(np.abs(truth - 0.1).mean(), rel=1e-4)
    twice = 2 * np.abs(truth).mean()
    assert found["negative"][0]["l1"].value == pytest.approx(twice, rel=1e-4)
    assert found["input"][0]["l1"].value < 0.1 and found["input"][0]["psnr"].value > 20
    with pytest.raises(ValueError, match="reference input is there already"):
        paired(data, references={"input": real})


def test_small_images_have_no_ssim_and_inputs_of_another_size_are_no_reference():
    small = data_of(real=images(20, 8), input=images(20, 4))
    evaluator = paired(small, num_samples=7)
    assert evaluator.figures.keys() == {"psnr", "l1"} and evaluator.references.keys() == {"mean"}
    figures, rows = measured(evaluator, small, lambda p, k, rows: rows["real"] + 0.02)
    assert figures["psnr"].value == pytest.approx(40.0, abs=1e-3) and len(rows["l1"]) == 7
    assert paired(small, num_samples=50).num is None  # no row counts twice
    with pytest.raises(ValueError, match="the shape of the truth"):
        measured(evaluator, small, lambda players, keys, rows: rows["input"])


def test_ssim_and_psnr_as_scikit_image_has_them():
    metrics = pytest.importorskip("skimage.metrics")
    truth = np.clip(0.4 * normal(3, 20, 31, 3), -1, 1)
    shown = np.clip(truth + 0.2 * normal(3, 20, 31, 3, seed=1), -1, 1)
    ours = jax.jit(ssim)(shown, truth), psnr(shown, truth)
    for i in range(3):
        theirs = metrics.structural_similarity(
            truth[i], shown[i], data_range=2.0, channel_axis=-1,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        )  # fmt: skip
        assert ours[0][i] == pytest.approx(theirs, abs=1e-5)
        theirs = metrics.peak_signal_noise_ratio(truth[i], shown[i], data_range=2.0)
        assert ours[1][i] == pytest.approx(theirs, rel=1e-5)
    with pytest.raises(ValueError, match="at least 11x11"):
        ssim(truth[:, :10], truth[:, :10])


# Asked classes


BRIGHT = np.stack([np.where(np.arange(9)[:, None, None] // 3 == c, 1.0, -1.0) for c in range(3)])
BRIGHT = np.broadcast_to(BRIGHT, (3, 9, 9, 1)).astype(np.float32)  # a third of the rows is bright


def reader(data):
    """Sees which third of an image is the brightest."""

    def apply_fn(variables, images):
        thirds = images.reshape(len(images), 3, -1).mean(2)
        return thirds, thirds

    return FeatureNetwork("thirds", "thirds of an image", "0" * 16, "none", {}, apply_fn)


def of_classes(num=300):
    label = np.arange(num) % 3
    image = np.clip(0.7 * BRIGHT[label] + 0.1 * normal(num, 9, 9, 1), -1, 1)
    return data_of(real=image, condition=label.astype(np.int32), label=label)


def every_third_wrong(players, keys, rows):
    """In each class, by the place of the row."""
    return BRIGHT[(rows["condition"] + (rows["id"] // 3 % 3 == 0)) % 3]


def test_the_accuracy_of_the_asked_class():
    data = of_classes(297)
    settings = {"truncation 0.5": {"truncation": 0.5}}
    evaluator = asked_class(data, network_fn=reader, settings=settings)
    assert evaluator.num == 297 and evaluator.settings == settings
    figures, rows = measured(evaluator, data, every_third_wrong)
    value, error = figures["accuracy"]
    assert value == pytest.approx(2 / 3) and figures["worst_class"] == (pytest.approx(2 / 3), None)
    assert 0.8 < error / np.sqrt(2 / 9 / 297) < 1.25
    wrong = rows["asked"] != rows["found"]
    np.testing.assert_array_equal(wrong, rows["id"] // 3 % 3 == 0)
    assert measured(evaluator, data, evaluator.references["real"])[0]["accuracy"].value == 1
    chance = measured(evaluator, data, evaluator.references["noise"])[0]["accuracy"].value
    assert 0.2 < chance < 0.47
    with pytest.raises(ValueError, match="NaN or infinity"):
        measured(evaluator, data, lambda players, keys, rows: rows["real"] * np.nan)


def asked_for_the_next_class():
    """Training rows are; held-out rows are as they were."""
    held_out, label = of_classes().held_out.arrays, np.arange(300) % 3
    return data_of({**held_out, "condition": ((label + 1) % 3).astype(np.int32)}, **held_out)


def test_samples_for_training_conditions_are_learned_from_and_tested_on_held_out_images(
    monkeypatch,
):
    def score(samples, real, **options):
        assert options == {"steps": 3}
        assert samples.arrays["image"].dtype == real.arrays["image"].dtype == np.uint8
        thirds = [
            each.arrays["image"].reshape(-1, 3, 27).mean(2).argmax(1) for each in (samples, real)
        ]
        np.testing.assert_array_equal(samples.arrays["label"], (thirds[0] + 1) % 3)
        np.testing.assert_array_equal(real.arrays["label"], thirds[1])
        return Estimate(len(samples) / len(real))

    monkeypatch.setattr(asked, "classifier_accuracy_score", score)
    evaluator = gan_train(asked_for_the_next_class(), num_samples=250, steps=3)
    assert evaluator.when == "asked" and evaluator.protocol["training"] == {"steps": 3}
    figures, _ = measured(evaluator, asked_for_the_next_class(), evaluator.references["real"])
    assert figures["accuracy"].value == 250 / 300


@pytest.mark.thorough
def test_a_classifier_learns_from_samples_what_they_were_asked_for():
    data = asked_for_the_next_class()
    evaluator = gan_train(data, steps=80, batch_size=60, widths=(8, 8), num_features=16)
    assert measured(evaluator, data, real)[0]["accuracy"].value < 0.05


# Scores


def test_detection_in_closed_form_and_its_errors():
    four = data_of(real=np.arange(4.0), odd=np.array([False, True, False, True]))
    options = dict(positive="odd", description="the value itself")
    evaluator = detection(four, score_fn=real, **options)
    figures, rows = measured(evaluator, four)
    assert figures["auroc"].value == 0.75
    assert figures["auprc"].value == pytest.approx(5 / 6)  # precisions 1 and 2 / 3
    np.testing.assert_array_equal(rows["score"], rows["id"])
    assert evaluator.when == "end" and evaluator.num is None
    one = data_of(real=np.arange(4.0), odd=np.ones(4, bool))
    with pytest.raises(ValueError, match="odd must be true of some"):
        measured(detection(one, score_fn=real, **options), one)
    with pytest.raises(ValueError, match="chance is there already"):
        detection(four, score_fn=real, references={"chance": real}, **options)


def test_the_error_of_an_auroc_is_that_of_delong():
    odd = np.arange(900) % 3 == 0
    data = data_of(real=normal(900) + 1.5 * odd, odd=odd)
    evaluator = detection(data, score_fn=real, positive="odd", description="of two normals")
    value, error = measured(evaluator, data)[0]["auroc"]
    assert abs(value - norm.cdf(1.5 / np.sqrt(2))) < 4 * error
    above = data.held_out.arrays["real"][odd][:, None] > data.held_out.arrays["real"][~odd]
    delong = sum(np.var(above.mean(axis), ddof=1) / above.shape[1 - axis] for axis in (0, 1))
    assert 0.85 < error / np.sqrt(delong) < 1.15
    (draw_fn,) = evaluator.references.values()
    drawn = Sampler(lambda key, keys, rows: draw_fn(None, keys, rows), None, KEY, data=data)
    figures = evaluator.measure_fn(drawn).figures
    assert abs(figures["auroc"].value - 0.5) < 4 * figures["auroc"].standard_error


# Codes


def test_clusters_are_matched_to_classes_one_to_one():
    classes = np.repeat([0, 1, 2], 40)
    renamed = np.array([2, 0, 1])[classes]
    assert matched_accuracy(renamed, classes) == 1.0
    renamed[:10] = renamed[-1]  # a quarter of one class lies in the cluster of another
    assert matched_accuracy(renamed, classes) == 110 / 120
    assert matched_accuracy(np.zeros(120, int), classes) == 1 / 3  # one cluster is one class
    split = np.where(
        np.arange(120) % 4 == 0, classes + 3, classes
    )  # six clusters: three match none
    assert matched_accuracy(split, classes) == 90 / 120


def test_the_accuracy_of_clusters_beside_a_reference_and_its_error():
    classes = np.arange(600) % 3
    data = data_of(real=normal(600, 1), label=classes)

    def cluster_fn(players, keys, rows):  # right in two thirds of the rows, under other names
        return np.where(rows["id"] % 9 < 6, (rows["label"] + 1) % 3, rows["label"])

    references = {"the label": lambda players, keys, rows: rows["label"]}
    options = dict(description="names moved on by one", references=references)
    evaluator = unsupervised_accuracy(data, cluster_fn=cluster_fn, **options)
    figures, rows = measured(evaluator, data)
    found, right = figures["accuracy"], (np.arange(600) % 9 < 6).mean()
    assert found.value == pytest.approx(right)
    assert 0.8 < found.standard_error / np.sqrt(right * (1 - right) / 600) < 1.25
    assert set(rows) == {"cluster", "class", "id"} and evaluator.when == "end"


# Very many images


def test_a_frechet_distance_of_streamed_features_is_that_of_all_at_once():
    data = data_of({"real": images(500, 9, seed=1)}, real=images(100, 9))
    evaluator = frechet(data, network_fn=reader, num_samples=700)
    found, _ = measured(evaluator, data, noise)
    drawn = Sampler(lambda key, keys, rows: noise(None, keys, rows), None, KEY, data=data).draw(700)

    def read(images):
        return images.reshape(len(images), 3, -1).mean(2)

    expected = frechet_distance(read(drawn.samples), read(data.training.arrays["real"]))
    assert found["frechet"].value == pytest.approx(expected, rel=1e-4)
    assert "700 samples a row against 500 training" in evaluator.protocol["description"]


def test_the_filling_of_the_last_block_is_in_no_figure_and_ids_stay_with_their_rows():
    data = data_of(real=np.arange(241.0))

    def twice(players, keys, rows):
        return 2 * rows["real"]

    evaluator = evaluator_of(by_row(lambda drawn: {"mean": drawn.samples}), "mean")
    figures, rows = measured(evaluator, data, twice)
    assert figures["mean"].value == 240.0 and sorted(rows["id"]) == list(range(241))
    np.testing.assert_array_equal(rows["mean"], 2 * rows["id"])


# Refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"figures": {}}, "at least one figure"),
        ({"figures": {"Frechet distance": Figure("a")}}, "must be an identifier"),
        ({"figures": {"a/B": Figure("a")}}, "must be an identifier"),
        ({"num": 0}, "at least 1 sample, or None"),
        ({"when": "often"}, "training, end or asked"),
        ({"references": {"generated": real}}, "a name of its own, got generated"),
        ({"references": {"t": real}, "settings": {"t": {"t": 1.0}}}, "a name of its own, got t"),
        ({"settings": {"generated": {"t": 1.0}}}, "other than that of the run"),
    ],
)
def test_evaluators_that_could_not_be_read_are_refused(change, message):
    whole = {"measure_fn": by_row(dict), "figures": {"a": Figure("a")}, "protocol": {}, "num": 3}
    with pytest.raises(ValueError, match=message):
        Evaluator(**whole | change)
