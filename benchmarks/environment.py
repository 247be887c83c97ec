"""What the numbers depend on: machine, versions, threads."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("symseq", "numpy", "scipy", "numba", "llvmlite",
             "jax", "jaxlib", "torch", "pytensor")  # fmt: skip
THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NPROC",  # XLA's pool
)
# Asked in a process of its own, with the settings that the workers have.
ASK_BLAS = """
import json, numpy
try:
    import threadpoolctl
    found = threadpoolctl.threadpool_info()
except ImportError:
    found = []
print(json.dumps([[k["internal_api"], k["version"], k["num_threads"]] for k in found]))
"""


def settings(threads: int | None, caches: Path) -> dict[str, str]:
    """The environment of a worker: threads for all alike, empty caches of its own."""
    changed = {
        "SYMSEQ_CACHE": str(caches / "symseq"),
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        "XDG_CACHE_HOME": str(caches),
        "TORCHINDUCTOR_CACHE_DIR": str(caches / "inductor"),
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
    }
    if threads is not None:
        changed |= {name: str(threads) for name in THREADS}
    return {**os.environ, **changed}


def cores(threads: int | None) -> set[int]:
    """The cores that a worker may use: as many as threads, else all of ours."""
    mine = sorted(os.sched_getaffinity(0))
    return set(mine if threads is None else mine[:threads])


def describe(env: dict[str, str], threads: int | None) -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": len(cores(threads)),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": {name: v for name in LIBRARIES if (v := _version(name))},
        "threads": {name: env[name] for name in THREADS if name in env},
        "blas": _blas(env),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _blas(env: dict[str, str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", ASK_BLAS], env=env, capture_output=True, text=True
    )
    return json.loads(done.stdout) if done.returncode == 0 else []


def lines(found: dict[str, Any]) -> list[str]:
    versions = ", ".join(f"{name} {v}" for name, v in found["versions"].items())
    blas = "; ".join(f"{name} {v}, {n} threads" for name, v, n in found["blas"])
    set_ = ", ".join(f"{name}={v}" for name, v in found["threads"].items())
    return [
        f"{found['cpu']}, {found['cores']} cores, load {found['load']:.1f}, "
        f"{found['system']}",
        f"Python {found['python']}, {versions}",
        f"BLAS: {blas or 'unknown (threadpoolctl is not installed)'}; "
        f"threads as found{f', but {set_}' if set_ else ''}",
    ]
