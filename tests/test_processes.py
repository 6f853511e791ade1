"""A pod in miniature: two processes of two CPU devices each, over loopback; one of them killed."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from test_command_line import final_state

from gan_jax.data.batches import share
from gan_jax.training import processes
from gan_jax.training.messages import exit_with_message
from gan_jax.training.run_lock import locked

SECONDS = 120  # in which anything here must end

# Batch norm and a loss that looks at all rows; streamed, so that a process reads its share; measured, so that
# the best is kept. Every process writes down what it reads.
EXPERIMENT = '''
import os
import numpy as np
import optax
import jax
from gan_jax import losses
from gan_jax.data import Data
from gan_jax.drawing.shown import pictured
from gan_jax.game import Game
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators import Evaluator, Figure
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.training import Experiment, main

POINTS = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)


class Streamed:
    def __len__(self):
        return len(POINTS)

    def __getitem__(self, index):
        if folder := os.environ.get("READ_FOLDER"):
            with open(f"{folder}/{jax.process_index()}_of_{jax.process_count()}", "a") as file:
                file.write(f"{index}\\\\n")
        return {"point": POINTS[index]}


def spread(data):
    def measure(sampler):
        return {"spread": Estimate(float(sampler.draw().samples.std()))}

    return Evaluator(measure_fn=measure, figures={"spread": Figure("spread", "less")}, protocol={}, num=16,
                     references={"real": lambda players, latents, rows: rows["real"]})


def experiment(*, steps: int = 12) -> Experiment:
    """A small game."""
    game = Game(
        generator=MLPGenerator((2,), (8,), norm_fn=BatchNorm, output_fn=None),
        discriminator=MLPDiscriminator((8,)),
        loss=losses.relativistic_average(),
        generator_optimizer=optax.sgd(0.05),
        discriminator_optimizer=optax.sgd(0.05),
        latent_size=4,
    )
    return Experiment(
        game=game, evaluators={"points": spread},
        data=Data(source_fn=Streamed, prepare_fn=lambda key, example: {"real": example["point"]}),
        artefacts_fn=pictured(lambda samples, logits_fn: __import__("PIL.Image").Image.new("L", (8, 8))),
        steps=steps, batch_size=16, log_every_steps=2, sample_every_steps=6, save_every_steps=4,
        evaluate_every_steps=4,
    )


if __name__ == "__main__":
    main(experiment, tiny={})
'''


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("pod") / "pod.py"
    path.write_text(EXPERIMENT.replace("\\\\n", "\\n"))
    return path


def start(file, run_dir, *flags, devices, **variables):
    settings = {
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": str(devices),
        "XDG_CACHE_HOME": str(file.parent),
        **variables,
    }
    return subprocess.Popen(
        [sys.executable, str(file), "--run-dir", str(run_dir), *map(str, flags)],
        env=os.environ | settings,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def start_pod(file, run_dir, *flags, **variables):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    pod = ("--coordinator", address, "--num-processes", 2)
    return [
        start(file, run_dir, *flags, *pod, "--process-id", index, devices=2, **variables)
        for index in range(2)
    ]


def start_in_slurm(file, run_dir, *flags):
    """As ``srun --ntasks 2`` would: nothing is named, the environment says it."""
    job = {"SLURM_JOB_ID": str(random.randrange(10**6)), "SLURM_STEP_NODELIST": "localhost"}
    counts = {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NUM_NODES": "1"}
    return [
        start(
            file,
            run_dir,
            *flags,
            devices=2,
            **job,
            **counts,
            SLURM_PROCID=str(index),
            SLURM_LOCALID=str(index),
        )
        for index in range(2)
    ]


def ended(*started):
    """Exit code, stdout and stderr of each; none outlives a test that gives up."""
    try:
        outputs = [process.communicate(timeout=SECONDS) for process in started]
    finally:
        for process in started:
            process.kill()
    return [(process.returncode, *texts) for process, texts in zip(started, outputs, strict=True)]


def wait_for_a_checkpoint(run_dir, process):
    """Until one is whole, or the process has ended, or the time is up."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if list((run_dir / "checksums").glob("*.json")):
            break
        time.sleep(0.01)


def lines(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def assert_close(first, second):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), first, second)


