"""The commands: ``python -m gan_jax NAME``, or ``gan-jax NAME``; without a name, a list of them."""

import ast
import difflib
import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "commands"


def commands() -> dict[str, str]:
    """Name -> first line of its help, read without importing anything."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name == path.stem:
                found[path.stem] = ast.get_docstring(node).splitlines()[0]
    return found


def main() -> None:
    """Calls a command with the rest of the command line; exits with 2 where there is none of that name."""
    try:
        _main()
    except KeyboardInterrupt:  # while JAX is imported
        print("stopped by Ctrl-C before anything began", file=sys.stderr)
        sys.exit(130)


def _main() -> None:
    known, prog = commands(), _prog()
    name = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 else "__help"
    if name in ("__help", "_h"):
        width = max(map(len, known))
        print(f"{prog} NAME, one of\n")
        print("\n".join(f"    {name:<{width}}  {line}" for name, line in known.items()))
        print(f"\n{prog} NAME --help lists its options.\n")
        return
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
        print(f"error: no command {sys.argv[1]!r}: {advice}", file=sys.stderr)
        sys.exit(2)
    _call(name, sys.argv[2:], f"{prog} {name}")


def _call(name: str, args: list[str], prog: str) -> None:
    import tyro  # after the cheap answers, as JAX

    from gan_jax.training.messages import exit_with_message

    module = importlib.import_module(f"gan_jax.commands.{name}")

    def call() -> None:
        # the options of some commands depend on a file that is named on their command line
        make_fn = getattr(module, "with_arguments", None)
        tyro.cli(make_fn(args) if make_fn else getattr(module, name), args=args, prog=prog)

    exit_with_message(call, debug="--debug" in args)


def _prog() -> str:
    """The command as it was typed."""
    return "gan-jax" if Path(sys.argv[0]).stem == "gan-jax" else "python -m gan_jax"


if __name__ == "__main__":
    main()
