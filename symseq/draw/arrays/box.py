"""One array as SVG: a rectangle or cuboid, its sides named, its parts coloured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise, product

from symseq.draw.arrays.panel import GAP, NORMED, SUMMED, Cell, Panel, Side
from symseq.draw.arrays.sizes import CELL, Sizes
from symseq.draw.arrays.text import elide, font, safe, width
from symseq.draw.style import INK, QUIET

NAME, SMALL = 12.5, 11.0
SLANT = 0.42  # how far a unit of depth goes to the right, and up
THIN = 7.0  # the least thickness of a coloured part
LINE = 14.0  # the height of a line of text
MOST_NAME = 150.0
# The face in front, above and at the right; the border.
LOOKS = {
    "input": ("#E4F2FB", "#F1F8FD", "#CBE4F4", "#0072B2"),
    "shared": ("#FDF0D8", "#FEF7EA", "#F5DFB6", "#B87400"),
    "constant": ("#F0F0F0", "#F8F8F8", "#DEDEDE", "#888888"),
    "op": ("#FCFCFC", "#FFFFFF", "#EEEEEE", "#555555"),
    "result": ("#FCFCFC", "#FFFFFF", "#EEEEEE", "#333333"),
}
# In place of elements that are left out, by the axes: columns, rows.
DOTS: dict[tuple[int, ...], str] = {(2,): "⋯", (1,): "⋮"}
Extent = tuple[float, float]
WHOLE = Side("", 1)


@dataclass
class Canvas:
    """SVG elements; ``labels`` are the boxes (x, y, width, height) of all text."""

    parts: list[str] = field(default_factory=list)
    labels: list[tuple[float, float, float, float, str]] = field(default_factory=list)

    def text(
        self, x: float, y: float, text: str, size: float, *, anchor: str = "middle",
        colour: str = INK, mono: bool = False, bold: bool = False, tip: str = "",
    ) -> None:  # fmt: skip
        """Text whose baseline is at y."""
        if not text:
            return
        wide = width(text, size, mono=mono) * (1.06 if bold else 1.0)
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[anchor]
        self.labels.append((left, y - size * 0.8, wide, size, text))
        fonts = font(text, mono=mono)
        look = f' font-family="{fonts}"' if fonts else ""
        look += ' font-weight="bold"' if bold else ""
        title = f"<title>{safe(tip)}</title>" if tip and tip != text else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}" '
            f'text-anchor="{anchor}"{look} xml:space="preserve">{title}'
            f"{safe_spaces(text)}</text>"
        )

    def shape(self, points: list[tuple[float, float]], look: str) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polygon points="{path}" {look}/>')

    def line(self, points: list[tuple[float, float]], look: str) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" {look}/>')


def safe_spaces(text: str) -> str:
    """Escaped, with the spaces at both ends."""
    inner = safe(text)
    lead = " " * (len(text) - len(text.lstrip()))
    return lead + inner + " " * (len(text) - len(text.rstrip()))


@dataclass
class Box:
    """A panel with its lengths in pixels; rows go down, columns right, depth back."""

    panel: Panel
    sizes: Sizes
    sides: tuple[Side, Side, Side] = field(init=False)  # depth, rows, columns
    outer: tuple[Side, ...] = field(init=False)  # what a row of boxes counts

    def __post_init__(self) -> None:
        sides = self.panel.sides
        if len(sides) == 1 and self.panel.upright:
            sides = (*sides, WHOLE)
        self.outer = sides[:-3]
        inner = (WHOLE,) * (3 - len(sides)) + sides[-3:]
        self.sides = (inner[0], inner[1], inner[2])
        depth, self.height, self.wide = (self.pixels(side) for side in self.sides)
        self.slant = SLANT * depth if self.sides[0] is not WHOLE else 0.0
        self.name = elide(self.panel.name, MOST_NAME, NAME)
        self.copies = self._copies()
        tick = max(
            (width(str(n), 9) + 4 for n in self.sides[1].shown), default=0.0
        ) if self.sides[1].ticks else 0.0  # fmt: skip
        row, column = self.label(1), self.label(2)
        self.ticks = tick
        self.left = (width(row, SMALL) + 7 if row else 0) + tick
        # A column's label wider than the box goes out at its left.
        self.left = max(self.left, width(column, SMALL) - self.wide)
        self.right = self.slant
        if self.label(0):
            self.right = max(self.slant, self.slant / 2 + 5 + self.label_width(0))
        self.between = self.slant + 14 if self.slant else 10.0
        run = sum(self.wide if c >= 0 else 22.0 for c in self.copies)
        self.run = max(run + self.between * (len(self.copies) - 1), self.wide)
        middle = (self.run + self.slant) / 2
        counted = width(self.counted, SMALL) / 2 + self.slant / 2
        over = width(self.name, NAME) / 2 - middle
        self.left = max(self.left, counted - middle)
        self.right = max(self.right, counted - middle + self.slant)
        # How far the name goes out at both sides, over a sign that stands there.
        self.over = max(over - self.left, 0.0), max(over + self.slant - self.right, 0.0)
        self.above = self.slant + (LINE + 4 if self.name else 0)
        self.below = LINE + 3 if column or self.label(0) else 2.0
        self.below += LINE + 10 if self.outer else 0

    def pixels(self, side: Side) -> float:
        if side is WHOLE:
            return CELL * 0.95
        if side.shown:
            return sum(self.cell(k) for k in side.shown)
        return self.sizes.pixels(side.size)

    def cell(self, k: int) -> float:
        """How long one element is drawn by itself."""
        texts = [cell.text for cell in self.panel.cells.values()]
        wide = max((width(text, 10) + 6 for text in texts), default=0.0)
        return max(CELL, wide) if k != GAP else CELL * 0.8

    def _copies(self) -> list[int]:
        count = 1
        for side in self.outer:
            count *= side.size
        return [*range(count)] if count <= 2 else [0, GAP, count - 1]

    @property
    def counted(self) -> str:
        """The lengths that a row of boxes stands for."""
        return " × ".join(side.text for side in self.outer)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height with all labels."""
        return (
            self.left + self.run + self.right,
            self.above + self.height + self.below,
        )

    def label(self, place: int) -> str:
        side = self.sides[place]
        return "" if side is WHOLE or side.ghost else side.text

    def label_width(self, place: int) -> float:
        return width(self.label(place), SMALL) * 1.06

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw with the front face's upper left corner at x + left, y + above."""
        x, y = x + self.left, y + self.above
        tip = self.panel.tip
        canvas.parts.append(f"<g><title>{safe(tip)}</title>")
        at = x
        for copy in self.copies:
            if copy == GAP:
                canvas.text(at + 11, y + self.height / 2 + 4, "⋯", 14, colour=QUIET)
                at += 22.0 + self.between
                continue
            self.body(canvas, at, y)
            last = at
            at += self.wide + self.between
        canvas.parts.append("</g>")
        if not self.copies:  # no box at all: a length of 0 in front
            last = x
        self.labels(canvas, x, last if self.copies else x, y)

    def body(self, canvas: Canvas, x: float, y: float) -> None:
        full = ((0.0, self.depth), (0.0, self.height), (0.0, self.wide))
        front, top, right, edge = LOOKS[self.panel.kind]
        ghosts = any(side.ghost for side in self.sides)
        if ghosts:
            faint = f'fill="none" stroke="{edge}" stroke-opacity="0.45" '
            self.region(canvas, x, y, full, [faint + 'stroke-dasharray="3 3"'] * 3)
        solid = self.extents(
            tuple((0, 1) if side.ghost else (0, side.size) for side in self.sides)
        )
        dash = ' stroke-dasharray="2 2"' if any(s.size == 0 for s in self.sides) else ""
        outline = f'stroke="{edge}" stroke-linejoin="round"{dash}'
        self.region(
            canvas,
            x,
            y,
            solid,
            [f'fill="{c}" stroke="none"' for c in (front, top, right)],
        )
        for mark in self.panel.marks:
            self.mark(canvas, x, y, mark.ranges, mark.colour)
        if self.panel.cells:
            self.cells(canvas, x, y)
        else:
            self.grid(canvas, x, y)
        self.region(canvas, x, y, solid, [f'fill="none" {outline}'] * 3)
        for mark in self.panel.marks:
            self.mark_text(canvas, x, y, mark.ranges, mark.text)
        self.edges(canvas, x, y)

    @property
    def depth(self) -> float:
        return self.slant / SLANT

    def inner(self, ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """Ranges along the panel's axes as depth, rows and columns."""
        if len(self.panel.sides) == 1 and self.panel.upright:
            ranges = (*ranges, (0, 1))
        return ((0, 1),) * (3 - len(ranges)) + ranges[-3:]

    def extents(self, ranges: tuple[tuple[int, int], ...]) -> tuple[Extent, ...]:
        """Ranges of elements in pixels, none of them thinner than can be seen."""
        made = []
        for place, (side, (low, high)) in enumerate(
            zip(self.sides, ranges, strict=True)
        ):
            long = (self.depth, self.height, self.wide)[place]
            if side is WHOLE or not side.size:
                made.append((0.0, long))
                continue
            start, stop = low / side.size * long, high / side.size * long
            if stop - start < THIN <= long and high > low:
                start = min(start, long - THIN)
                stop = start + THIN
            made.append((start, stop))
        return tuple(made)

    def region(
        self, canvas: Canvas, x: float, y: float, extents: tuple[Extent, ...],
        looks: list[str],
    ) -> None:  # fmt: skip
        """The faces that can be seen of a part: at the right, above, in front."""
        (d0, d1), (r0, r1), (c0, c1) = extents
        near, far = d0 * SLANT, d1 * SLANT
        if self.slant and c1 >= self.wide - 0.01:
            canvas.shape(
                [
                    (x + c1 + near, y + r0 - near), (x + c1 + far, y + r0 - far),
                    (x + c1 + far, y + r1 - far), (x + c1 + near, y + r1 - near),
                ],
                looks[2],
            )  # fmt: skip
        if self.slant and r0 <= 0.01:
            canvas.shape(
                [
                    (x + c0 + near, y - near), (x + c1 + near, y - near),
                    (x + c1 + far, y - far), (x + c0 + far, y - far),
                ],
                looks[1],
            )  # fmt: skip
        if d0 <= 0.01:
            canvas.shape(
                [
                    (x + c0, y + r0),
                    (x + c1, y + r0),
                    (x + c1, y + r1),
                    (x + c0, y + r1),
                ],
                looks[0],
            )

    def mark(
        self, canvas: Canvas, x: float, y: float,
        ranges: tuple[tuple[int, int], ...], colour: str,
    ) -> None:  # fmt: skip
        deep = colour in (*SUMMED, NORMED)
        opacity = 0.5 if deep else 0.75
        look = f'fill="{colour}" fill-opacity="{opacity}" stroke="none"'
        self.region(canvas, x, y, self.extents(self.inner(ranges)), [look] * 3)

    def mark_text(
        self, canvas: Canvas, x: float, y: float,
        ranges: tuple[tuple[int, int], ...], text: str,
    ) -> None:  # fmt: skip
        """A part's name, in the middle of its face in front where it fits."""
        (d0, _), (r0, r1), (c0, c1) = self.extents(self.inner(ranges))
        if d0 <= 0.01 and text and width(text, NAME) <= c1 - c0 and r1 - r0 >= NAME:
            canvas.text(x + (c0 + c1) / 2, y + (r0 + r1) / 2 + 4, text, NAME)

    def grid(self, canvas: Canvas, x: float, y: float) -> None:
        """Faint lines between the elements of short sides, in front."""
        look = 'stroke="#000000" stroke-opacity="0.13" stroke-width="0.7"'
        if any(side.ghost for side in self.sides):
            return
        _, rows, columns = self.sides
        for place, side, long in ((1, rows, self.height), (2, columns, self.wide)):
            if side is WHOLE or not 1 < side.size <= 12 or long / side.size < 6:
                continue
            for k in range(1, side.size):
                at = long * k / side.size
                ends = (
                    [(x, y + at), (x + self.wide, y + at)]
                    if place == 1
                    else [(x + at, y), (x + at, y + self.height)]
                )
                canvas.line(ends, look)

    def cells(self, canvas: Canvas, x: float, y: float) -> None:
        """Each element that is drawn by itself, on every face where it can be seen."""
        spans = [self.spans(place) for place in range(3)]
        axes = [p for p in range(3) if self.sides[p].shown]
        keys: Iterable[tuple[int, ...]] = product(*(range(len(s)) for s in spans))
        for key in keys:
            cell = self.panel.cells.get(tuple(key[p] for p in axes))
            extents = tuple(span[k] for span, k in zip(spans, key, strict=True))
            gap = [p for p in axes if self.sides[p].shown[key[p]] == GAP]
            if gap:
                cell = Cell("#FFFFFF", DOTS.get(tuple(gap), ""))
            if cell is None:
                continue
            look = f'fill="{cell.colour}" stroke="#FFFFFF" stroke-width="0.6"'
            self.region(canvas, x, y, extents, [look] * 3)
            if key[0] == 0 and cell.text:
                (_, (r0, r1), (c0, c1)) = extents
                canvas.text(x + (c0 + c1) / 2, y + (r0 + r1) / 2 + 3.5, cell.text, 10)

    def spans(self, place: int) -> list[Extent]:
        """Where each element that is drawn by itself begins and ends."""
        side = self.sides[place]
        long = (self.depth, self.height, self.wide)[place]
        if not side.shown:
            return [(0.0, long)]
        ends = [0.0]
        for k in side.shown:
            ends.append(ends[-1] + self.cell(k))
        return list(pairwise(ends))

    def edges(self, canvas: Canvas, x: float, y: float) -> None:
        """Thick lines along the axes that something happens to."""
        for place, side in enumerate(self.sides):
            if not side.colour:
                continue
            w, h, s = self.wide, self.height, self.slant
            ends = (
                [(x + w, y + h), (x + w + s, y + h - s)],
                [(x, y), (x, y + h)],
                [(x, y + h), (x + w, y + h)],
            )[place]
            canvas.line(
                ends,
                f'stroke="{side.colour}" stroke-width="2.6" stroke-linecap="round"',
            )

    def labels(self, canvas: Canvas, x: float, last: float, y: float) -> None:
        middle = x + (self.run + self.slant) / 2
        canvas.text(middle, y - self.slant - 7, self.name, NAME, tip=self.panel.name)
        depth, row, column = self.sides
        base = y + self.height
        if text := self.label(1):
            colour, bold = row.colour or QUIET, bool(row.colour)
            canvas.text(
                x - 5 - self.ticks, y + self.height / 2 + 4, text, SMALL,
                anchor="end", colour=colour, bold=bold,
            )  # fmt: skip
        if row.ticks:
            for (low, high), k in zip(self.spans(1), row.shown, strict=True):
                number = "" if k == GAP else str(k)
                canvas.text(
                    x - 4,
                    y + (low + high) / 2 + 3,
                    number,
                    9,
                    anchor="end",
                    colour=QUIET,
                )
        if text := self.label(2):
            fits = self.label_width(2) <= self.wide
            at, anchor = (
                (x + self.wide / 2, "middle") if fits else (x + self.wide, "end")
            )
            colour, bold = column.colour or QUIET, bool(column.colour)
            canvas.text(
                at, base + LINE, text, SMALL, anchor=anchor, colour=colour, bold=bold
            )
        if text := self.label(0):
            colour, bold = depth.colour or QUIET, bool(depth.colour)
            canvas.text(
                last + self.wide + self.slant / 2 + 5, base - self.slant / 2 + 11,
                text, SMALL, anchor="start", colour=colour, bold=bold,
            )  # fmt: skip
        if self.outer:
            self.brace(canvas, x, base + self.below - LINE - 6)

    def brace(self, canvas: Canvas, x: float, y: float) -> None:
        """Under a row of boxes: how many there are."""
        end = x + self.run
        canvas.line([(x, y - 4), (x, y), (end, y), (end, y - 4)], f'stroke="{QUIET}"')
        colour = next((s.colour for s in self.outer if s.colour), QUIET)
        canvas.text((x + end) / 2, y + LINE, self.counted, SMALL, colour=colour)
