"""The page about runs: what it holds, and how it behaves in a real browser."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_experiments import load

from gan_jax.commands.evaluate import evaluate as evaluation
from gan_jax.commands.html import Slide, page, slider, table
from gan_jax.commands.report import report
from gan_jax.training.runner import run

DEVICES = 1
FILE = Path(__file__).parents[1] / "experiments" / "digits_dcgan.py"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that differ in their seed; the first is evaluated."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        arguments = dict(
            steps=4, batch_size=16, generator_widths=(8, 4), discriminator_widths=(4, 8), seed=seed,
            classifier_steps=4,
        )  # fmt: skip
        built = load(FILE).experiment(**arguments)
        built = built.__class__(**{**vars(built), "sample_every_steps": 1, "log_every_steps": 1})
        run(built, run_dir=folder / f"seed{seed}", experiment_file=FILE, arguments=arguments)
    evaluation(folder / "seed0", num_samples=60, metrics=("frechet", "kernel"))
    return folder


@pytest.fixture(scope="module")
def html(runs):
    report((runs / "seed0", runs / "seed1"), out=runs / "both.html")
    return runs / "both.html"


class Outline(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href")]


def test_the_page_is_one_file_with_everything_in_it(html):
    text = html.read_text()
    outline = Outline(text)
    assert outline.tags.count("input") == 2 and outline.tags.count("svg") >= 4
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in outline.links)
    assert not re.search(r'(src|href|url)\s*[=(]\s*["\']?(https?:)?//', text)
    for heading in (
        "Configuration",
        "Curves",
        "Samples",
        "Interpolations",
        "Nearest neighbours",
        "Figures",
    ):
        assert f"<h2>{heading}</h2>" in text
    assert '<tr><th scope="row">seed</th><td>0</td><td>1</td></tr>' in text
    assert "steps</th>" not in text  # both have 4
    assert "60 samples against 60 real ones; step 4, moving average" in text
    assert "has not been evaluated: python -m gan_jax evaluate" in text  # the other


def test_one_run_shows_its_whole_configuration(runs):
    report((runs / "seed0",), out=runs / "one.html")
    text = (runs / "one.html").read_text()
    assert '<th scope="row">classifier_steps</th><td>4</td>' in text
    first = text
    report((runs / "seed0",), out=runs / "one.html")
    assert (runs / "one.html").read_text() == first


def test_text_from_outside_stays_text():
    danger = '</script><script>alert("x")</script>'
    text = page(danger, [(danger, table([["", danger], [danger, danger]]))])
    text += slider(danger, [Slide(danger, "data:,")])
    assert "<script>alert" not in text and "&lt;script&gt;" in text and "\\u003c/script>" in text


@pytest.mark.parametrize(
    "args, message",
    [
        (((), {}), "name at least one run folder"),
        (((Path("nowhere"),), {}), "nowhere is no run folder"),
        (
            ((Path("nowhere"),), dict(out=Path("page.pdf"))),
            "--out must be an .html file, got page.pdf",
        ),
    ],
)
def test_what_cannot_be_reported(args, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        report(args[0], **args[1])
    assert message in capsys.readouterr().err


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


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_the_slider_and_a_narrow_window_in_a_browser(html, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get(html.as_uri())
    (first, second) = browser.find_elements(By.CSS_SELECTOR, "figure.slider")

    def shown(figure):
        source = figure.find_element(By.TAG_NAME, "img").get_attribute("src")
        return source, figure.find_element(By.TAG_NAME, "output").text

    before, untouched = shown(first), shown(second)
    assert before[1] == "step 4"
    handle = first.find_element(By.TAG_NAME, "input")
    handle.send_keys(Keys.ARROW_LEFT)
    after = shown(first)
    assert after[1] == "step 3" and after[0] != before[0] and shown(second) == untouched
    handle.send_keys(Keys.END)
    assert shown(first) == before
    broken = "return [...document.images].filter(image => !image.naturalWidth).length"
    assert browser.execute_script(broken) == 0
    assert browser.get_log("browser") == []
    for width in (1200, 360):
        metrics = dict(width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        assert browser.execute_script("return window.innerWidth") == width
        wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.execute_script(wide) <= 0, width
