"""Tables over runs, on run folders that a fake training makes."""

import dataclasses
import json
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import fake_train, line, reference, values_of, write_run
from PIL import Image
from scipy import stats

from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators.evaluator import GENERATED
from gan_jax.tables import (
    Column,
    Row,
    Table,
    collect,
    compare,
    run_rows,
    with_seeds_and_steps,
)
from gan_jax.tables import (
    write as write_table,
)
from gan_jax.tables.plan import plan
from gan_jax.tables.reading import read_run
from gan_jax.tables.row_cells import Part, row_cells
from gan_jax.tables.run_files import read_runs
from gan_jax.tables.statistics import cell_of, cell_of_known, paired_difference
from gan_jax.training.loop import NonFiniteError
from gan_jax.training.over_seeds import Value

DEVICES = 1
FRECHET = "quality/frechet"
COLUMNS = (Column(figure=FRECHET),)
PLAIN = Row(experiment="fake.py", seeds=3)


def table(rows, columns=COLUMNS, **others):
    return Table(name="fake", rows=rows, columns=columns, **others)


def made(rows, out, columns=COLUMNS, *, train_fn=fake_train, **others):
    """A table whose rows are all run, and its only group."""
    found = table(rows, columns, **others)
    run_rows(found, out, train_fn=train_fn)
    return collect(found, out)[""]


# ---------------------------------------------------------------- values


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9))
def test_a_cell_is_the_mean_and_its_error_is_of_the_seeds(values):
    cell = cell_of({"": {seed: Value(value, 123.0) for seed, value in enumerate(values)}}, "less")
    assert cell.mean == pytest.approx(np.mean(values)) and cell.error_of == "seeds"
    assert cell.standard_error == pytest.approx(stats.sem(values), abs=1e-9)
    assert cell.worst[1] == max(values) and values[cell.worst[0]] == max(values)


def test_a_single_seed_keeps_the_error_of_its_samples():
    cell = cell_of({"": {4: Value(2.0, 0.25)}}, "more")
    assert (cell.mean, cell.standard_error, cell.error_of) == (2.0, 0.25, "samples")
    assert cell.worst is None


def test_errors_are_never_over_tasks():
    """Three digits that differ by 10 each, two seeds that differ by 1: the error is that of the seeds."""
    tasks = {
        f"digit={digit}": {seed: Value(10.0 * digit + seed, 7.0) for seed in (0, 1)}
        for digit in range(3)
    }
    cell = cell_of(tasks)
    assert cell.values == {0: 10.0, 1: 11.0} and cell.mean == 10.5
    assert cell.standard_error == pytest.approx(0.5)
    one = cell_of({task: {0: values[0]} for task, values in tasks.items()})
    assert one.mean == 10.0 and one.standard_error is None


@pytest.mark.parametrize("values", [{0: None}, {0: 1.0, 1: None}])
def test_a_failed_seed_is_not_averaged_away(values):
    cell = cell_of({"": {seed: Value(value) for seed, value in values.items()}}, "less")
    assert cell.mean is None and cell.standard_error is None and cell.values == values


def test_a_page_that_says_how_many_failed_has_the_mean_of_the_others():
    values = {0: 1.0, 1: None, 2: 3.0}
    cell = cell_of_known({seed: Value(value, 9.0) for seed, value in values.items()}, "less")
    assert (cell.mean, cell.standard_error, cell.worst) == (2.0, 1.0, (2, 3.0))
    assert cell.values == values
    assert cell_of_known({0: Value(None), 1: Value(None)}).mean is None


def test_a_mean_never_holds_one_seed_twice(tmp_path):
    for name, seed in (("a", 0), ("b", 1), ("c", 1)):
        write_run(tmp_path / name, [line(1.0 + seed, seed=seed)], arguments={"seed": seed})
    a, b, c = (Part(read_run(tmp_path / name)) for name in "abc")
    assert row_cells([a, b]).cells[FRECHET].values == {0: 1.0, 1: 2.0}
    with pytest.raises(ValueError, match="two runs hold quality/frechet of seed 1, and a mean"):
        row_cells([a, b, c])
    (tmp_path / "again").symlink_to(tmp_path / "a")
    paths = (tmp_path / "a", tmp_path / "again", tmp_path / "b", tmp_path / "b" / ".." / "a")
    (found,) = compare(read_runs(paths))
    assert [row.label for row in found.rows] == [
        "a, generated, step 100",
        "b, generated, step 100",
        "mean of 2 runs (a, b), generated",
    ]
    assert found.rows[-1].cells[FRECHET].worst == (1, 2.0) and found.rows[-1].whose[1] == "b"
    (found,) = compare(read_runs(tuple(tmp_path / name for name in "abc")))
    assert len(found.rows) == 3 and "There is no mean of 3 runs (a, b, c)" in found.notes[0]


