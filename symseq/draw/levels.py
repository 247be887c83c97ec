"""How much of a scene is shown: frames as boxes, elementwise runs as formulas."""

from __future__ import annotations

import heapq
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from math import ceil
from string import ascii_lowercase

from symseq.draw.labels import clean, inline, source
from symseq.draw.scene import Edge, Frame, Node, Scene, merge_edges
from symseq.draw.without_lengths import without_lengths
from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.elementwise import Elementwise
from symseq.printing.formula import Term, term_of
from symseq.span import place_of

DETAILS = ("full", "ops", "layers")
WIDEST = 44  # characters in a line of a formula
HARD = "\N{NO-BREAK SPACE}"
_INSIDE = re.compile(r"\[[^\]]*\]|\([^()]{,30}\)")
LEAVES = ("input", "shared", "constant")
# From so many nodes on, a leaf is drawn anew at each use: one with a thousand long
# edges makes no layout.
LARGE = 300
RUNS = 20  # a part that one line wrote is drawn as so many boxes


def at_level(scene: Scene, detail: str = "full", max_nodes: int | None = 400) -> Scene:
    """The scene at a level of detail, with at most about `max_nodes` nodes.

    Raises: UsageError for a level that there is not, and for no nodes at all.
    """
    if detail not in DETAILS:
        raise UsageError(f"detail is one of {', '.join(DETAILS)}; got {detail!r}")
    if max_nodes is not None and max_nodes < 1:
        raise UsageError(f"max_nodes is at least 1, or None; got {max_nodes}")
    shown = scene
    if detail != "full":
        shown = fuse(without_lengths(shown))
    if detail == "layers":
        shown = shown.close(layers(shown))
    if max_nodes is not None and len(shown.nodes) > max_nodes:
        shown = fitted(shown, max_nodes)
        note = f"{len(scene.nodes):,} nodes drawn as {len(shown.nodes):,}"
        shown = replace(shown, notes=(*shown.notes, note + _hidden(shown)))
    return split_leaves(shown) if len(shown.nodes) > LARGE else shown


def _hidden(scene: Scene) -> str:
    """What a scene hides: ; closed: 3 loops, 1 group."""
    words = {"loop": "loop", "group": "group", "line": "part by its lines",
             "branch": "branch"}  # fmt: skip
    counts = Counter(words[n.kind] for n in scene.nodes if n.kind in words)
    parts = [_many(number, word) for word, number in counts.items()]
    return f"; closed: {', '.join(parts)}" if parts else ""


def _many(number: int, word: str) -> str:
    if number == 1:
        return f"1 {word}"
    plural = {"part by its lines": "parts by their lines", "branch": "branches"}
    return f"{number:,} {plural.get(word, word + 's')}"


def layers(scene: Scene) -> list[str]:
    """The groups that are boxes at level "layers": with a loop, or without groups."""
    found = []
    for key, frame in scene.frames.items():
        kinds = [scene.frames[part].kind for part in scene.parts[key]]
        if frame.kind == "group" and ("loop" in kinds or "group" not in kinds):
            found.append(key)
    return found


def fitted(scene: Scene, most: int) -> Scene:
    """Frames closed until `most` nodes are left, the largest of the innermost first.

    Where that is not enough: the nodes of one user's line; where a few lines wrote
    nearly all, as a Python loop does, a few runs of what they wrote.
    """
    scene = close_largest(scene, most)
    if len(scene.nodes) <= most:
        return scene
    lines = open_all(close_largest(with_frames(scene, by_line(scene)), most))
    if most // 4 <= len(lines.nodes) <= most:
        return lines
    runs = in_runs(scene, most)
    return with_frames(scene, runs).close(runs)


def open_all(scene: Scene) -> Scene:
    """Without the frames of lines that were not closed."""
    gone = {key: f.parent for key, f in scene.frames.items() if f.kind == "line"}
    nodes = tuple(replace(n, frame=gone.get(n.frame, n.frame)) for n in scene.nodes)
    kept = {key: f for key, f in scene.frames.items() if key not in gone}
    return replace(scene, nodes=nodes, frames=kept)