@pytest.fixture(scope="module")
def alone(file):
    """Four devices in one process."""
    run_dir = file.parent / "alone"
    [(code, _, err)] = ended(start(file, run_dir, devices=4))
    assert code == 0, err
    return run_dir


@pytest.fixture(scope="module")
def pod(file):
    """Two devices in each of two processes, uninterrupted; what they read, and what they said."""
    run_dir, read = file.parent / "pod", file.parent / "read"
    read.mkdir()
    said = ended(*start_pod(file, run_dir, READ_FOLDER=str(read)))
    assert [code for code, *_ in said] == [0, 0], said
    return run_dir, read, said


@pytest.mark.thorough
def test_a_pod_trains_what_one_process_trains(alone, pod):
    run_dir, _, said = pod
    assert_close(final_state(alone), final_state(run_dir))
    for one, two in zip(lines(alone), lines(run_dir), strict=True):
        assert one.keys() == two.keys() and one["step"] == two["step"]
        for name in one.keys() - {"seconds", "examples_per_second", "waiting_for_data_percent"}:
            assert two[name] == pytest.approx(one[name], rel=1e-3, abs=1e-4), name
    assert "generated" in said[0][1] and "generated" not in said[1][1]  # the first process speaks
    assert {path.name for path in alone.iterdir()} == {path.name for path in run_dir.iterdir()}


def test_each_process_reads_its_share(pod):
    read = {path.name: path.read_text().split() for path in pod[1].iterdir()}
    first, second = read["0_of_2"], read["1_of_2"]
    # half of the first batch for its shapes, the fingerprint of 16, half of the first batch to initialise on, then
    # 12 batches of 16, half of each; the first process looks at samples too
    assert first[8:24] == second[8:24] and len(second) == 8 + 16 + 8 + 12 * 8
    assert second[:8] == second[24:32] != first[:8]
    assert len(first) > len(second)


@pytest.mark.thorough
def test_one_process_is_killed_and_all_go_on(file, pod, tmp_path):
    """The other ends within a minute, with a message; the run that goes on is the uninterrupted one."""
    run_dir = tmp_path / "killed"
    first, second = start_pod(file, run_dir, "--steps", 100_000)
    wait_for_a_checkpoint(run_dir, first)
    second.send_signal(signal.SIGKILL)
    began = time.monotonic()
    (code, _, err), (killed, *_) = ended(first, second)
    assert killed == -signal.SIGKILL and code != 0
    assert time.monotonic() - began < 60
    # ours where JAX reports it, else JAX's own
    assert "another process of this run has ended" in err or "another task died" in err
    assert "process 0 of 2" in err and "start all of them again with the same command" in err
    step = max(
        int(path.name) for path in (run_dir / "checkpoints").iterdir() if path.name.isdecimal()
    )
    whole = tmp_path / "whole"
    said = ended(
        *start_pod(file, run_dir, "--steps", step + 8), *start_pod(file, whole, "--steps", step + 8)
    )
    assert [code for code, *_ in said] == [0] * 4, said
    assert f"resuming {run_dir} at step" in said[0][1]
    jax.tree.map(np.testing.assert_array_equal, final_state(run_dir), final_state(whole))