@given(st.permutations([0, 1, 2, 3]))
def test_differences_are_of_equal_seeds_whatever_their_order(order):
    control = {seed: float(seed**3) for seed in range(4)}
    row = {seed: control[seed] + 2.0 + 0.1 * seed for seed in order}
    found = paired_difference(row, control)
    assert found.mean == pytest.approx(2.15)
    assert found.standard_error == pytest.approx(stats.sem([2.0, 2.1, 2.2, 2.3]))
    with pytest.raises(ValueError, match=r"seeds 0, 1, 2 against 0, 1, 2, 3"):
        paired_difference({seed: 1.0 for seed in range(3)}, control)


# ---------------------------------------------------------------- reading


def test_last_and_best_are_the_final_figures_of_their_steps(tmp_path):
    lines = [
        line(7.0, step=50, draw_seed="evaluate"),
        line(6.0, step=50),
        line(5.0, step=80),  # the last step of a run that then went on
        line(4.0, step=100, draw_seed="evaluate"),
        line(3.0, step=100, weights="ema"),
        line(2.0, step=100, weights="live"),
        line(1.0, step=100, draw_seed=0),
    ]
    write_run(tmp_path, lines, steps=100, best=50)

    def value(at):
        return read_run(tmp_path, at=at).figures[GENERATED][FRECHET][0]

    assert value("last") == Value(3.0, 0.25, 100, "p1")
    assert value("best").value == 6.0 and value("best").step == 50
    write_run(tmp_path / "a" / "seed_0", lines, steps=100)
    assert not read_run(tmp_path / "a" / "seed_0", at="best").figures
    with pytest.raises(ValueError, match=r"row a: .*seed_0 has no best step"):
        collect(table({"a": Row(experiment="fake.py", at="best")}), tmp_path)


def test_seconds_never_takes_a_later_line(tmp_path):
    lines = [line(float(step), step=step, draw_seed="evaluate") for step in (0, 50, 100)]
    metrics = [
        {"step": 0, "seconds": 0.0},
        {"step": 50, "seconds": 9.5, "discriminator/loss": 1.0},
        {"step": 50, "seconds": 10.5, "eval/quality/frechet": 1.0},
        {"step": 100, "seconds": 20.0, "discriminator/loss": 2.0},
    ]
    write_run(tmp_path, [*lines, line(77.0, step=50)], metrics=metrics)

    def step(at):
        return read_run(tmp_path, at=at).figures[GENERATED][FRECHET][0].step

    found = {limit: step(f"seconds<={limit}") for limit in (0, 10, 10.5, 19.9, 20, 1200)}
    assert found == {0: 0, 10: 0, 10.5: 50, 19.9: 50, 20: 100, 1200: 100}
    assert read_run(tmp_path, at="seconds<=10.5").figures[GENERATED][FRECHET][0].value == 50.0
    assert read_run(tmp_path, at="seconds<=0").step == 0
    loss = read_run(tmp_path, at="seconds<=19", metrics=["discriminator/loss"])
    assert loss.figures[GENERATED]["metrics:discriminator/loss"][0].value == 1.0


def test_references_are_those_of_the_same_protocol(tmp_path):
    lines = [line(1.0), reference(0.5), reference(0.4, protocol="p2"), reference(None, row="noise")]
    write_run(tmp_path, lines)
    found = read_run(tmp_path).figures
    assert found["real"][FRECHET][None].value == 0.5
    assert found["noise"][FRECHET][None].value is None


