"""What a run consists of: each case of each work beside each peer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from .peers import PEERS
from .work import Work


@dataclass(frozen=True)
class Job:
    """A process to be run: one case beside one peer, with a folder for its caches."""

    work: Work
    case: str
    process: str  # its name among the results of the case
    peer: str
    caches: Path


def jobs_of(
    works: Collection[Work],
    peers: Collection[str],
    caches: Path,
    *,
    part: str = "",
    tiny: bool = False,
) -> Iterator[Job]:
    """In the order in which they run; `part` is a part of the cases' names.

    Of what is only made ready there are two of each: the first meets empty caches, the
    second what the first has left in them.
    """
    for work in works:
        for case in ["tiny"] if tiny else [c for c in work.cases if part in c]:
            for peer in (p for p in peers if PEERS[p].does(p, work)):
                if work.timed:
                    yield Job(work, case, peer, peer, caches)
                    continue
                own = caches / f"{work.name} {case} {peer}"
                yield Job(work, case, f"{peer} cold", peer, own)
                yield Job(work, case, f"{peer} warm", peer, own)
