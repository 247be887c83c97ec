"""What belongs together among the loose nodes of a frame, without any group's help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symseq.draw.scene import Scene

# What so many parts read is not of any one of them.
HUB = 4
LEAVES = ("input", "shared", "constant")


@dataclass(slots=True)
class Stages:
    """How many frames and hubs are on the longest way to each loose node of a frame.

    Neighbours of equal stage, taken together, are never both before and after another
    part: what leaves them and comes back has passed a frame or a hub.
    """

    scene: Scene
    frame: str
    part: dict[str, str] = field(default_factory=dict)  # node: what holds it here
    feeds: dict[str, list[str]] = field(default_factory=dict)  # node: what it reads
    hubs: set[str] = field(default_factory=set)
    found: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held: dict[str, str] = {}
        for key, frame in self.scene.frames.items():  # those outside come first
            if frame.parent == self.frame:
                held[key] = key
            elif frame.parent in held:
                held[key] = held[frame.parent]
        for node in self.scene.nodes:
            if node.frame == self.frame:
                self.part[node.key] = node.key
            elif node.frame in held:
                self.part[node.key] = held[node.frame]
        self.read()
        for key in self.part:
            known = [one for one in self.feeds.get(key, ()) if one in self.found]
            before = [self.found[one] + self.step(one, key) for one in known]
            self.found[key] = max(before, default=0)

    def read(self) -> None:
        """Who reads whom, and what many read."""
        readers: dict[str, set[str]] = {}
        for edge in self.scene.edges:
            ends = self.part.get(edge.source), self.part.get(edge.target)
            if edge.role == "carried" or None in ends:
                continue
            self.feeds.setdefault(edge.target, []).append(edge.source)
            if ends[0] != ends[1] and ends[0] == edge.source:
                readers.setdefault(edge.source, set()).add(str(ends[1]))
        self.hubs = {key for key, by in readers.items() if len(by) > HUB}

    def step(self, source: str, target: str) -> int:
        """Whether an edge leads into the next stage."""
        left = self.part[source] != source and self.part[source] != self.part[target]
        return int(left or source in self.hubs or self.turns(source, target))

    def turns(self, source: str, target: str) -> bool:
        """From the gradient to what is none, or back."""
        ends = self.scene.by_key[source], self.scene.by_key[target]
        return all(node.apply is not None for node in ends) and (
            ends[0].gradient != ends[1].gradient
        )


def islands(scene: Scene, frame: str) -> list[list[str]]:
    """The nodes right in a frame that hang together, apart from frames and hubs.

    An optimizer's updates fall apart into those of each parameter, what is computed
    before a loop from what is computed behind it. What one island alone reads is in it.
    """
    stages = Stages(scene, frame)
    able = [n for n in scene.nodes if n.frame == frame and not n.row]
    inner = {n.key for n in able if n.kind not in LEAVES}
    whole = Islands({n.key: n.key for n in able})
    loose = inner - stages.hubs
    for key in loose:
        for one in stages.feeds.get(key, ()):
            if one in loose and stages.found[one] == stages.found[key]:
                whole.join(one, key)
    whole.swallow(stages, [n.key for n in able if n.kind != "input"])
    found: dict[str, list[str]] = {}
    for node in able:
        found.setdefault(whole.of(node.key), []).append(node.key)
    return [keys for keys in found.values() if len(keys) > 1]


def only_for(scene: Scene, frame: str, keys: set[str]) -> set[str]:
    """`keys`, and what right in the frame is read for them alone."""
    readers: dict[str, list[str]] = {}
    for edge in scene.edges:
        readers.setdefault(edge.source, []).append(edge.target)
    found = set(keys)
    for node in reversed(scene.nodes):
        loose = node.frame == frame and node.kind != "input" and not node.row
        by = readers.get(node.key, [])
        if loose and by and found.issuperset(by):
            found.add(node.key)
    return found


@dataclass(slots=True)
class Islands:
    """Which island each node is of, by a node of it."""

    root: dict[str, str]

    def of(self, key: str) -> str:
        while self.root[key] != key:
            self.root[key] = key = self.root[self.root[key]]
        return key

    def join(self, one: str, other: str) -> None:
        self.root[self.of(one)] = self.of(other)

    def swallow(self, stages: Stages, able: Sequence[str]) -> None:
        """Give to an island what it alone reads, until nothing is left to give."""
        readers: dict[str, set[str]] = {key: set() for key in able}
        for target, sources in stages.feeds.items():
            for source in sources:
                if source in readers:
                    readers[source].add(target)
        changed = True
        while changed:
            changed = False
            by: dict[str, set[str]] = {}
            for key, found in readers.items():
                own = self.of(key)
                homes = {
                    self.of(k) if k in self.root else stages.part[k] for k in found
                }
                by.setdefault(own, set()).update(homes - {own})
            for own, others in by.items():
                if len(others) == 1 and (other := next(iter(others))) in self.root:
                    changed |= self.of(own) != self.of(other)
                    self.join(own, other)
