"""The program of each chip of a TPU slice, compiled on this machine: it fits, and nothing is done twice."""

import json
import os
import subprocess
import sys

import pytest
from experiment_files import file_of

from gan_jax.commands.ahead_of_time import CHIPS, Compiled, collectives

# In a process of its own: the TPU compiler reads its environment once.
SCRIPT = """
import dataclasses, json, sys
from pathlib import Path
import jax
jax.config.update("jax_platforms", "cpu")
from gan_jax.training.experiment import load_experiment_function
from gan_jax.commands.ahead_of_time import compile_step, slice_devices
built = load_experiment_function(Path(sys.argv[1]))(**json.loads(sys.argv[2]))
from gan_jax.game.initial import init, shapes_of_samples
params = jax.eval_shape(lambda batch: init(built.game, jax.random.key(0), batch), shapes_of_samples(built.game, 16))
sizes = [sum(4 * leaf.size for leaf in jax.tree.leaves(player.params)) for player in (params.generator, params.discriminator)]
found = [
    compile_step(dataclasses.replace(built, batch_size=per_chip * len(devices)), devices)._asdict()
    for topology, per_chip in json.loads(sys.argv[3])
    for devices in [slice_devices(topology)]
]
print(json.dumps([sizes, found]))
"""


def python(*args):
    """In a process without the session's XLA_FLAGS, which end the TPU compiler: it knows not all of them."""
    env = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    args = [sys.executable, *map(str, args)]
    return subprocess.run(args, env=env, capture_output=True, text=True)


def compiled(file, arguments, slices):
    pytest.importorskip("libtpu", reason="no TPU compiler (pip install 'gan-jax[tpu-test]')")
    done = python("-c", SCRIPT, file, json.dumps(arguments), json.dumps(slices))
    assert done.returncode == 0, done.stderr
    sizes, found = json.loads(done.stdout.splitlines()[-1])
    return sizes, [Compiled(**found) for found in found]


def check(sizes, small, large, chip):
    assert (small.num_chips, large.num_chips) == (4, 16)
    for found in (small, large):
        assert 0 < found.memory < chip.memory
        # the gradients of each player once, and little beside them: batch statistics, metrics
        assert set(found.collectives) == {"all-reduce"}
        _, size = found.collectives["all-reduce"]
        assert sum(sizes) <= size < 1.2 * sum(sizes) + 1e5
    assert large.flops == pytest.approx(small.flops, rel=0.02)
    assert large.memory == pytest.approx(small.memory, rel=0.2)


def test_the_work_of_a_chip_does_not_grow_with_the_slice():
    file = file_of("digits_dcgan")
    sizes, (small, large) = compiled(file, {}, [["v5e:2x2", 16], ["v5e:4x4", 16]])
    check(sizes, small, large, CHIPS["v5e"])


@pytest.mark.slow
@pytest.mark.parametrize("version, small, large", [("v5e", "2x2", "4x4"), ("v6e", "2x2", "4x4")])
@pytest.mark.parametrize("name", ["mnist_dcgan", "stacked_mnist_dcgan", "cifar10_conv"])
def test_every_image_experiment_at_its_full_size(name, version, small, large):
    slices = [[f"{version}:{small}", 32], [f"{version}:{large}", 32]]
    sizes, found = compiled(file_of(name), {}, slices)
    check(sizes, *found, CHIPS[version])


def test_collectives_are_counted_with_their_bytes():
    program = """
      %all-reduce.1 = (f32[8,4]{1,0}, bf16[3]{0}) all-reduce(%a, %b), replica_groups={}
      %ar = f32[] all-reduce-start(%c), to_apply=%add
      %done = f32[] all-reduce-done(%ar)
      ROOT %g = f32[16,2]{1,0:T(8,128)} all-gather(%d), dimensions={0}
      %fusion = f32[8]{0} fusion(%all-reduce.1), kind=kLoop
    """
    assert collectives(program) == {
        "all-reduce": (2, 4 * 32 + 2 * 3 + 4),
        "all-gather": (1, 4 * 32),
    }


def test_the_roofline_is_work_or_memory():
    chip = CHIPS["v5e"]
    found = Compiled(4, 0, flops=chip.flops, bytes_accessed=0.5 * chip.bandwidth, collectives={})
    assert found.seconds(chip) == 1.0
    assert found._replace(bytes_accessed=2 * chip.bandwidth).seconds(chip) == 2.0


@pytest.mark.parametrize(
    "args, message",
    [
        (("--topology", "v9:2x2"), "with a version of v4, v5e, v5p, v6e"),
        (
            ("--topology", "v5e:2x2", "--batch-size", "6"),
            "must be a multiple of the 4 chips, such as 8",
        ),
        (("--topology", "v5e:3x5"), "no slice 'v5e:3x5'"),
    ],
)
def test_slices_that_are_none(args, message):
    if args[1] != "v9:2x2":
        pytest.importorskip("libtpu", reason="no TPU compiler (pip install 'gan-jax[tpu-test]')")
    done = python("-m", "gan_jax", "compile_for", file_of("digits_dcgan"), *args)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
