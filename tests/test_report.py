"""The page about runs: what it holds, whom it trusts, and how it behaves in a real browser."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_jax.commands import viewer
from gan_jax.commands.report import report
from gan_jax.drawing.artefacts import Animation, Audio, Picture, Text, write_artefact
from gan_jax.training.curves import curve_panels
from gan_jax.training.figures_log import read_figures, read_protocols

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
STEPS = (0, 10, 20, 30)
EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)> $x_{ & "\''
PROTOCOL = {
    "evaluator": "quality",
    "protocol": {"description": "200 samples a row against 200 real ones", "features": "b90ccd33"},
    "figures": {
        "frechet": {"label": "Frechet distance (64 features)", "better": "less", "digits": 3},
        "share": {"label": "confident share", "better": "more", "digits": 2},
        "mean": {"label": "mean", "better": None, "digits": 1},
    },
}


def figure(name, value, error=None, **changes):
    line = dict(
        evaluator="quality", figure=name, row="generated", seed=0, step=30, weights="ema",
        value=value, standard_error=error, num=200, draw_seed="evaluate", protocol="a1",
    )  # fmt: skip
    return line | changes


def reference(row, value):
    return figure("frechet", value, 0.01, row=row, seed=None, step=None, weights=None)


FIGURES = [
    reference("noise", 80.0),
    reference("PCA-30", 12.0),
    reference("real", 0.9),
    *(figure("frechet", value, step=step) for step, value in ((10, 9.0), (20, 1.0), (30, 2.0))),
    figure("frechet", 1.25, 0.5, step=20, draw_seed="evaluate_final"),
    figure("frechet", 2.125, 0.25, draw_seed="evaluate_final"),
    figure("share", None, draw_seed="evaluate_final"),
    figure("frechet", 7.0, draw_seed=3),  # other latents of a user's
    figure("frechet", 3.5, row="temperature 0.5", draw_seed="evaluate_final"),
]


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_run(folder, *, figures=FIGURES, arguments=None, **config):
    """A run folder as training leaves it, without any training."""
    folder.mkdir(parents=True)
    told = dict(format=2, experiment="bigan", num_seeds=1, data={"examples": 9}) | config
    told["arguments"] = {"seed": 0, "learning_rate": 0.001} | (arguments or {})
    (folder / "config.json").write_text(json.dumps(told))
    best = {"step": 20, "figure": "quality/frechet", "value": 1.0}
    summary = {"steps": 30, "seconds": 84.1, "best": best}
    (folder / "summary.json").write_text(json.dumps(summary))
    lines = [{"step": step, "seconds": 1.0, "discriminator/loss": 1 / (1 + step)} for step in STEPS]
    lines += [{"step": 20, "eval/quality/frechet": 1.0, "eval/quality/share": None}]
    lines += [{"step": 30, "eval/quality/frechet": 2.0, "health/diversity": 97.0}]
    lines += [{"step": 30, "generator/grad_norm": 0.5}]
    write_lines(folder / "metrics.jsonl", lines)
    write_lines(folder / "figures.jsonl", figures)
    (folder / "protocols.json").write_text(json.dumps({"a1": PROTOCOL}))
    return folder


def draw(folder):
    """Artefacts of all four types, at every step; the real ones are always the same."""
    rng = np.random.default_rng(0)
    for step in STEPS:
        noise = rng.integers(0, 256, (4, 12, 16, 1), np.uint8)
        shown = {
            "samples": Picture(Image.fromarray(noise[0, ..., 0])),
            "clips": Animation(noise, seconds=0.4),
            "speech": Audio(rng.uniform(-0.1, 0.1, 800), 8000),
            "words": Text(f"words of step {step}"),
            "real_words": Text("always the same"),
            "same_samples": Picture(Image.fromarray(noise[0, ..., 0])),
        }
        for name, artefact in shown.items():
            write_artefact(folder / "artefacts", name, step, artefact)
    return folder


class Outline(HTMLParser):
    """Tags, links, headings and tables of a page, as a browser would read them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.headings, self.tables, self._into = [], [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag == "h2":
            self.headings.append("")
        if tag in ("td", "th", "h2"):
            self._into = tag

    def handle_endtag(self, tag):
        self._into = None if tag == self._into else self._into

    def handle_data(self, data):
        if self._into == "h2":
            self.headings[-1] += data
        elif self._into:
            self.tables[-1][-1][-1] += data.replace("\u00a0", " ")


def outline_of(*folders, out=None):
    report(folders, out=out)
    return Outline((out or folders[0] / "report.html").read_text())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = draw(write_run(tmp_path_factory.mktemp("runs") / "drawn"))
    ran = folder / "ran"
    (folder / "experiment.py").write_text(f"open({str(ran)!r}, 'w').close()")
    (folder / "checkpoints" / "30").mkdir(parents=True)
    report((folder,))
    assert not ran.exists()  # nothing of the folder was run
    return folder


def test_the_page_is_one_file_with_everything_in_it(drawn):
    text = (drawn / "report.html").read_text()
    outline = Outline(text)
    assert outline.headings == ["Samples", "Figures", "Curves", "Health", "Configuration"]
    counts = {tag: outline.tags.count(tag) for tag in ("img", "audio", "pre", "input", "details")}
    assert counts == {"img": 3, "audio": 1, "pre": 2, "input": 1, "details": 3}
    assert all(link.startswith(("data:", "#")) for link in outline.links)
    assert not re.search(r'(src|href|url)\s*[=(]\s*["\']?(https?:)?//', text)
    assert text.count("always the same") == 1 and "words of step 10" in text
    for media in ("image/png", "image/gif", "audio/wav"):  # each step once
        assert text.count(f"data:{media};base64,") == len(STEPS)
    assert "experiment bigan; 30 steps in 84 s; best step 20 by Frechet distance" in text
    before = text
    report((drawn,))
    assert (drawn / "report.html").read_text() == before


def test_a_table_of_figures(drawn):
    text = (drawn / "report.html").read_text()
    table = Outline(text).tables[0]
    assert table == [
        ["", "Frechet distance (64 features) ↓", "confident share ↑", "mean"],
        ["generated, step 30 (last)", "2.125 ± 0.250", "failed", ""],
        ["generated, step 20 (best)", "1.250 ± 0.500", "", ""],
        ["temperature 0.5, step 30 (last)", "3.500", "", ""],
        ["real", "0.900 ± 0.010", "", ""],
        ["noise", "80.000 ± 0.010", "", ""],
        ["PCA-30", "12.000 ± 0.010", "", ""],
    ]
    assert "How: 200 samples a row against 200 real ones" in text
    assert [["features", "b90ccd33"]] == Outline(text).tables[1][1:]


def test_several_seeds_are_a_mean_with_its_error_and_the_worst(tmp_path):
    values = {0: 1.0, 1: 2.0, 2: 6.0}
    figures = [figure("frechet", v, 9.0, seed=s) for s, v in values.items()]
    figures += [figure("share", v / 10, seed=s) for s, v in values.items()]
    figures += [figure("share", float("nan"), seed=3), figure("mean", 4.0, seed=0)]
    figures += [figure("mean", 4.0, seed=1)]
    table = outline_of(write_run(tmp_path / "run", figures=figures, num_seeds=3)).tables[0]
    assert table[1] == [
        "generated, step 30 (last)",
        "3.000 ± 1.528worst 6.000 (seed 2)",  # sqrt(7 / 3)
        "0.30 ± 0.15worst 0.10 (seed 0)1 of 4 failed",
        "4.0 ± 0.0",
    ]


def test_several_runs_begin_with_what_differs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed, rate, value in (("a", 0, 0.1, 1.0), ("b", 1, 0.1, 3.0), ("c", 0, 0.2, 8.0)):
        final = figure("frechet", value, step=20, draw_seed="evaluate_final")
        lines = [
            line if line["seed"] is None else line | {"seed": seed} for line in (*FIGURES, final)
        ]
        arguments = {"seed": seed, "learning_rate": rate}
        write_run(tmp_path / name, figures=lines, arguments=arguments)
    report((Path("a"), Path("b"), Path("c"), Path("a")))
    text = Path("report.html").read_text()
    outline = Outline(text)
    assert outline.headings[0] == "What differs" and "Samples" in outline.headings
    differs, figures = outline.tables[:2]
    assert differs == [
        ["", "a", "b", "c"],
        ["seed", "0", "1", "0"],
        ["learning_rate", "0.1", "0.1", "0.2"],
    ]
    found = {row[0]: row[1] for row in figures}
    assert found["c, generated, step 20 (best)"] == "8.000"
    assert found["mean of 2 runs (a, b), generated"] == "2.000 ± 1.000worst 3.000 (b)"
    assert list(found).count("real") == 1 and not any("(a, c)" in label for label in found)
    assert "a: discriminator" in text and "This run has drawn nothing." in text


def test_a_curve_of_one_step_has_one_tick():
    (curves,) = curve_panels({"run": [{"step": 4, "generator/loss": 1.0}]}).values()
    assert re.findall(r">([^<>]+)</text>", curves.svg).count("4") == 1


def test_runs_with_one_seed_have_no_mean(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        write_run(tmp_path / name)
    report((Path("a"), Path("b"), tmp_path / "a"))
    text = Path("report.html").read_text()
    assert text.count("There is no mean of 2 runs (a, b), generated: two runs hold quality/") == 1
    assert not any("mean of" in row[0] for row in Outline(text).tables[0])


def test_figures_of_two_protocols_are_two_tables(tmp_path):
    later = [figure("frechet", 5.0, protocol="b2"), figure("recall", 0.25, protocol="b2")]
    outline = outline_of(write_run(tmp_path / "run", figures=[*FIGURES, *later]))
    newest, _before = outline.tables[:2]
    assert newest == [["", "frechet", "recall"], ["generated, step 30 (last)", "5.000", "0.250"]]
    assert "step 20 (best)" in outline.tables[1][2][0]


def test_a_step_that_was_asked_for_and_live_weights_have_rows(tmp_path):
    asked = [figure("frechet", 4.0, step=10, draw_seed=0)]
    asked += [figure("frechet", 4.5, step=10, draw_seed="evaluate_final")]  # then it went on
    asked += [figure("frechet", 6.0, weights="live", draw_seed=0)]
    labels = [row[0] for row in outline_of(write_run(tmp_path / "r", figures=asked)).tables[0]]
    assert labels[1:] == ["generated, step 30 (last), live weights", "generated, step 10"]


def test_a_run_that_goes_on(tmp_path):
    folder = write_run(tmp_path / "run")
    (folder / "summary.json").unlink()
    with (folder / "figures.jsonl").open("a") as lines:
        lines.write('{"evaluator": "qual')
    report((folder,), out=tmp_path / "deep" / "page.html")
    text = (tmp_path / "deep" / "page.html").read_text()
    assert "not finished: its files end at step 30" in text and "(best)" not in text


def test_a_folder_of_the_first_format(tmp_path):
    folder = write_run(tmp_path / "old")
    for name in ("figures.jsonl", "protocols.json"):
        (folder / name).unlink()
    rows = {"generated": {"Frechet": 123.25}}
    summary = {"steps": 30, "seconds": 1.0, "figures": {"protocol": "", "rows": rows}}
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "evaluation.json").write_text('[{"row": "generated", "value": 456.5}]')
    pixels = np.zeros((4, 4), np.uint8)
    (folder / "samples").mkdir()
    for step in STEPS:
        Image.fromarray(pixels + step).save(folder / "samples" / f"step_{step:08d}.png")
    Image.fromarray(pixels).save(folder / "neighbours.png")
    outline = outline_of(folder)
    text = (folder / "report.html").read_text()
    assert (
        outline.tags.count("img") == 2 and text.count("data:image/png") == 4
    )  # one is black twice
    assert f"python -m gan_jax evaluate {folder}" in text
    assert "123.25" not in text and "456.5" not in text
    assert "Curves" in outline.headings


def test_a_page_has_a_size(drawn, tmp_path, monkeypatch):
    media = [file for file in drawn.glob("artefacts/*/*") if file.suffix != ".txt"]
    media = [file for file in media if "same" not in str(file) and file.stem[-2:] in ("10", "30")]
    two = sum(4 * file.stat().st_size / 3 for file in media)
    monkeypatch.setattr(viewer, "LIMIT", two + 200)  # for the texts
    report((drawn,), out=tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "Every 2nd step is shown, counted back from the last" in text
    assert 'data-steps="[10,30]"' in text and "words of step 20" not in text
    monkeypatch.setattr(viewer, "LIMIT", 2000)
    report((drawn,), out=tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "step_00000030.wav has 0.0 MiB and is not shown" in text and "audio/wav" not in text
    assert "words of step 30</pre>" in text


def test_one_file_that_is_too_large_thins_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(viewer, "LIMIT", 1000)
    folder = write_run(tmp_path / "run")
    for step in STEPS:
        write_artefact(folder / "artefacts", "words", step, Text(f"words of step {step}"))
    write_artefact(folder / "artefacts", "novel", 30, Text("long " * 300))
    report((folder,))
    text = (folder / "report.html").read_text()
    assert "long long" not in text and "step_00000030.txt has 0.0 MiB and is not shown" in text
    assert all(f"words of step {step}" in text for step in STEPS)


def test_text_from_files_stays_text(tmp_path):
    evil_figure = figure("frechet", 1.0, row=EVIL, evaluator=EVIL, protocol=EVIL)
    folder = write_run(
        tmp_path / "<b>run & $x_{", figures=[evil_figure, *FIGURES], arguments={EVIL: EVIL}
    )
    protocol = {"protocol": {"description": EVIL, EVIL: [EVIL]}, "figures": {EVIL: {"label": EVIL}}}
    (folder / "protocols.json").write_text(json.dumps({EVIL: protocol, "a1": PROTOCOL}))
    lines = [{"step": 1, f"{EVIL}/{EVIL}": 1.0, "eval/x": "1", "health/y": [1]}, {"step": EVIL}]
    lines += [{"step": 1, "health/y": float("nan"), "health/z": 10**400}]
    write_lines(folder / "metrics.jsonl", lines)
    write_artefact(folder / "artefacts", "words", 1, Text(f"one {EVIL}"))
    write_artefact(folder / "artefacts", "words", 2, Text(EVIL))
    outline = outline_of(folder)
    assert outline.tags.count("script") == 2 and "b" not in outline.tags
    assert outline.tags.count("img") == 0 and EVIL in outline.tables[0][0] + outline.tables[0][1]


def test_files_of_others_are_not_followed(tmp_path):
    folder = write_run(tmp_path / "run")
    (tmp_path / "secret").write_text("a secret")
    (folder / "artefacts" / "words").mkdir(parents=True)
    (folder / "artefacts" / "words" / "step_00000001.txt").symlink_to(tmp_path / "secret")
    report((folder,))
    assert "a secret" not in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    "runs, out, message",
    [
        ((), None, "name at least one run folder"),
        ((Path("nowhere"),), None, "nowhere is no run folder"),
        ((Path("run"),), Path("page.pdf"), "--out must be an .html file, got page.pdf"),
        ((Path("run"),), Path("run/config.json/page.html"), "choose another with --out"),
        ((Path("list"),), None, "config.json must hold a JSON object, got list"),
        ((Path("broken"),), None, "protocols.json is not valid JSON"),
    ],
)
def test_what_cannot_be_reported(runs, out, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(Path("run"))
    (write_run(Path("list")) / "config.json").write_text("[]")
    (write_run(Path("broken")) / "protocols.json").write_text("{")
    with pytest.raises(SystemExit):
        report(runs, out=out)
    assert message in capsys.readouterr().err


def test_figures_and_protocols_are_read_as_far_as_they_are_whole(tmp_path):
    path = tmp_path / "figures.jsonl"
    assert read_figures(path) == [] and read_protocols(tmp_path / "protocols.json") == {}
    whole = [figure("frechet", 1.0), figure("share", None)]
    text = "".join(json.dumps(line) + "\n" for line in whole)
    path.write_text(f'{text}{{"evalu{text}[1]\n3\n{{"step": 1}}\n{text.rstrip()}')
    assert read_figures(path) == [*whole, whole[1], whole[0]]
    (tmp_path / "protocols.json").write_text("[1]")
    with pytest.raises(ValueError, match="an object of objects"):
        read_protocols(tmp_path / "protocols.json")


@pytest.fixture
def browser(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium with its driver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking",
        "disable-component-update", "disable-sync", "disable-dev-shm-usage",
        f"user-data-dir={tmp_path / 'profile'}",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


SHOWN = """return [document.querySelector("output").textContent, ...[...document.querySelectorAll(
    "[data-into]")].map(element => element[element.dataset.into])]"""
SIZES = """return [...document.images].map(image => Math.min(image.naturalWidth, image.width))"""
SECONDS = """const done = arguments[0], audio = document.querySelector("audio");
    const say = () => audio.readyState > 0 ? done(audio.duration) : setTimeout(say, 20); say()"""
WIDER = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_the_page_in_a_browser(drawn, browser, tmp_path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.set_script_timeout(20)
    for width in (1200, 400):
        metrics = dict(width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get((drawn / "report.html").as_uri())
        browser.execute_script(
            "for (const fold of document.querySelectorAll('details')) fold.open = true"
        )
        assert browser.execute_script("return window.innerWidth") == width
        assert browser.execute_script(WIDER) <= 0
        assert min(browser.execute_script(SIZES)) >= 16
        assert browser.execute_async_script(SECONDS) == pytest.approx(0.1)
        handle = browser.find_element(By.CSS_SELECTOR, ".viewer input")
        last = browser.execute_script(SHOWN)
        assert last[0] == "30" and last[-2:] == ["always the same", "words of step 30"]
        handle.send_keys(Keys.ARROW_LEFT)
        before = browser.execute_script(SHOWN)
        assert before[0] == "20" and before[-2:] == ["always the same", "words of step 20"]
        assert all(a != b for a, b in zip(before[:5], last[:5], strict=True))
        assert min(browser.execute_script(SIZES)) >= 16
        assert browser.execute_async_script(SECONDS) == pytest.approx(0.1)
        handle.send_keys(Keys.END)
        assert browser.execute_script(SHOWN) == last
        assert browser.get_log("browser") == []


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_page_of_several_runs_in_a_browser_does_no_harm(drawn, browser, tmp_path):
    evil = write_run(tmp_path / "evil", arguments={"name": EVIL, "long": "x" * 300})
    write_artefact(evil / "artefacts", "words", 1, Text(EVIL))
    write_artefact(evil / "artefacts", "words", 2, Text("y" * 500))
    report((drawn, evil), out=tmp_path / "page.html")
    for width in (1200, 400):
        metrics = dict(width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get((tmp_path / "page.html").as_uri())
        assert browser.execute_script(WIDER) <= 0
        assert browser.execute_script(SHOWN)[-1] == "y" * 500
        browser.execute_script(
            """const range = document.querySelectorAll(".viewer input")[1];
            range.value = 0; range.dispatchEvent(new Event("input"));"""
        )
        assert browser.execute_script(SHOWN)[-1] == EVIL
        assert browser.get_log("browser") == []
