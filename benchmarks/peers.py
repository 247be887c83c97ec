"""Who runs beside symseq, each in a process of its own."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from shutil import which

from .floor import FLOOR
from .work import Work


class Kind(Enum):
    FRAMEWORK = "best peer"
    HAND = "best plan by hand"
    FLOOR = "floor"


@dataclass(frozen=True)
class Peer:
    """`file` in a work's folder has its implementations; it needs these things."""

    kind: Kind
    file: str | None
    libraries: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def lacks(self) -> list[str]:
        """What is not installed of what it needs."""
        programs = [name for name in self.programs if which(name) is None]
        return missing(self.libraries) + programs

    def does(self, name: str, work: Work) -> bool:
        if work.peers is not None and name not in work.peers:
            return False
        if self.file is None:
            return True
        folder = Path(__file__).parent / "works" / work.folder
        return (folder / f"{self.file}.py").exists()


def missing(libraries: Iterable[str]) -> list[str]:
    return [name for name in libraries if importlib.util.find_spec(name) is None]


# symseq's targets, and the libraries that they need.
TARGETS: dict[str, tuple[str, ...]] = {"numpy": (), "numba": ("numba",)}
PEERS = {
    FLOOR: Peer(Kind.FLOOR, None),
    "hand numpy": Peer(Kind.HAND, "by_hand"),
    "hand numba": Peer(Kind.HAND, "by_numba", ("numba", "scipy")),
    "jax": Peer(Kind.FRAMEWORK, "by_jax", ("jax",)),
    "torch": Peer(Kind.FRAMEWORK, "by_torch", ("torch",)),
    "torch.compile": Peer(Kind.FRAMEWORK, "by_torch", ("torch",), ("g++",)),
    "pytensor numba": Peer(Kind.FRAMEWORK, "by_pytensor", ("pytensor", "numba")),
    "pytensor C": Peer(Kind.FRAMEWORK, "by_pytensor", ("pytensor",), ("g++",)),
}