def test_a_line_that_a_kill_cut_short_and_a_value_that_is_no_number(tmp_path):
    write_run(tmp_path, [line(1.0), line(math.nan, seed=1)], num_seeds=2)
    with (tmp_path / "figures.jsonl").open("a") as file:
        file.write(json.dumps(line(5.0))[:-9])
    by_seed = read_run(tmp_path).figures[GENERATED][FRECHET]
    assert by_seed[0].value == 1.0 and by_seed[1].value is None
    (tmp_path / "summary.json").unlink()
    assert read_run(tmp_path) is None  # it has not ended


# ---------------------------------------------------------------- running


def test_what_is_finished_is_not_trained_again(tmp_path):
    calls = []
    train_fn = partial(fake_train, calls=calls)
    rows = {"a": PLAIN, "b": Row(experiment="fake.py", seeds=2, side_by_side=True)}
    done = []
    run_rows(table(rows), tmp_path, train_fn=train_fn, after_row_fn=done.append)
    assert calls == ["seed_0", "seed_1", "seed_2", "b"] and done == ["a", "b"]
    run_rows(table(rows), tmp_path, train_fn=train_fn)
    assert len(calls) == 4
    more = with_seeds_and_steps(table(rows), steps=200)
    run_rows(more, tmp_path, rows=["b"], train_fn=train_fn)
    assert calls[4:] == ["b"]
    found = collect(table(rows), tmp_path)[""].rows
    assert found["a"].steps == [100] and found["b"].steps == [200]
    with pytest.raises(ValueError, match="b has 200 steps and 100 are asked for"):
        run_rows(with_seeds_and_steps(more, steps=100), tmp_path, rows=["b"], train_fn=train_fn)


def test_two_seeds_side_by_side_are_two_runs(tmp_path):
    rows = {"a": Row(experiment="fake.py", seeds=2)}
    rows["b"] = Row(experiment="fake.py", seeds=2, side_by_side=True)
    found = made(rows, tmp_path).rows
    assert found["a"].cells == found["b"].cells
    assert found["a"].references == found["b"].references
    assert found["a"].cells[FRECHET].values == {0: 1.0, 1: 1.5}


def test_a_row_averages_over_tasks_first(tmp_path):
    found = made({"a": PLAIN}, tmp_path, over={"digit": range(4)}).rows["a"]
    cell = found.cells[FRECHET]
    assert cell.values == {seed: 16.0 + 0.5 * seed for seed in range(3)}
    assert cell.standard_error == pytest.approx(stats.sem([0.0, 0.5, 1.0]))
    assert cell.tasks["digit=3"] == {seed: 31.0 + 0.5 * seed for seed in range(3)}
    (tmp_path / "a" / "digit_2" / "seed_1" / "summary.json").unlink()
    found = collect(table({"a": PLAIN}, over={"digit": range(4)}), tmp_path)[""].rows["a"]
    assert set(found.cells[FRECHET].values) == {0, 2} and not found.complete
    for seed in (0, 2):
        (tmp_path / "a" / "digit_2" / f"seed_{seed}" / "summary.json").unlink()
    found = collect(table({"a": PLAIN}, over={"digit": range(4)}), tmp_path)[""].rows["a"]
    assert not found.cells  # no mean over the digits that happen to be there


def test_changed_arguments_are_refused_and_steps_are_not(tmp_path):
    made({"a": Row(experiment="fake.py", arguments={"quality": 2.0})}, tmp_path)
    for arguments in ({"quality": 3.0}, {}, {"quality": 2.0, "width": 1}):
        changed = table({"a": Row(experiment="fake.py", arguments=arguments)})
        for call in (partial(collect, changed), partial(run_rows, changed, train_fn=fake_train)):
            with pytest.raises(
                ValueError, match=r"row a has changed since .*/seed_0 was made:\n  arg"
            ):
                call(tmp_path)
    other = table({"a": Row(experiment="other.py", arguments={"quality": 2.0})})
    with pytest.raises(ValueError, match="experiment: the folder has fake, the table now other"):
        collect(other, tmp_path)