def test_a_lost_process_is_told_of(monkeypatch, capsys):
    """Where JAX reports it, in our words; any other error of JAX keeps its traceback."""
    ends = []
    monkeypatch.setattr(jax.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(os, "_exit", ends.append)
    for report, said in (
        ("Gloo AllReduce failed: Connection closed by peer", processes.LOST),
        ("RESOURCE_EXHAUSTED: out of memory", "Traceback"),
    ):

        def step(report=report):
            raise jax.errors.JaxRuntimeError(report)

        with pytest.raises(jax.errors.JaxRuntimeError):  # the process would be gone
            exit_with_message(step)
        assert said in capsys.readouterr().err
    assert ends == [1, 1]


@pytest.mark.slow
def test_parameters_on_two_processes_end_on_one(file, pod, tmp_path):
    """Saved in parts by both, read whole by one."""
    run_dir = tmp_path / "parts"
    first, second = start_pod(file, run_dir, "--parameter-shards", 4, "--steps", 8)
    said = ended(first, second)
    assert [code for code, *_ in said] == [0, 0], said
    [(code, out, err)] = ended(start(file, run_dir, devices=1))
    assert code == 0 and "at step 8 of 12" in out, err
    assert_close(final_state(pod[0]), final_state(run_dir))


@pytest.mark.slow
def test_asked_to_stop_they_stop_together(file, tmp_path):
    """Here they were found by themselves."""
    run_dir = tmp_path / "stopped"
    first, second = start_in_slurm(file, run_dir, "--steps", 100_000)
    wait_for_a_checkpoint(run_dir, first)
    second.send_signal(signal.SIGTERM)  # one of them hears it
    said = ended(first, second)
    assert [code for code, *_ in said] == [143, 143], said
    steps = {re.search(r"stopped by SIGTERM at step (\d+)", err).group(1) for _, _, err in said}
    assert len(steps) == 1 and (run_dir / "checkpoints" / steps.pop()).is_dir()


def test_a_folder_in_use_is_refused_by_all(file, tmp_path):
    with locked(tmp_path):
        said = ended(*start_pod(file, tmp_path))
    assert [code for code, *_ in said] == [1, 1]
    for _, _, err in said:
        assert f"in use by process {os.getpid()}" in err and "Traceback" not in err


@pytest.mark.parametrize(
    "variables, several",
    (
        ({}, False),
        ({"SLURM_JOB_ID": "1", "SLURM_NTASKS": "4"}, False),  # within sbatch, before any srun
        ({"SLURM_STEP_NUM_TASKS": "4"}, True),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, True),
        ({"JAX_COORDINATOR_ADDRESS": "host:1"}, True),
    ),
)
def test_where_others_are_looked_for(monkeypatch, variables, several):
    for name in ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "JAX_COORDINATOR_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    joined = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda *given, **more: joined.append(given))
    processes.join()
    assert joined == ([(None, None, None)] if several else [])
    processes.join("host:1", 2, 1)
    assert joined[-1] == ("host:1", 2, 1)


def test_chips_without_a_pod_are_alone(monkeypatch):
    def no_pod(*given, **more):
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", no_pod)
    monkeypatch.setattr(processes, "_has_tpu", lambda: True)
    processes.join()
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    with pytest.raises(ValueError, match="coordinator_address"):
        processes.join()


@pytest.mark.parametrize("text", ["many", "", "0", "-1", "2.0", "\u00b2"])
def test_a_variable_that_is_no_number_of_processes_is_named(text, monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", text)
    with pytest.raises(ValueError, match=f"OMPI_COMM_WORLD_SIZE must be a number .* got '{text}'"):
        processes.join()


def test_the_first_process_listens_where_it_was_told(monkeypatch):
    listened = {}
    monkeypatch.setattr(jax.distributed, "initialize", lambda *given, **more: listened.update(more))
    for address, place in (
        ("127.0.0.1:45613", "127.0.0.1:45613"),
        ("203.0.113.7:45613", None),  # of no interface here: behind a translation of addresses
    ):
        processes.join(address, 2, 0)
        assert listened["coordinator_bind_address"] == place
    processes.join("127.0.0.1:45613", 2, 1)
    assert listened["coordinator_bind_address"] is None


def test_what_joining_refuses():
    for given, message in (
        (("host:1", 2, None), "all of --coordinator"),
        (("host", 2, 0), "must be HOST:PORT with a port of 1 .. 65535, got 'host'"),
        (("host:99999999", 2, 0), "must be HOST:PORT with a port"),
        (("host:0", 2, 0), "must be HOST:PORT with a port"),
        (("host:-1", 2, 0), "must be HOST:PORT with a port"),
        (("host:\u00b2", 2, 0), "must be HOST:PORT with a port"),
        ((":1", 2, 0), "must be HOST:PORT with a port"),
        (("host:1", 0, 0), "--num-processes must be at least 1, got 0"),
        (("host:1", -2, 0), "--num-processes must be at least 1, got -2"),
        (("host:1", 2, -1), r"--process-id must be in 0 .. 1"),
        (("host:1", 2, 2), r"--process-id must be in 0 .. 1"),
    ):
        with pytest.raises(ValueError, match=message):
            processes.join(*given)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"{port}: another program listens at that port"):
            processes.join(f"127.0.0.1:{port}", 2, 0)
    with pytest.raises(ValueError, match="batch_size 15 must be a multiple of the 2 processes"):
        share(15, 0, 2)
