"""symseq's targets and what is installed of its peers, on the same work.

python -m benchmarks [--only NAME] [--json FILE] [--rounds N] [--picture FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import environment, picture, table
from .peers import PEERS
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
    parser.add_argument("--rounds", type=int, default=11, help="turns of each")
    parser.add_argument("--threads", type=int, help="cores and threads for all alike")
    parser.add_argument("--timeout", type=float, default=900.0, help="s for a process")
    parser.add_argument(
        "--tiny", action="store_true", help="small sizes: equality only"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    return parser.parse_args()


def chosen(names: str | None, known: dict[str, Any], what: str) -> list[str]:
    """The names asked for, or all. Raises: SystemExit for one that is not known."""
    asked = list(known) if names is None else names.split(",")
    for name in asked:
        if name not in known:
            raise SystemExit(f"no {what} {name!r}; there are {', '.join(known)}")
    return asked


def cases(work: Work, options: argparse.Namespace) -> list[str]:
    return ["tiny"] if options.tiny else [c for c in work.cases if options.case in c]


def run(work: Work, options: argparse.Namespace, caches: Path) -> Iterator[Any]:
    """(case, results by peer), printed as they come."""
    asked = chosen(options.peers, PEERS, "peer")
    peers = [name for name in asked if PEERS[name].does(name, work)]
    how = Options(options.rounds, options.threads, options.timeout)
    for case in cases(work, options):
        print(*table.title(work, case), sep="\n", flush=True)
        found: dict[str, Any] = {}
        for peer in peers:
            found[peer] = run_case(work, case, peer, how, caches)
            lines = table.peer_lines(peer, found[peer], show_mine=len(found) == 1)
            print(*lines, sep="\n", flush=True)
        print(*table.best_lines(found), sep="\n", flush=True)
        yield case, found


def main() -> None:
    options = parse()
    works = chosen(options.only, WORKS, "benchmark")
    results: Results = {}
    with tempfile.TemporaryDirectory() as caches:
        env = environment.settings(options.threads, Path(caches))
        described = environment.describe(env, options.threads)
        print(*environment.lines(described), sep="\n")
        for name in works:
            results[name] = {}
            for case, found in run(WORKS[name], options, Path(caches)):
                results[name][case] = found
                if options.json:
                    save(options.json, described, results)
    if options.picture:
        picture.draw(results, options.picture)


def save(file: Path, described: dict[str, Any], results: Results) -> None:
    whole = {"environment": described, "works": results}
    file.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
