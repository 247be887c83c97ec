"""The lightest set of vertices that stands between sources and what is wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable

Vertex = Hashable

UNBOUNDED = 1 << 60
END: Vertex = ("end",)
START: Vertex = ("start",)


class Cut:
    """A graph of vertices with weights; edges lead from what is read to its reader."""

    def __init__(self) -> None:
        self.room: dict[Vertex, dict[Vertex, int]] = {}  # what may still flow
        self.vertices: list[Vertex] = []

    def add(self, vertex: Vertex, weight: int, reads: Iterable[Vertex] | None) -> None:
        """Enter a vertex and what it is made of; None: it is a source."""
        self.vertices.append(vertex)
        self._edge((vertex, 0), (vertex, 1), weight)
        if reads is None:
            self._edge(START, (vertex, 0), UNBOUNDED)
        for read in reads or ():
            self._edge((read, 1), (vertex, 0), UNBOUNDED)

    def want(self, vertex: Vertex) -> None:
        self._edge((vertex, 1), END, UNBOUNDED)

    def least(self) -> set[Vertex]:
        """The vertices of the lightest cut; of equal ones, those nearest to the end."""
        while path := self._path():
            flow = min(self.room[a][b] for a, b in path)
            for a, b in path:
                self.room[a][b] -= flow
                self.room[b][a] += flow
        near = self._near_end()
        return {v for v in self.vertices if (v, 1) in near and (v, 0) not in near}

    def _edge(self, a: Vertex, b: Vertex, room: int) -> None:
        there = self.room.setdefault(a, {})
        there[b] = max(there.get(b, 0), room)
        self.room.setdefault(b, {}).setdefault(a, 0)

    def _path(self) -> list[tuple[Vertex, Vertex]]:
        """A shortest way from the start to the end along which something may flow."""
        came: dict[Vertex, Vertex] = {START: START}
        queue = deque([START])
        while queue and END not in came:
            a = queue.popleft()
            for b, room in self.room.get(a, {}).items():
                if room and b not in came:
                    came[b] = a
                    queue.append(b)
        path: list[tuple[Vertex, Vertex]] = []
        at = END if END in came else START
        while at != START:
            path.append((came[at], at))
            at = came[at]
        return path

    def _near_end(self) -> set[Vertex]:
        """What may still flow into the end."""
        near, stack = {END}, [END]
        while stack:
            b = stack.pop()
            for a in self.room.get(b, {}):
                if a not in near and self.room[a][b]:
                    near.add(a)
                    stack.append(a)
        return near
