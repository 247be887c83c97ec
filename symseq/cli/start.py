"""What the installed script `symseq` calls."""

from __future__ import annotations

import importlib
import importlib.util
import sys

NEEDS = "typer"


def main() -> None:
    """Run the command line, or say what it needs."""
    if importlib.util.find_spec(NEEDS) is None:
        print(
            f"symseq's command line needs the package {NEEDS}, which is not here\n"
            '  hint: pip install "symseq[cli]"',
            file=sys.stderr,
        )
        raise SystemExit(1)
    # Loaded when asked for: it is optional.
    importlib.import_module("symseq.cli.app").app(prog_name="symseq")
