"""Where texts lie in a picture, by the layout's own output, and which overlap."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import combinations

from symseq.draw.render import render

SLACK = 1.0  # points by which boxes may touch


@dataclass(frozen=True)
class Box:
    """A text and the rectangle that it fills, in points."""

    text: str
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other):
        return (
            min(self.right, other.right) - max(self.left, other.left) > SLACK
            and min(self.top, other.top) - max(self.bottom, other.bottom) > SLACK
        )


def laid_out(dot):
    """Where Graphviz puts everything."""
    return json.loads(render(dot, "json"))


def boxes(laid):
    """The texts of a laid-out picture: (boxes, the whole picture's box)."""
    found, size = [], 11.0
    for thing in [laid, *laid.get("objects", ()), *laid.get("edges", ())]:
        for draw in [*thing.get("_ldraw_", ()), *thing.get("_hldraw_", ())]:
            if draw["op"] == "F":
                size = draw["size"]
            elif draw["op"] == "T":
                found.append(_box(draw, size))
    whole = [float(value) for value in laid["bb"].split(",")]
    return found, Box("", *whole)


def _box(draw, size):
    (x, y), width = draw["pt"], draw["width"]
    left = x - {"l": 0, "c": width / 2, "r": width}[draw["align"]]
    return Box(draw["text"], left, y - size * 0.2, left + width, y + size * 0.7)


def faults(dot):
    """What is wrong with the texts of a picture: overlapping, or cut at its border."""
    laid = laid_out(dot)
    texts, whole = boxes(laid)
    found = overlapping(texts)
    for box in texts:
        inside = box.left >= whole.left - 11 and box.right <= whole.right + 11
        if not inside or box.bottom < whole.bottom - 11 or box.top > whole.top + 11:
            found.append(f"{box.text!r} is cut")
    return found + [f"{text!r} is wider than its node" for text in too_wide(laid)]


def overlapping(texts):
    """Pairs of texts that overlap."""
    return [
        f"{a.text!r} overlaps {b.text!r}"
        for a, b in combinations(texts, 2)
        if a.meets(b)
    ]


def too_wide(laid):
    """Texts of boxes, ellipses and the like that are wider than what holds them."""
    found = []
    for node in laid.get("objects", ()):
        if "width" not in node or node.get("shape") in ("plaintext", "none", "point"):
            continue
        for draw in node.get("_ldraw_", ()):
            if draw["op"] == "T" and draw["width"] > 72 * float(node["width"]) + SLACK:
                found.append(draw["text"])
    return found


def label_faults(picture):
    """The same of a picture of arrays, by the boxes that it keeps."""
    root = ET.fromstring(picture.svg)
    wide, high = float(root.attrib["width"]), float(root.attrib["height"])
    texts = [Box(text, x, y, x + w, y + h) for x, y, w, h, text in picture.labels]
    return overlapping(texts) + [
        f"{box.text!r} is cut"
        for box in texts
        if box.left < 0 or box.bottom < 0 or box.right > wide or box.top > high
    ]


def svg_faults(svg):
    """The texts of a finished SVG that begin outside its view box."""
    root = ET.fromstring(svg)
    x, y, width, height = map(float, root.attrib["viewBox"].split())
    found = []
    shift = re.search(r"translate\(([-\d.]+)[ ,]([-\d.]+)\)", svg)
    dx, dy = map(float, shift.groups()) if shift else (0.0, 0.0)
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        left, top = float(text.attrib["x"]) + dx, float(text.attrib["y"]) + dy
        if not (x <= left <= x + width and y <= top <= y + height):
            found.append(f"{text.text!r} is cut")
    return found