def close_largest(scene: Scene, most: int) -> Scene:
    """Innermost frames closed, and those of the size of the last that had to be."""
    sizes = {key: len(scene.inside[key]) for key in scene.frames}
    below = {key: len(scene.parts[key]) for key in scene.frames}
    heap = [(-sizes[key], key) for key in scene.frames if not below[key]]
    heapq.heapify(heap)
    left, closed, last = len(scene.nodes), [], 0
    while heap and (left > most or heap[0][0] == last):
        last, key = heapq.heappop(heap)
        if sizes[key] > 1 or below[key] == 0:
            closed.append(key)
            left -= sizes[key] - 1
        parent = scene.frames[key].parent
        if parent in below:
            below[parent] -= 1
            sizes[parent] += 1
            if not below[parent]:
                heapq.heappush(heap, (-sizes[parent], parent))
    return scene.close(closed)


def by_line(scene: Scene) -> dict[str, list[Node]]:
    """The nodes of each user's line that wrote several in one frame."""
    found: dict[tuple[str, str, int, bool], list[Node]] = {}
    for node in scene.nodes:
        if node.apply is not None and not node.row:
            span = node.apply.spans[0]
            place = (node.frame, span.file, span.line, node.gradient)
            found.setdefault(place, []).append(node)
    lines = [nodes for nodes in found.values() if len(nodes) > 1]
    return {f"l{number}": nodes for number, nodes in enumerate(lines)}


