"""symseq's targets and what is installed of its peers, on the same work.

python -m benchmarks [--only NAME] [--json FILE] [--rounds N] [--picture FILE]
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Collection, Iterable
from importlib import import_module
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.markup import escape

from . import bounds, environment, table
from .jobs import Job, jobs_of
from .peers import PEERS, TARGETS, missing
from .results import Case, Works, write
from .run import Options, run_case
from .works import WORKS


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--only", metavar="NAME,...", help=", ".join(WORKS))
    parser.add_argument("--case", default="", help="part of a case's name")
    parser.add_argument("--peers", metavar="NAME,...", help=", ".join(PEERS))
    parser.add_argument("--targets", metavar="NAME,...", help=", ".join(TARGETS))
    parser.add_argument("--rounds", type=int, default=9, help="turns of each, at most")
    parser.add_argument("--threads", type=int, help="cores and threads for all alike")
    parser.add_argument("--timeout", type=float, default=300.0, help="s for a process")
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


class Progress:
    """Says what is being measured, on a terminal only."""

    def __init__(self, jobs: list[Job]) -> None:
        self.jobs, self.began = jobs, perf_counter()
        self.console = Console(stderr=True)

    def run(self, job: Job, how: Options) -> Any:
        number = f"{self.jobs.index(job) + 1} of {len(self.jobs)}"
        minutes, seconds = divmod(int(perf_counter() - self.began), 60)
        what = f"{job.work.name} {job.case}: {job.process}"
        with self.console.status(
            f"{number}, {minutes}:{seconds:02} so far: {escape(what)}"
        ):
            return run_case(job.work, job.case, job.peer, how, job.caches)


class Record:
    """What was found so far, on disk after every process if there is a file."""

    def __init__(self, described: dict[str, Any], file: Path | None) -> None:
        self.described, self.file = described, file
        self.works: Works = {}

    def add(self, job: Job, found: Any) -> Case:
        """The results of the job's case, this one included."""
        case = self.works.setdefault(job.work.name, {}).setdefault(job.case, {})
        case[job.process] = found
        if self.file:
            verdicts = bounds.rows(bounds.judge(self.works))
            whole = {"environment": self.described, "works": self.works}
            write(self.file, whole | {"verdict": verdicts})
        return case


def run(jobs: list[Job], how: Options, record: Record) -> None:
    """Every job, printed as they come."""
    progress = Progress(jobs)
    for _, group in groupby(jobs, key=lambda job: (job.work.name, job.case)):
        case: Case = {}
        for job in group:
            if not case:
                show(table.title(job.work, job.case))
            found = progress.run(job, how)
            case = record.add(job, found)
            show(table.lines(job.work, job.process, found, first=len(case) == 1))
        show(table.best_lines(case))
    verdicts = [v for v in bounds.judge(record.works) if v.value is not None]
    if verdicts:
        show(["", *bounds.lines(verdicts)])


def show(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def absent(lacks: dict[str, list[str]]) -> list[str]:
    """A line for each target and peer that is asked for and cannot run here."""
    return [
        f"{name} is left out: {', '.join(lack)} not installed"
        for name, lack in lacks.items()
        if lack
    ]


def main() -> None:
    options = parse()
    if options.picture and missing(["matplotlib"]):
        raise SystemExit('a picture needs matplotlib: pip install "symseq[bench]"')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the worker, too
    works = [WORKS[name] for name in chosen(options.only, WORKS, "benchmark")]
    peers = {p: PEERS[p].lacks() for p in chosen(options.peers, PEERS, "peer")}
    targets = {
        t: missing(TARGETS[t]) for t in chosen(options.targets, TARGETS, "target")
    }
    with tempfile.TemporaryDirectory() as folder:
        caches = Path(folder)
        env = environment.settings(options.threads, caches)
        described = environment.describe(env, options.threads)
        show(environment.lines(described))
        show(absent({f"symseq {name}": lack for name, lack in targets.items()} | peers))
        here = [name for name, lack in peers.items() if not lack]
        jobs = jobs_of(works, here, caches, part=options.case, tiny=options.tiny)
        record = Record(described, options.json)
        mine = tuple(name for name, lack in targets.items() if not lack)
        how = Options(options.rounds, mine, options.threads, options.timeout)
        run(list(jobs), how, record)
    if options.picture:
        picture = import_module(".picture", __package__)
        picture.draw(record.works, options.picture)


if __name__ == "__main__":
    main()
