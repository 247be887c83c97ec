"""Steps as one SVG: a row each, under the user's code, loops in frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symseq.draw.arrays.box import Box, Canvas
from symseq.draw.arrays.panel import Heading, Panel, Step
from symseq.draw.arrays.sizes import Sizes
from symseq.draw.arrays.text import SANS, elide, plain, width
from symseq.draw.style import DEPTHS, INK, QUIET

SIGN, CODE, NOTE = 17.0, 10.5, 11.0
MARGIN, INDENT, GUTTER = 18.0, 16.0, 12.0
WIDEST = 1080.0
FRAME = 'stroke="#8899AA" stroke-width="1.2" rx="8"'


@dataclass
class Sign:
    """An operator or a bracket between arrays."""

    text: str
    above: float = 0.0
    height: float = SIGN
    below: float = 0.0

    def __post_init__(self) -> None:
        self.text = elide(self.text, WIDEST * 0.6, SIGN)
        self.size = (width(self.text, SIGN) + 2, SIGN)

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """An opening bracket stands at the array behind it, others in the middle."""
        opens = self.text.endswith(("(", "["))
        at, anchor = (self.size[0], "end") if opens else (self.size[0] / 2, "middle")
        canvas.text(x + at, y + SIGN * 0.82, self.text, SIGN, anchor=anchor)


@dataclass
class Page:
    """The writer: `y` is how far down it has come."""

    sizes: Sizes
    canvas: Canvas = field(default_factory=Canvas)
    y: float = MARGIN
    right: float = 0.0
    last_line: str = ""
    # Frames open now, by where they begin; those closed, outermost first.
    frames: list[float] = field(default_factory=list)
    closed: list[tuple[int, float, float]] = field(default_factory=list)

    def write(self, rows: Sequence[Step | Heading]) -> str:
        """The SVG of all rows."""
        for row in rows:
            self.close(row.depth)
            if isinstance(row, Heading):
                self.heading(row)
            else:
                self.step(row)
        self.close(0)
        return self.finish()

    def close(self, depth: int) -> None:
        """End the frames that the next row is not in."""
        while len(self.frames) > depth:
            self.closed.append((len(self.frames), self.frames.pop(), self.y))
            self.y += GUTTER

    def heading(self, row: Heading) -> None:
        while len(self.frames) < row.depth:
            self.frames.append(self.y)
            self.y += 6.0
        text = elide(row.text, WIDEST * 0.8, NOTE + 1)
        x = MARGIN + INDENT * row.depth
        self.canvas.text(
            x, self.y + NOTE + 4, text, NOTE + 1, anchor="start", bold=True
        )
        self.reach(x + width(text, NOTE + 1) * 1.06)
        self.y += NOTE + GUTTER + 6
        self.last_line = ""

    def reach(self, x: float) -> None:
        self.right = max(self.right, x)

    def step(self, row: Step) -> None:
        x = MARGIN + INDENT * row.depth
        self.title(row, x)
        items = [self.item(piece) for piece in row.pieces]
        items += [Sign("→")] if row.pieces else []
        items += [self.item(panel) for panel in row.results]
        for line in wrapped(items, WIDEST - x):
            self.line(line, x)
            x = MARGIN + INDENT * row.depth + 2 * INDENT
        self.y += GUTTER

    def item(self, piece: str | Panel) -> Box | Sign:
        return Sign(piece) if isinstance(piece, str) else Box(piece, self.sizes)

    def title(self, row: Step, x: float) -> None:
        """The user's line, unless it is the last row's; then what is done."""
        if row.line and (line := f"{row.place}  {row.line}") != self.last_line:
            self.last_line = line
            code = elide(row.line, WIDEST * 0.7, CODE, mono=True)
            self.canvas.text(
                x, self.y + CODE, code, CODE, anchor="start", colour=INK, mono=True,
                tip=f"{row.place}  {row.line}",
            )  # fmt: skip
            end = x + width(code, CODE, mono=True)
            place = plain(row.place)
            self.canvas.text(
                end + 14,
                self.y + CODE,
                place,
                CODE - 1.5,
                anchor="start",
                colour="#999999",
            )
            self.reach(end + 14 + width(place, CODE - 1.5))
            self.y += CODE + 7
        if row.note:
            note = elide(row.note, WIDEST * 0.9, NOTE)
            self.canvas.text(
                x, self.y + NOTE, note, NOTE, anchor="start", colour=row.colour or QUIET
            )
            self.reach(x + width(note, NOTE))
            self.y += NOTE + 5

    def line(self, items: Sequence[Box | Sign], x: float) -> None:
        """Items side by side, the middles of their faces at one height."""
        up = max(item.above + item.height / 2 for item in items)
        down = max(item.height / 2 + item.below for item in items)
        middle = self.y + up + 4
        before = 0.0
        for k, item in enumerate(items):
            behind = items[k + 1] if k + 1 < len(items) else None
            left, right = overhang(item)
            x += max(left - before, 0.0)
            item.draw(self.canvas, x, middle - item.height / 2 - item.above)
            before = item.size[0] / 2 if isinstance(item, Sign) else 0.0
            room = behind.size[0] / 2 if isinstance(behind, Sign) else 0.0
            x += item.size[0] + max(right - room, 0.0) + GUTTER / 2
        self.reach(x)
        self.y = middle + down

    def finish(self) -> str:
        wide, high = self.right + MARGIN + INDENT, self.y + MARGIN - GUTTER / 2
        frames = []
        for depth, top, bottom in sorted(self.closed):
            left = MARGIN + INDENT * (depth - 1) + INDENT / 3
            frames.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide - 2 * left:.1f}" '
                f'height="{bottom - top:.1f}" fill="{DEPTHS[min(depth, 4) - 1]}" '
                f"{FRAME}/>"
            )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" '
                f'height="{high:.0f}" viewBox="0 0 {wide:.0f} {high:.0f}" '
                f'font-family="{SANS}">',
                f'<rect width="{wide:.0f}" height="{high:.0f}" fill="white"/>',
                *frames,
                *self.canvas.parts,
                "</svg>\n",
            ]
        )


def overhang(item: Box | Sign) -> tuple[float, float]:
    """How far a name goes out over the signs at both sides."""
    return item.over if isinstance(item, Box) else (0.0, 0.0)


def wrapped(items: Sequence[Box | Sign], room: float) -> list[list[Box | Sign]]:
    """Lines of items, broken before a sign or an array that has no room."""
    lines: list[list[Box | Sign]] = [[]]
    used = 0.0
    for item in items:
        wide = item.size[0] + sum(overhang(item)) + GUTTER / 2
        if lines[-1] and used + wide > room:
            # A sign stays with the array behind it.
            carried = []
            if isinstance(lines[-1][-1], Sign) and len(lines[-1]) > 1:
                carried = [lines[-1].pop()]
            lines.append(carried)
            used = sum(one.size[0] + GUTTER / 2 for one in carried)
        lines[-1].append(item)
        used += wide
    return lines