def test_a_run_that_was_made_by_hand_is_a_row_if_its_arguments_are(tmp_path):
    row = Row(experiment="fake.py", arguments={"quality": 2.0})
    write_run(tmp_path / "a" / "seed_0", [line(2.0)], arguments={"quality": 2.0, "seed": 0, "b": 1})
    assert collect(table({"a": row}), tmp_path)[""].rows["a"].cells[FRECHET].mean == 2.0
    write_run(tmp_path / "a" / "seed_0", [line(2.0)], arguments={"quality": 1.0, "seed": 0})
    with pytest.raises(ValueError, match=r"quality: the folder has 1.0, the table now 2.0"):
        collect(table({"a": row}), tmp_path)


def test_a_row_that_fails_does_not_end_the_others(tmp_path):
    def train_fn(planned):
        if planned.name == "a":
            raise NonFiniteError("generator/loss is nan at step 3")
        fake_train(planned)

    names = {"a": {}, "b": {}, "of_a": {"runs": "a"}}
    rows = table({name: Row(experiment="fake.py", needs=needs) for name, needs in names.items()})
    with pytest.raises(
        ValueError, match="a: generator/loss is nan at step 3\n  of_a: it needs a, wh"
    ):
        run_rows(rows, tmp_path, train_fn=train_fn)
    assert list(collect(rows, tmp_path)[""].rows) == ["b"]


def test_rows_that_are_needed_come_first_and_are_given_by_seed(tmp_path):
    seen = []

    def measure_fn(*, seed, weight, runs):
        seen.append((seed, runs.name))
        config = json.loads((runs / "config.json").read_text())
        return {FRECHET: Estimate(weight * values_of(config["arguments"], seed), 0.1)}

    transfer = Row(
        measure_fn=measure_fn, arguments={"weight": 2.0}, needs={"runs": "a"}, seeds=3, control="a"
    )
    rows = table({"transfer": transfer, "a": PLAIN})
    calls = []
    run_rows(rows, tmp_path, rows=["transfer"], train_fn=partial(fake_train, calls=calls))
    assert calls == ["seed_0", "seed_1", "seed_2"]
    assert seen == [(0, "seed_0"), (1, "seed_1"), (2, "seed_2")]
    found = collect(rows, tmp_path)[""].rows["transfer"]
    assert found.cells[FRECHET].values == {0: 2.0, 1: 3.0, 2: 4.0}
    assert found.differences[FRECHET].values == {0: 1.0, 1: 1.5, 2: 2.0}
    run_rows(rows, tmp_path, train_fn=partial(fake_train, calls=calls))
    assert len(seen) == 3 and len(calls) == 3
    # the run went on: what was measured of it is of another run
    run_rows(with_seeds_and_steps(rows, steps=200), tmp_path, rows=["a"], train_fn=fake_train)
    assert "transfer" not in collect(rows, tmp_path)[""].rows
    run_rows(rows := with_seeds_and_steps(rows, steps=200), tmp_path, train_fn=fake_train)
    assert len(seen) == 6 and "transfer" in collect(rows, tmp_path)[""].rows


def test_references_and_settings_are_rows_where_asked(tmp_path):
    rows = {
        "a": PLAIN,
        "ceiling": Row(reference_of=("a", "real")),
        "cold": Row(reference_of=("a", "temperature 0.5"), control="a"),
    }
    found = made(rows, tmp_path).rows
    ceiling = found["ceiling"].cells[FRECHET]
    assert (ceiling.mean, ceiling.standard_error, ceiling.values) == (0.5, 0.25, {})
    assert found["cold"].cells[FRECHET].values == {0: 5.0, 1: 5.0, 2: 5.0}
    assert found["cold"].differences[FRECHET].mean == pytest.approx(3.5)
    rows["ceiling"] = Row(reference_of=("a", "BM3D"))
    with pytest.raises(ValueError, match=r"'BM3D'; it was measured beside real, noise, temp"):
        collect(table(rows), tmp_path)


# ---------------------------------------------------------------- refusals


def test_a_column_of_two_protocols_is_refused_with_what_differs(tmp_path):
    rows = {"a": PLAIN, "b": PLAIN, "c": Row(experiment="fake.py", arguments={"protocol": "p2"})}
    with pytest.raises(ValueError) as refused:
        made(rows, tmp_path)
    message = str(refused.value)
    assert "column quality/frechet mixes 2 protocols" in message
    assert "a, b against c differ in" in message
    assert "num: 100 against 50" in message and "network.sha256: aa against bb" in message
    assert "description" not in message
    grouped = {name: Row(experiment="fake.py", seeds=3, group="one") for name in "ab"}
    grouped["c"] = Row(experiment="fake.py", arguments={"protocol": "p2"}, group="two")
    assert list(collect(table(grouped), tmp_path)) == ["one", "two"]


