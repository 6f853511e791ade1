"""What an evaluator finds in its references, without a run."""

import jax

from gan_jax.drawing import Sampler


def rows_of(evaluator, data, **draws):
    """Name -> figure -> value, of the references and of further draw functions."""
    found = {}
    for name, draw_fn in (evaluator.references | draws).items():
        sampler = Sampler(
            lambda key, latents, rows, draw_fn=draw_fn: draw_fn(None, latents, rows),
            None, jax.random.key(0), data=data, num=evaluator.num,
        )  # fmt: skip
        figures = evaluator.measure_fn(sampler)
        assert figures.keys() == evaluator.figures.keys()
        found[name] = {figure: estimate.value for figure, estimate in figures.items()}
    return found


def always(sample):
    """A draw function: one sample over and over."""
    return lambda players, keys, rows: sample.repeat(len(keys), 0)
