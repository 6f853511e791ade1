"""Run folders made by hand, as a training leaves them: tables are read from such."""

import json
from pathlib import Path

PROTOCOL = {"num": 100, "network": {"sha256": "aa"}, "description": "100 samples a row"}


def values_of(arguments, seed):
    """What the fake training's generator is worth: another value for every seed and argument."""
    return arguments.get("quality", 1.0) + 0.5 * seed + 10.0 * arguments.get("digit", 0)


def line(value, *, step=100, seed=0, row="generated", draw_seed="evaluate_final", **others):
    """Of a figures.jsonl."""
    found = dict(evaluator="quality", figure="frechet", row=row, seed=seed, step=step)
    found |= dict(weights="ema", value=value, standard_error=0.25, num=100, draw_seed=draw_seed)
    return found | dict(protocol="p1") | others


def reference(value, row="real", **others):
    """A line of a reference: of no seed, step or weights."""
    return line(value, row=row, seed=None, step=None, draw_seed="evaluate") | dict(
        weights=None, **others
    )


def write_run(
    path: Path,
    lines,
    *,
    arguments=None,
    num_seeds=1,
    steps=100,
    best=None,
    metrics=(),
    protocols=None,
):
    """A run folder; ``summary.json`` last, as in a training."""
    path.mkdir(parents=True, exist_ok=True)
    config = {"experiment": "fake", "arguments": arguments or {"seed": 0}, "num_seeds": num_seeds}
    config["versions"] = {"jax": "0.10.2"}
    figures = {"frechet": {"label": "Frechet | distance", "better": "less", "digits": 2}}
    if protocols is None:
        protocols = {"p1": PROTOCOL}
    entries = {
        key: {"evaluator": "quality", "protocol": protocol, "figures": figures}
        for key, protocol in protocols.items()
    }
    write(path / "config.json", config)
    write(path / "protocols.json", entries)
    for name, found in (("figures.jsonl", lines), ("metrics.jsonl", metrics)):
        (path / name).write_text("".join(json.dumps(each) + "\n" for each in found))
    best = best and {"step": best, "figure": "quality/frechet", "value": 1.0}
    write(path / "summary.json", {"steps": steps, "seconds": 1.5, "best": best})


def write(path, tree):
    path.write_text(json.dumps(tree))


def fake_train(planned, calls=None, protocol=None):
    """As a training: it goes on where steps are left, and leaves figures and references."""
    if calls is not None:
        calls.append(str(planned.path.name))
    arguments = dict(planned.arguments)
    steps = arguments.get("steps", 100)
    seeds = range(planned.seed, planned.seed + planned.num_seeds)
    lines = [line(values_of(arguments, seed), seed=seed, step=steps) for seed in seeds]
    lines += [line(9.0, seed=seed, step=steps, draw_seed=7) for seed in seeds]  # evaluate --seed 7
    lines += [line(5.0, seed=seed, step=steps, row="temperature 0.5") for seed in seeds]
    lines += [reference(0.5), reference(99.0, row="noise")]
    key = protocol or arguments.get("protocol", "p1")
    write_run(
        planned.path,
        [each | {"protocol": key} for each in lines],
        arguments=arguments | {"default": 3},
        num_seeds=planned.num_seeds,
        steps=steps,
        protocols={key: PROTOCOL if key == "p1" else {"num": 50, "network": {"sha256": "bb"}}},
        metrics=[{"step": steps, "seconds": 1.5, "discriminator/loss": 0.125}],
    )
