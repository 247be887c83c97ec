"""How textbook pictures look: a cell, and a loop unrolled over time."""

from __future__ import annotations

from symseq.draw.style import CLUSTER, DEPTHS, INK, QUIET, STYLES, Style

# One cell: values are nodes; a product with a weight, a function are edges.
WEIGHT, FUNCTION = "#0072B2", "#C8321E"
CELL_GRAPH = {"rankdir": "LR", "nodesep": "0.13", "ranksep": "0.55"}
CELL_AROUND = {
    "peripheries": "0", "labelloc": "b", "labeljust": "l", "fontsize": "12",
    "margin": "6",
}  # fmt: skip
CELL_FRAME = {**CLUSTER, "peripheries": "1", "fillcolor": DEPTHS[0], "label": ""}
_ROUND = {"shape": "ellipse", "style": "filled", "fontsize": "12"}
CELL: dict[str, Style] = {
    "entry": {**_ROUND, "fillcolor": "#DCEFFA", "color": "#0072B2"},
    "carried": {**_ROUND, "fillcolor": "#FBE0CF", "color": "#C14E00"},
    "exit": {**_ROUND, "fillcolor": "#D3EFE6", "color": "#00795A"},
    "named": {"fillcolor": "white", "fontsize": "12"},
    "joint": {**STYLES["sign"], "fillcolor": "white"},
    "biased": {
        "shape": "box", "style": "filled,rounded", "fillcolor": "white",
        "margin": "0.08,0.03", "width": "0.3",
    },
    "box": {"fillcolor": "white", "style": "filled"},
    "given": {"shape": "plaintext", "style": "", "width": "0.2", "height": "0.2"},
    "point": {"shape": "point", "width": "0.06", "height": "0.06"},
}  # fmt: skip
DEEDS: dict[str, Style] = {
    "plain": {},
    "weight": {
        "color": WEIGHT, "fontcolor": WEIGHT, "fontsize": "10", "penwidth": "1.3",
    },
    "function": {
        "color": FUNCTION, "fontcolor": FUNCTION, "fontsize": "11", "penwidth": "1.3",
    },
}  # fmt: skip

# A loop unrolled: nodes at fixed places, in inches.
COLUMN, ROW, STAGGER, RAISE, PARAMETERS = 1.3, 1.05, 0.42, 1.6, 0.5
UNROLLED = {"layout": "neato", "splines": "line", "outputorder": "edgesfirst"}
_BOX = {"shape": "box", "style": "filled,rounded", "height": "0.42", "width": "0.7"}
STEPS: dict[str, Style] = {
    "input": {**_ROUND, "fillcolor": "#DCEFFA", "color": "#0072B2"},
    "state": {**_BOX, "fillcolor": "#FBE0CF", "color": "#C14E00", "fontsize": "12"},
    "result": {**_BOX, "fillcolor": "#D3EFE6", "color": "#00795A", "fontsize": "12"},
    "output": {**_ROUND, "fillcolor": "#D3EFE6", "color": "#00795A"},
    "first": {
        **_BOX, "fillcolor": "white", "color": "#C14E00", "style": "rounded,dashed",
    },
    "shared": {
        "shape": "box", "style": "filled", "fillcolor": "#FCE9C6", "color": "#B87400",
        "height": "0.26", "width": "0.36", "margin": "0.06,0.03", "fontsize": "10",
    },
    "dots": {"shape": "plaintext", "style": "", "fontsize": "16", "fontcolor": QUIET},
    "title": {"shape": "plaintext", "style": "", "fontcolor": QUIET, "fontsize": "11"},
    "bend": {"shape": "point", "width": "0.01", "height": "0.01", "style": "invis"},
}  # fmt: skip
LINES: dict[str, Style] = {
    "data": {},
    "carried": {"color": "#C14E00", "penwidth": "1.4"},
    "memory": {"color": "#8899AA", "penwidth": "0.6", "arrowsize": "0.4"},
    "shared": {"color": "#E2BE7D", "penwidth": "0.5", "arrowhead": "none"},
}  # fmt: skip
SEEN: dict[str, Style] = {
    "data": {"penwidth": "2.2", "color": INK}, "shared": {},
    "carried": {"penwidth": "2.2", "color": INK},
    "memory": {"penwidth": "1.0", "color": INK},
}  # fmt: skip
UNSEEN_NODE = {"color": "#D0D0D0", "fillcolor": "white", "fontcolor": "#B0B0B0"}
UNSEEN_LINE = {"color": "#E4E4E4", "penwidth": "0.6"}
