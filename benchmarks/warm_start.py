"""The tutorial's training step from nothing to its first result, in fresh processes.

    python benchmarks/warm_start.py [--processes N]

The first process meets an empty cache; the others find what it left there. The numba
target's second start imports llvmlite, which loads the machine code, and nothing else
of numba: the table has that import in a column of its own, and what else was imported.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PARTS = ("llvmlite", "build", "compile", "first call", "without llvmlite")
CHILD = """
import json, sys
from time import perf_counter
from benchmarks.works.tutorial import WORK, by_symseq
target = sys.argv[1]
(sizes,) = WORK.cases.values()
problem = WORK.sample(sizes)
began = perf_counter()
if target == "numba":
    import llvmlite.binding
ready = perf_counter()
built = by_symseq.build(sizes, problem, target)
made = perf_counter()
built.run()
done = perf_counter()
print(json.dumps({"llvmlite": ready - began, **built.seconds, "first call": done - made,
                  "without llvmlite": done - ready, "numba": "numba" in sys.modules}))
"""


def start(target: str, cache: Path) -> dict[str, Any]:
    """What one process took, by part, in seconds."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, target],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "SYMSEQ_CACHE": str(cache)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def line(name: str, runs: list[dict[str, Any]]) -> str:
    """The least of some processes: what else runs on the machine only adds."""
    shown = "".join(f"{min(run[part] for run in runs):18.3f}" for part in PARTS)
    imported = "yes" if any(run["numba"] for run in runs) else "no"
    return f"{name:12}{shown}  {imported}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--processes", type=int, default=5)
    options = parser.parse_args()
    print(f"{'':12}" + "".join(f"{part:>18}" for part in PARTS) + "  imports numba")
    for target in ("numpy", "numba"):
        with tempfile.TemporaryDirectory() as cache:
            print(line(f"{target} cold", [start(target, Path(cache))]), flush=True)
            warm = [start(target, Path(cache)) for _ in range(options.processes)]
            print(line(f"{target} warm", warm), flush=True)


if __name__ == "__main__":
    main()
