"""What the commands say: their list, their options, and one message for bad input."""

import pytest
from test_command_line import DIGITS, command


@pytest.mark.parametrize(
    "args, said",
    [
        ((DIGITS, "--step", "5"), "--steps"),
        ((DIGITS, "--steps", "many"), "invalid literal"),
        ((DIGITS, "--batch-size", "1798"), "between 1 and the 1797 examples"),
        ((DIGITS, "--generator-widths", "8", "8", "8", "8"), "too few pixels for the strides"),
        ((DIGITS, "--patience", "0"), "at least 1 measurement"),
        (
            ("experiments/tutorials/gaussian_mlp.py", "--means", "1.5"),
            "the means inside (0.0, 1.0)",
        ),
        (
            ("experiments/tutorials/mnist_dcgan.py", "--data-dir", "/nowhere"),
            "/nowhere is not a folder",
        ),
        (("experiments/yours/folder_dcgan.py", "--data-dir", "tests"), "holds no image file"),
        (("-m", "gan_jax", "sample", "tests"), "is no run folder"),
        (("-m", "gan_jax", "sample", "tests", "--checkpoint", "middle"), "last, best"),
        (("-m", "gan_jax", "sample", "tests", "--out", "grid.pdf"), "is no run folder"),
    ],
)
def test_bad_input_gets_one_message_and_no_traceback(args, said, tmp_path, command_here):
    run_dir = () if args[0] == "-m" else ("--run-dir", tmp_path / "run")
    # a script and a module are started; of the others the message is the subject
    alone = args in ((DIGITS, "--steps", "many"), ("-m", "gan_jax", "sample", "tests"))
    code, out, err = (command if alone else command_here)(*args, *run_dir)
    assert code in (1, 2)
    assert said in out + err
    assert "Traceback" not in err and len(err.splitlines()) < 30


def test_the_commands_are_listed_and_a_misspelt_one_is_named(command_here):
    code, out, _ = command_here("-m", "gan_jax")
    names = {"sample", "evaluate", "export", "report", "status", "replay", "spectrum"}
    names |= {"compile_for", "table", "explain"}
    assert (
        code == 0 and {line.split()[0] for line in out.splitlines() if line[:4] == "    "} == names
    )
    code, _, err = command_here("-m", "gan_jax", "sampel", "runs/digits")
    assert code == 2 and err == "error: no command 'sampel': did you mean sample?\n"
    code, out, _ = command_here("-m", "gan_jax", "sample", "--help")
    assert code == 0 and "python -m gan_jax sample" in out and "--num" in out


def test_compile_for_takes_the_experiments_own_arguments(command_here):
    code, out, _ = command_here("-m", "gan_jax", "compile_for", DIGITS, "--help")
    assert code == 0 and "--topology" in out and "--generator-widths" in out
    wide = ("--topology", "v5x:2x2", "--generator-widths", "16", "8")
    code, _, err = command_here("-m", "gan_jax", "compile_for", DIGITS, *wide)
    assert code == 1 and "VERSION:SHAPE with a version of v4" in err