def in_runs(scene: Scene, most: int) -> dict[str, list[Node]]:
    """All that is computed, in a few runs; what several of them read, as one."""
    nodes = [n for n in scene.nodes if n.apply is not None and not n.row]
    size = max(2, ceil(len(nodes) / max(1, min(RUNS, most // 2))))
    runs = [nodes[at : at + size] for at in range(0, len(nodes), size)]
    leaves = [n for n in scene.nodes if n.kind in ("shared", "constant")]
    named = {f"r{number}": run for number, run in enumerate(runs)}
    return {key: run for key, run in {**named, "leaves": leaves}.items() if run[1:]}


def with_frames(scene: Scene, runs: Mapping[str, Sequence[Node]]) -> Scene:
    """The scene with a frame around each run, and around what only the run reads."""
    home = {node.key: key for key, run in runs.items() for node in run}
    readers: dict[str, set[str]] = {}
    for edge in scene.edges:
        readers.setdefault(edge.source, set()).add(home.get(edge.target, ""))
    for node in scene.nodes:
        own = readers.get(node.key, {""})
        if node.kind in ("shared", "constant") and len(own) == 1 and own != {""}:
            home[node.key] = next(iter(own))
    frames = dict(scene.frames)
    for key, run in runs.items():
        first = run[0]
        frames[key] = Frame(
            key, "line", _line_label(run), first.tip, first.frame,
            gradient=all(node.gradient for node in run),
        )  # fmt: skip
    nodes = tuple(replace(n, frame=home.get(n.key, n.frame)) for n in scene.nodes)
    return replace(scene, nodes=nodes, frames=frames)


def _line_label(run: Sequence[Node]) -> str:
    """lstm.py:12 or lstm.py:12 … 31, the line's text, how many nodes; or W0 … W9."""
    if run[0].apply is None:
        names = " … ".join(dict.fromkeys(clean(n.label) for n in (run[0], run[-1])))
        return f"{names}\n{_many(len(run), 'variable')} that the parts read"
    spans = [node.apply.spans[0] for node in run if node.apply is not None]
    rows = {(place_of(span.file), span.line) for span in spans}
    first, last = min(rows), max(rows)
    where = f"{first[0]}:{first[1]}"
    if first[0] != last[0]:
        where += f" … {last[0]}:{last[1]}"
    elif first != last:
        where += f" … {last[1]}"
    text = [clean(spans[0].text)] if len(rows) == 1 and spans[0].text else []
    nodes = sum(1 + node.hides for node in run)
    return "\n".join([*text, f"{where}, {_many(nodes, 'node')}"])


def split_leaves(scene: Scene) -> Scene:
    """Each leaf as many times as it is read, beside its reader."""
    found = {n.key: n for n in scene.nodes if n.kind in LEAVES}
    counts: Counter[str] = Counter()
    copies: dict[str, Node] = {}
    edges = []
    for edge in scene.edges:
        node = found.get(edge.source)
        if node is not None:
            counts[node.key] += 1
            key = node.key
            if counts[key] > 1:
                key = f"{node.key}.{counts[node.key]}"
                copies[key] = replace(node, key=key)
            edge = replace(edge, source=key)
        edges.append(edge)
    return replace(scene, nodes=(*scene.nodes, *copies.values()), edges=tuple(edges))


# --- Runs of elementwise ops -------------------------------------------------------


def fuse(scene: Scene) -> Scene:
    """Elementwise nodes that only one other run reads become one node: its formula."""
    head = _heads(scene)
    runs: dict[str, list[Node]] = {}
    for node in scene.nodes:
        if node.key in head:
            runs.setdefault(head[node.key], []).append(node)
    runs = {key: run for key, run in runs.items() if len(run) > 1}
    writers = {key: Formula(scene, run) for key, run in runs.items()}
    home = {node.key: node.key for node in scene.nodes}
    home |= {node.key: key for key, run in runs.items() for node in run}
    edges = [_named(edge, home, writers) for edge in scene.edges]
    nodes = []
    for node in scene.nodes:
        if home[node.key] == node.key:
            if node.key in writers:
                node = writers[node.key].fused(node)
            nodes.append(node)
    return replace(scene, nodes=tuple(nodes), edges=merge_edges(edges, home))


def _named(edge: Edge, home: Mapping[str, str], writers: Mapping[str, Formula]) -> Edge:
    """An edge into a formula says what the formula calls it, where that is a letter."""
    writer = writers.get(home[edge.target])
    if writer is None or home[edge.source] == home[edge.target]:
        return edge
    name = writer.letters.get(id(edge.variable), "")
    return replace(edge, label=f"{name}: {edge.label}", operand=name) if name else edge


def _heads(scene: Scene) -> dict[str, str]:
    """For each node that may be fused the last node of its run."""
    able = {node.key: node for node in scene.nodes if _may_fuse(node)}
    readers: dict[str, list[str]] = {}
    for edge in scene.edges:
        readers.setdefault(edge.source, []).append(edge.target)
    head: dict[str, str] = {}
    for node in reversed(scene.nodes):
        if node.key not in able:
            continue
        ends = {head.get(reader, "") for reader in readers.get(node.key, ())}
        end = next(iter(ends)) if len(ends) == 1 else ""
        if end and able[end].frame == node.frame:
            fits = able[end].gradient == node.gradient
            head[node.key] = end if fits else node.key
        else:
            head[node.key] = node.key
    return head


def _may_fuse(node: Node) -> bool:
    if node.apply is None or len(node.apply.outputs) != 1:
        return False
    if node.kind == "view":
        return True
    return node.kind in ("op", "sign") and isinstance(node.apply.op, Elementwise)


@dataclass
class Formula:
    """The text of a run: a line per name that it gives, letters for what it reads."""

    scene: Scene
    run: Sequence[Node]
    letters: dict[int, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    terms: dict[int, Term] = field(default_factory=dict)
    sources: dict[int, Node] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for edge in (e for n in self.run for e in self.scene.entering[n.key]):
            if edge.variable is not None:
                self.sources[id(edge.variable)] = self.scene.by_key[edge.source]
                self.taken.add(edge.variable.name or "")
        for node in self.run:
            assert node.apply is not None
            (made,) = node.apply.outputs
            term = term_of(node.apply, [self.term(v) for v in node.apply.inputs])
            if made.name and node is not self.run[-1]:
                self.lines += _wrapped(f"{clean(made.name)} = {term.text}")
                term = Term(clean(made.name))
            self.terms[id(made)] = term
        name = clean(made.name or "")
        known = {clean(v) for v in self.taken}  # c = m × c + … would name two things
        self.lines += _wrapped(
            f"{name} = {term.text}" if name and name not in known else term.text
        )

    def term(self, variable: Variable) -> Term:
        """What a variable is called in the formula."""
        variable = source(variable)
        if id(variable) not in self.terms:
            text = self.scene.texts.get(id(variable)) or inline(variable)
            self.terms[id(variable)] = text or Term(self.called(variable))
        return self.terms[id(variable)]

    def called(self, variable: Variable) -> str:
        """Its name, or its port's, or a letter that the edge says too."""
        node = self.sources.get(id(variable))
        if node is not None and node.row == "bottom":  # all rows of a loop's result
            return node.label.rpartition("[")[0] or node.label
        if node is not None and node.kind in ("sequence", "state", "port", "constant"):
            return node.label
        if variable.name:
            return clean(variable.name)
        letter = next(letter for letter in _letters() if letter not in self.taken)
        self.taken.add(letter)
        return self.letters.setdefault(id(variable), letter)

    def fused(self, last: Node) -> Node:
        tips = dict.fromkeys(line for n in self.run for line in n.tip.split("\n"))
        return replace(
            last, kind="fused", label="\n".join(self.lines), tip="\n".join(tips),
            hides=len(self.run) - 1, ordered=False,
        )  # fmt: skip


def _letters() -> Iterator[str]:
    """a … z, a1, a2, ..."""
    yield from ascii_lowercase
    for number in count(1):
        yield f"a{number}"


def _wrapped(text: str) -> Iterable[str]:
    """Lines of a formula, none broken inside [...] and (...), where that can be."""
    text = text.replace(" * ", " × ").replace(" - ", " − ")
    text = _INSIDE.sub(lambda found: found[0].replace(" ", HARD), text)
    lines = textwrap.wrap(text, WIDEST, subsequent_indent="  ")
    return [line.replace(HARD, " ") for line in lines]


# --- One path among all ------------------------------------------------------------


def stress(scene: Scene, path: Sequence[str]) -> Scene:
    """What lies between the nodes of `path` strong, all else pale."""
    forward: dict[str, list[str]] = {}
    back: dict[str, list[str]] = {}
    for edge in scene.edges:
        forward.setdefault(edge.source, []).append(edge.target)
        back.setdefault(edge.target, []).append(edge.source)
    strong: set[str] = set()
    lines: set[tuple[str, str]] = set()
    for start, end in pairwise(path):
        between = _reached(start, forward) & _reached(end, back)
        if not between:
            labels = [scene.by_key[key].label for key in (start, end)]
            raise UsageError(f"nothing in the picture leads from {' to '.join(labels)}")
        strong |= between
        lines |= {(a, b) for a in between for b in forward.get(a, ()) if b in between}
    for end in path[-1:]:  # as an output it is one more node
        ends = [k for k in forward.get(end, ()) if scene.by_key[k].kind == "output"]
        strong.update(ends)
        lines |= {(end, key) for key in ends}
    nodes = tuple(
        replace(n, stress="strong" if n.key in strong else "pale") for n in scene.nodes
    )
    edges = tuple(
        replace(e, stress="strong" if (e.source, e.target) in lines else "pale")
        for e in scene.edges
    )
    return replace(scene, nodes=nodes, edges=edges)


def _reached(start: str, ways: Mapping[str, Sequence[str]]) -> set[str]:
    found, stack = {start}, [start]
    while stack:
        for key in ways.get(stack.pop(), ()):
            if key not in found:
                found.add(key)
                stack.append(key)
    return found