def test_one_machine(tmp_path, monkeypatch):
    rows = table({"a": Row(experiment="fake.py"), "b": Row(experiment="fake.py")}, one_machine=True)
    machines = {
        name: {"processor": name, "cores": 2, "devices": ["cpu"]} for name in ("old", "new")
    }
    monkeypatch.setattr("gan_jax.tables.running.this_machine", lambda: machines["old"])
    run_rows(rows, tmp_path, rows=["a"], train_fn=fake_train)
    monkeypatch.setattr("gan_jax.tables.running.this_machine", lambda: machines["new"])
    run_rows(rows, tmp_path, rows=["a"], train_fn=fake_train)  # finished: nothing is measured here
    with pytest.raises(ValueError, match=r"made on old \(2 cores; cpu\), and this is new"):
        longer = with_seeds_and_steps(rows, steps=200)
        run_rows(longer, tmp_path, rows=["a"], train_fn=fake_train)
    run_rows(rows, tmp_path, rows=["b"], train_fn=fake_train)
    with pytest.raises(ValueError, match="rows a and b were made on two machines"):
        collect(rows, tmp_path)
    (tmp_path / "b" / "seed_0" / "row.json").unlink()
    with pytest.raises(ValueError, match="row b: it is not known on which machine"):
        collect(rows, tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (dict(), "published alone; this one is none of them"),
        (dict(experiment="a.py", measure_fn=dict), "this one is experiment and measure_fn"),
        (dict(experiment="a.py", reference_of=("a", "real")), "experiment and reference_of"),
        (dict(experiment="a.py", at="seconds<1"), "at must be last, best or seconds<=NUMBER"),
        (dict(experiment="a.py", seeds=0), "seeds must be at least 1"),
        (dict(experiment="a.py", options={"num_seeds": 2}), "num_seeds is no option of a row"),
        (dict(experiment="a.py", arguments={"seed": 2}), "the table itself sets seed"),
        (dict(measure_fn=dict, side_by_side=True), "side_by_side belongs to a row with an exp"),
        (dict(published={FRECHET: Estimate(1.0)}), "published values need their source"),
    ],
)
def test_what_is_no_row(row, message):
    with pytest.raises(ValueError, match=message):
        Row(**row)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "at least one row"),
        ({"a/b": PLAIN}, "row a/b: a row's name is that of a folder"),
        ({"a": Row(experiment="a.py", control="b")}, "row a: its control 'b' is no row"),
        ({"a": Row(experiment="a.py", control="b"), "b": PLAIN}, "1 seeds and its control b has 3"),
        (
            {
                "a": Row(experiment="a.py", control="b"),
                "b": Row(published={FRECHET: "x"}, source="c"),
            },
            "its control 'b' has no seeds to pair with",
        ),
        ({"a": Row(experiment="a.py", needs={"x": "b"})}, "needs x='b' is no row with an exp"),
        ({"a": Row(reference_of=("b", "real"))}, "reference_of 'b' is no row with an experiment"),
        ({"a": Row(published={"a/b": "fail"}, source="c")}, "published a/b is of no column"),
        (
            {
                "a": Row(experiment="a.py", needs={"x": "b"}),
                "b": Row(experiment="a.py", needs={"x": "a"}),
            },
            "rows need each other: a -> b -> a",
        ),
    ],
)
def test_what_is_no_table(rows, message):
    with pytest.raises(ValueError, match=message):
        table(rows)


def test_arguments_are_json(tmp_path):
    row = Row(experiment="fake.py", arguments={"a": np.int64(3), "b": (1, 2), "c": tmp_path})
    (planned,) = plan(table({"a": row}), "a", tmp_path)
    assert planned.arguments == {"a": 3, "b": [1, 2], "c": str(tmp_path), "seed": 0}
    with pytest.raises(TypeError, match="arguments and options of a row are JSON"):
        plan(table({"a": Row(experiment="fake.py", arguments={"a": {1, 2}})}), "a", tmp_path)
    with pytest.raises(ValueError, match="over: path_a/b cannot be the name of a folder"):
        table({"a": PLAIN}, over={"path": ("a/b",)})


