"""symseq's targets and what is installed of its peers, on the same work.

python -m benchmarks [--only NAME] [--json FILE] [--rounds N] [--picture FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from . import environment, picture, table
from .peers import PEERS, TARGETS, missing
from .run import Options, run_case
from .work import Work
from .works import WORKS

Results = dict[str, dict[str, dict[str, Any]]]  # work → case → peer → what was found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--only", metavar="NAME,...", help=", ".join(WORKS))
    parser.add_argument("--case", default="", help="part of a case's name")
    parser.add_argument("--peers", metavar="NAME,...", help=", ".join(PEERS))
    parser.add_argument("--targets", metavar="NAME,...", help=", ".join(TARGETS))
    parser.add_argument("--rounds", type=int, default=11, help="turns of each")
    parser.add_argument("--threads", type=int, help="cores and threads for all alike")
    parser.add_argument("--timeout", type=float, default=900.0, help="s for a process")
    parser.add_argument(
        "--tiny", action="store_true", help="small sizes: equality only"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    return parser.parse_args()


def chosen(names: str | None, known: Collection[str], what: str) -> list[str]:
    """The names asked for, or all. Raises: SystemExit for one that is not known."""
    asked = list(known) if names is None else names.split(",")
    for name in asked:
        if name not in known:
            raise SystemExit(f"no {what} {name!r}; there are {', '.join(known)}")
    return asked


def installed(targets: list[str]) -> tuple[str, ...]:
    """The targets whose libraries are here."""
    return tuple(name for name in targets if not missing(TARGETS[name]))


def cases(work: Work, options: argparse.Namespace) -> list[str]:
    return ["tiny"] if options.tiny else [c for c in work.cases if options.case in c]


def run(work: Work, options: argparse.Namespace, caches: Path) -> Iterator[Any]:
    """(case, results by process), printed as they come."""
    asked = chosen(options.peers, PEERS, "peer")
    peers = [
        name
        for name in asked
        if PEERS[name].does(name, work) and not PEERS[name].lacks()
    ]
    targets = installed(chosen(options.targets, TARGETS, "target"))
    how = Options(options.rounds, targets, options.threads, options.timeout)
    for case in cases(work, options):
        print(*table.title(work, case), sep="\n", flush=True)
        found: dict[str, Any] = {}
        for name, peer, place in processes(work, peers, caches):
            found[name] = run_case(work, case, peer, how, place)
            lines = table.lines(work, name, found[name], first=len(found) == 1)
            print(*lines, sep="\n", flush=True)
        print(*table.best_lines(found), sep="\n", flush=True)
        yield case, found


def processes(
    work: Work, peers: list[str], caches: Path
) -> Iterator[tuple[str, str, Path]]:
    """(name, peer, folder of its caches): of what is only made ready, two of each.

    The first meets empty caches, the second what the first has left in them.
    """
    for peer in peers:
        if work.timed:
            yield peer, peer, caches
        else:
            with tempfile.TemporaryDirectory(dir=caches) as own:
                yield f"{peer} cold", peer, Path(own)
                yield f"{peer} warm", peer, Path(own)


def main() -> None:
    options = parse()
    works = chosen(options.only, WORKS, "benchmark")
    results: Results = {}
    with tempfile.TemporaryDirectory() as caches:
        env = environment.settings(options.threads, Path(caches))
        described = environment.describe(env, options.threads)
        print(*environment.lines(described), *absent(options), sep="\n")
        for name in works:
            results[name] = {}
            for case, found in run(WORKS[name], options, Path(caches)):
                results[name][case] = found
                if options.json:
                    save(options.json, described, results)
    if options.picture:
        picture.draw(results, options.picture)


def absent(options: argparse.Namespace) -> list[str]:
    """A line for each target and peer that is asked for and cannot run here."""
    targets = chosen(options.targets, TARGETS, "target")
    lacks = {f"symseq {name}": missing(TARGETS[name]) for name in targets}
    peers = chosen(options.peers, PEERS, "peer")
    lacks |= {name: PEERS[name].lacks() for name in peers}
    return [
        f"{name} is left out: {', '.join(lack)} not installed"
        for name, lack in lacks.items()
        if lack
    ]


def save(file: Path, described: dict[str, Any], results: Results) -> None:
    whole = {"environment": described, "works": results}
    file.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
