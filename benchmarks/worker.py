"""One process: symseq's targets and one peer on one case, results as JSON.

    python -m benchmarks.worker WORK CASE PEER TARGETS ROUNDS FILE

The file is written again after each stage, so that a crash leaves what was found.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from . import floor
from .peers import PEERS, TARGETS
from .results import write
from .turns import MINE, TOLERANCE, interleave, ratio, relative_error
from .work import Array, Build, Built, Problem, Work
from .works import WORKS

Found = dict[str, Any]


def implementations(work: Work, peer: str, targets: list[str]) -> dict[str, Build]:
    """What this process compares: symseq's targets first, then the peer's variants."""
    for target in targets:
        for library in TARGETS.get(target, ()):
            import_module(library)  # no part of what compiling takes
    mine = import_module(f".works.{work.folder}.by_symseq", __package__).build
    found: dict[str, Build] = {
        f"symseq {target}": partial(_on_target, mine, target) for target in targets
    }
    file = PEERS[peer].file
    if peer == floor.FLOOR and work.timed:
        found[peer] = lambda sizes, _: floor.build(work.products(sizes))
    elif file is not None:
        module = import_module(f".works.{work.folder}.{file}", __package__)
        found |= module.VARIANTS[peer]
    return found


def _on_target(mine: Any, target: str, sizes: Any, problem: Problem) -> Built:
    built: Built = mine(sizes, problem, target)
    return built


def measure(
    work: Work,
    case: str,
    builds: dict[str, Build],
    rounds: int,
    save: Callable[[Found], object] = lambda _: None,
) -> Found:
    """What `builds` say, how long they take, and the ratios; saved after each."""
    sizes = work.tiny if case == "tiny" else work.cases[case]
    found: Found = {"implementations": {}}
    ready: dict[str, Built] = {}
    expected: dict[str, Array] = {}
    for name, build in builds.items():
        said: Found = {}
        found["implementations"][name] = said
        try:
            built, made = prepare(work, sizes, build, said)
            check(said, results_of(work, sizes, build, built, made), expected)
            ready[name] = built
        except Exception as error:
            said["failed"] = f"{type(error).__name__}: {error}"[:300]
            said["trace"] = traceback.format_exc().splitlines()[-4:]
        save(found)
    if work.timed:
        runs = {name: built.run for name, built in ready.items()}
        for times in interleave(runs, rounds):
            for name, taken in times.items():
                found["implementations"][name]["milliseconds"] = taken
            found["ratios"] = ratios(times)
            save(found)
    return found


def prepare(work: Work, sizes: Any, build: Build, said: Found) -> tuple[Built, Any]:
    """The implementation and what its first call returned, with what that took."""
    problem = work.sample(sizes)
    began = perf_counter()
    built = build(sizes, problem)
    first = perf_counter()
    made = built.run()
    done = perf_counter()
    said["seconds"] = {
        **built.seconds,
        "first call": done - first,
        "until ready": done - began,
    }
    said["bytes"] = built.bytes(made)
    return built, made


def results_of(
    work: Work, sizes: Any, build: Build, built: Built, made: Any
) -> dict[str, Array]:
    """The first call's results, or, where calls depend on earlier ones, a copy's."""
    if work.comparable is not None:
        same = work.comparable(sizes)
        built = build(same, work.sample(same))
        made = built.run()
    return {name: np.array(value) for name, value in built.results(made).items()}


def check(said: Found, results: dict[str, Array], expected: dict[str, Array]) -> None:
    """Raises: ValueError where results differ from the first implementation's."""
    if not expected:
        expected.update(results)
    elif results:
        said["relative_error"] = error = relative_error(results, expected)
        if not error <= TOLERANCE:
            raise ValueError(f"results differ by {error:.1e}")


def ratios(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """symseq's target → the other → median ratio; below 1, symseq is faster."""
    mine = [name for name in times if name.startswith(MINE)]
    others = [name for name in times if name not in mine]
    return {a: {b: ratio(times[a], times[b]) for b in others} for a in mine}


def main() -> None:
    name, case, peer, targets, rounds, file = sys.argv[1:]
    work = WORKS[name]
    builds = implementations(work, peer, targets.split(","))

    def save(found: Found) -> None:
        write(Path(file), found)

    measure(work, case, builds, int(rounds), save)


if __name__ == "__main__":
    main()