def test_what_is_no_column_and_what_is_no_row_of_the_table(tmp_path):
    with pytest.raises(ValueError, match="such as quality/frechet or metrics:disc"):
        Column(figure="frechet")
    with pytest.raises(ValueError, match="two columns hold one figure"):
        table({"a": PLAIN}, COLUMNS * 2)
    with pytest.raises(ValueError, match=r"argument digit is in the table's over, too"):
        table({"a": Row(experiment="a.py", arguments={"digit": 1})}, over={"digit": (1, 2)})
    with pytest.raises(ValueError, match="no row ours: did you mean our"):
        run_rows(table({"our": PLAIN}), tmp_path, rows=["ours"], train_fn=fake_train)
    rows, columns = {"a": PLAIN, "b": PLAIN}, (*COLUMNS, Column(figure="quality/frechett"))
    run_rows(table(rows, columns), tmp_path, rows=["a"], train_fn=fake_train)
    collect(table(rows, columns), tmp_path)  # b may bring it
    with pytest.raises(
        ValueError, match="column quality/frechett: no row has it; expected some of q"
    ):
        made(rows, tmp_path, columns)


def test_a_control_that_was_run_with_other_seeds(tmp_path):
    rows = {
        name: Row(experiment="fake.py", seeds=3, side_by_side=True, control=control)
        for name, control in (("a", None), ("b", "a"))
    }
    found = made(rows, tmp_path)
    assert found.rows["b"].differences[FRECHET].mean == 0.0
    write_run(tmp_path / "a", [line(1.0, seed=seed) for seed in range(2)], num_seeds=2)
    with pytest.raises(
        ValueError, match=r"row b and its control a, column .*: seeds 0, 1, 2 against"
    ):
        collect(table(rows), tmp_path)


def test_a_row_that_is_not_done_has_no_difference_yet(tmp_path):
    rows = {"a": PLAIN, "b": Row(experiment="fake.py", seeds=3, control="a")}
    assert made(rows, tmp_path).rows["b"].differences
    (tmp_path / "a" / "seed_2" / "summary.json").unlink()
    found = collect(table(rows), tmp_path)[""].rows
    assert not found["b"].differences and set(found["a"].cells[FRECHET].values) == {0, 1}


# ---------------------------------------------------------------- what is written


def test_markdown_json_and_plot(tmp_path):
    paper = dict(published={FRECHET: Estimate(1.2, 0.1)}, source="Someone 2020, table 1")
    rows = table(
        {
            "a": PLAIN,
            "b": Row(
                experiment="fake.py", arguments={"quality": 4.0}, seeds=3, control="a", **paper
            ),
            "later": Row(experiment="fake.py", **paper),
            "paper": Row(**paper | dict(published={FRECHET: "fail"})),
        },
        (*COLUMNS, Column(figure="metrics:discriminator/loss", label="loss", digits=3)),
        title="A table",
        plane=(FRECHET, "metrics:discriminator/loss"),
    )
    run_rows(rows, tmp_path, rows=["a", "b"], train_fn=fake_train)
    write_table(rows, tmp_path)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "# A table"
    assert (
        "| row | seeds | steps | Frechet \\| distance | loss | published: Frechet \\| distance |"
        in lines
    )
    assert "| a | 3 | 100 | 1.50 +- 0.29 (worst 2.00) | 0.125 +- 0 |  |" in lines
    assert "| b | 3 | 100 | 4.50 +- 0.29 (worst 5.00) | 0.125 +- 0 | 1.2 +- 0.1 |" in lines
    assert "| later |  |  |  |  | 1.2 +- 0.1 |" in lines and "| paper |  |  |  |  | fail |" in lines
    assert (
        "| *real* |  |  | 0.50 +- 0.25 |  |  |" in lines
        and sum("*real*" in each for each in lines) == 1
    )
    assert "| b | a | 3.00 +- 0 | 0.000 +- 0 | 3 |" in lines
    assert "- Frechet | distance: 100 samples a row" in lines
    assert "- published, b, later, paper: Someone 2020, table 1" in lines
    found = json.loads((tmp_path / "table.json").read_text(), parse_constant=pytest.fail)
    b = found["rows"]["b"]
    assert b["cells"][FRECHET]["values"] == {"0": 4.0, "1": 4.5, "2": 5.0}
    assert b["cells"][FRECHET]["worst"] == [2, 5.0] and b["cells"][FRECHET]["protocols"] == ["p1"]
    assert b["cells"][FRECHET]["difference"]["mean"] == 3.0 and b["versions"] == [{"jax": "0.10.2"}]
    assert (
        b["run_arguments"] == {"quality": 4.0, "default": 3}
        and b["published"][FRECHET]["value"] == 1.2
    )
    assert found["protocols"]["p1"]["protocol"]["num"] == 100 and str(tmp_path) not in json.dumps(
        found
    )
    assert not found["rows"]["later"]["complete"] and not found["rows"]["later"]["cells"]
    for name in ("table.png", "plane.png"):
        with Image.open(tmp_path / name) as picture:
            assert len(np.unique(np.asarray(picture))) > 2
    with pytest.raises(ValueError, match="the plane's quality/lost is of no column"):
        dataclasses.replace(rows, plane=(FRECHET, "quality/lost"))


