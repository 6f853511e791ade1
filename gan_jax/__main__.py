"""The commands: ``python -m gan_jax NAME``; without a name, a list of them."""

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
    known = commands()
    name = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 else "__help"
    if name in ("__help", "_h"):
        width = max(map(len, known))
        print("python -m gan_jax NAME, one of\n")
        print("\n".join(f"    {name:<{width}}  {line}" for name, line in known.items()))
        print("\npython -m gan_jax NAME --help lists its options.")
        return
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
        print(f"error: no command {sys.argv[1]!r}: {advice}", file=sys.stderr)
        sys.exit(2)
    import tyro  # after the cheap answers

    function = getattr(importlib.import_module(f"gan_jax.commands.{name}"), name)
    tyro.cli(function, args=sys.argv[2:], prog=f"python -m gan_jax {name}")


if __name__ == "__main__":
    main()
