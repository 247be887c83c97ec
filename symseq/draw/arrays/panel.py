"""What is drawn of a graph: steps of arrays, each array a box with marks on it."""

from __future__ import annotations

from dataclasses import dataclass, field

# Pale Okabe and Ito: told apart by the colour-blind, and by place.
PALETTE = (
    "#A6D5F2", "#F7CE7E", "#98D8C3", "#EBB0CC", "#EFE58F", "#C7BCE6", "#F2B69B",
    "#BCC8D2",
)  # fmt: skip
SUMMED = ("#D55E00", "#0072B2", "#8A5A9E")  # an axis that a sum takes away
NORMED = "#00795A"
GAP = -1  # in the place of elements that are left out


@dataclass(frozen=True, slots=True)
class Side:
    """One axis of a box: its length as text and as elements.

    ``shown``: the elements that are drawn one by one (GAP for those between); none
    where the side is drawn whole. ``colour``: of an axis that something happens to.
    ``ghost``: the array has length 1 here and is stretched.
    """

    text: str
    size: int
    colour: str = ""
    ghost: bool = False
    shown: tuple[int, ...] = ()
    ticks: bool = False  # whether the elements' numbers stand beside them


@dataclass(frozen=True, slots=True)
class Mark:
    """A coloured part of a box: a range of elements along each axis."""

    ranges: tuple[tuple[int, int], ...]
    colour: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One element (or row of them) that is drawn by itself."""

    colour: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One array: ``cells`` by their places along the sides that show elements."""

    name: str
    tip: str
    kind: str  # 'input', 'shared', 'constant', 'result' or 'op'
    sides: tuple[Side, ...]
    marks: tuple[Mark, ...] = ()
    cells: dict[tuple[int, ...], Cell] = field(default_factory=dict)
    upright: bool = False  # a vector drawn as a column


@dataclass(frozen=True, slots=True)
class Step:
    """operands → results: `pieces` are signs and arrays in the order of the formula."""

    pieces: tuple[str | Panel, ...]
    results: tuple[Panel, ...]
    line: str = ""  # the user's code
    place: str = ""  # its file and line
    note: str = ""
    colour: str = ""  # of the note
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Heading:
    """The start of a loop's body, or a word about what is left out."""

    text: str
    depth: int = 0


def shown_elements(size: int, most: int) -> tuple[int, ...]:
    """All elements where there are few; else the first ones, a gap and the last."""
    if size <= most:
        return tuple(range(size))
    return (*range(most - 2), GAP, size - 1)