def test_the_same_metric_of_several_seeds_side_by_side_has_no_error(tmp_path):
    rows = {"a": Row(experiment="fake.py", seeds=2, side_by_side=True)}
    found = made(rows, tmp_path, (Column(figure="metrics:discriminator/loss"),)).rows["a"]
    cell = found.cells["metrics:discriminator/loss"]
    assert (cell.mean, cell.standard_error, cell.values) == (0.125, None, {})


def test_compare_keeps_protocols_apart_and_refuses_nothing(tmp_path):
    runs = table(
        {
            name: Row(experiment="fake.py", arguments={"protocol": key})
            for name, key in (("a", "p1"), ("b", "p2"))
        }
    )
    run_rows(runs, tmp_path, train_fn=fake_train)
    (tmp_path / "b" / "seed_0" / "summary.json").unlink()  # it goes on
    later, earlier = compare(read_runs(tuple(tmp_path / name / "seed_0" for name in "ab")))
    assert (later.protocol, earlier.protocol) == ("p2", "p1")
    assert earlier.headings[FRECHET].label == "Frechet | distance"
    assert {row.label: row.cells[FRECHET].mean for row in earlier.rows} == {
        "a/seed_0, generated, step 100": 1.0,
        "a/seed_0, temperature 0.5, step 100": 5.0,
        "real": 0.5,
        "noise": 99.0,
    }


def test_seeds_side_by_side_are_averaged_over_runs_as_in_one_row(tmp_path):
    for name, first in (("a", 0), ("b", 2)):
        lines = [line(float(seed**2), seed=seed) for seed in (first, first + 1)]
        write_run(tmp_path / name, lines, arguments={"seed": first}, num_seeds=2)
    (found,) = compare(read_runs((tmp_path / "a", tmp_path / "b")))
    cell = found.rows[-1].cells[FRECHET]
    assert cell.mean == 3.5 and cell.standard_error == pytest.approx(stats.sem([0, 1, 4, 9]))


def test_a_reference_that_two_runs_measured_otherwise_is_shown_of_each(tmp_path):
    for name, value in (("a", 0.5), ("b", 0.5), ("c", 0.75)):
        write_run(tmp_path / name, [line(1.0), reference(99.0, row="noise"), reference(value)])
    (found,) = compare(read_runs(tuple(tmp_path / name for name in "abc")))
    labels = [row.label for row in found.rows if row.reference]
    assert labels == ["real (of a, b)", "real (of c)", "noise"]


def test_the_folder_of_every_run(tmp_path):
    rows = {"a": PLAIN, "b": Row(experiment="fake.py", seeds=3, side_by_side=True)}
    paths = {
        name: [
            run.path.relative_to(tmp_path).as_posix()
            for run in plan(table(rows, over={"digit": (1, 2)}), name, tmp_path)
        ]
        for name in rows
    }
    assert paths["a"] == [f"a/digit_{digit}/seed_{seed}" for digit in (1, 2) for seed in range(3)]
    assert paths["b"] == ["b/digit_1", "b/digit_2"]
