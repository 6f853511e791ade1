"""The model card of an exported generator: what it is, what it was measured to be, how to load it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gan_jax.training.figures_log import read_figures
from gan_jax.training.json_files import read_object
from gan_jax.training.run_folder import RunFolder


def model_card(folder: RunFolder, told: Mapping[str, Any], pictures: Sequence[str]) -> str:
    """The card, in Markdown.

    Args:
        folder: of the run.
        told: the contents of generator.json.
        pictures: names of files beside the card.
    """
    shown = [f"![{p}]({p})" if p.endswith((".png", ".gif")) else f"[{p}]({p})" for p in pictures]
    data = json.dumps(told["data"], sort_keys=True)
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    weights = "moving average" if told["ema"] else "live weights"
    parts = [
        f"# {told['experiment'] or folder.path.name}",
        "\n".join(shown),
        f"A generator trained by `{told['experiment']}` of gan-jax: step {told['step']:,}, {weights}.",
        f"Arguments: `{json.dumps(folder.config().get('arguments', {}))}`",
        f"Trained on data of this fingerprint: `{data}`",
        f"Versions: {versions}.",
        "## Use\n\nWith gan-jax:",
        f"```python\n{_with_package(told)}\n```",
        "With `pip install jax flatbuffers` alone, on a CPU, an NVIDIA GPU or a TPU:",
        f"```python\n{lines_without_package(told)}\n```",
        "## Figures",
        _figures(folder, told),
        "## Limits\n\nSamples resemble the training data, with its gaps and its faults, and may repeat "
        "examples of it. They are no evidence of anything: do not pass them off as records of real people, "
        "measurements or events. Whether they may be shared depends on the licence of the training data.",
    ]
    return "\n\n".join(parts) + "\n"


def lines_without_package(told: Mapping[str, Any]) -> str:
    """Five lines of Python that draw 240 samples of seed 0 with JAX alone."""
    rows = ", ".join(f'"{name}": {_example(field)}' for name, field in told["fields"].items())
    return "\n".join(
        [
            "import numpy as np, jax.export",
            'load = lambda name: jax.export.deserialize(bytearray(open(name, "rb").read()))',
            'latents, key = load("latents.stablehlo").call(np.uint32(0), np.uint32(0))  # seed, block',
            f"rows = {{{rows}}}",
            'samples = load("generator.stablehlo").call(latents, key, rows)',
        ]
    )


def _example(field: Mapping[str, Any]) -> str:
    if "default" in field:
        return f'np.resize(np.array({field["default"]}, "{field["dtype"]}"), 240)'
    return f'np.zeros({(240, *field["shape"])}, "{field["dtype"]}")'


def _with_package(told: Mapping[str, Any]) -> str:
    asked = "".join(f", {n}=..." for n, f in told["fields"].items() if "default" not in f)
    return (
        "import gan_jax\n\n"
        'generator = gan_jax.load_generator(".")\n'
        f"samples = generator(seed=0, num=16{asked})"
    )


def _figures(folder: RunFolder, told: Mapping[str, Any]) -> str:
    """The figures of this step and those of references, with their protocols."""
    if not folder.figures_file.is_file():
        return "None was measured."
    lines = read_figures(folder.figures_file)
    weights = "ema" if told["ema"] else "live"
    of_this = [
        line
        for line in lines
        if line["step"] is None
        or (line["step"], line["seed"], line["weights"]) == (told["step"], told["seed"], weights)
    ]
    last = {(line["evaluator"], line["figure"], line["row"]): line for line in of_this}
    of_this = list(last.values())
    if not of_this:
        return f"None was measured at step {told['step']:,}."
    head = (
        "| figure | of | value | standard error | samples | protocol |\n|---|---|---|---|---|---|\n"
    )
    rows = "\n".join(
        f"| {line['evaluator']}/{line['figure']} | {line['row']} | {_number(line['value'])} | "
        f"{_number(line['standard_error'])} | {line['num']} | {line['protocol']} |"
        for line in of_this
    )
    protocols = read_object(folder.protocols_file) if folder.protocols_file.is_file() else {}
    used = sorted({line["protocol"] for line in of_this} & protocols.keys())
    told_of = "\n".join(f"- {key}: `{json.dumps(protocols[key].get('protocol'))}`" for key in used)
    return f"{head}{rows}\n\nProtocols:\n\n{told_of}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
