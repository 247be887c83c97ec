"""How a picture looks: the palette of Okabe and Ito, told apart without colour too."""

from __future__ import annotations

# Safe for the colour-blind (Okabe and Ito, 2008); pale inside, full on the border.
INK, QUIET, FAINT = "#222222", "#777777", "#BBBBBB"
FONT = "Helvetica,Arial,sans-serif"

GRAPH = {
    "fontname": FONT, "fontsize": "11", "fontcolor": INK, "bgcolor": "white",
    "rankdir": "TB", "nodesep": "0.28", "ranksep": "0.42", "pad": "0.15",
    "newrank": "true",
}  # fmt: skip
NODE = {
    "fontname": FONT, "fontsize": "11", "fontcolor": INK, "color": "#555555",
    "style": "filled,rounded", "fillcolor": "#FAFAFA", "shape": "box", "height": "0.3",
    "width": "0.4", "margin": "0.1,0.05", "penwidth": "1.0",
}  # fmt: skip
EDGE = {
    "fontname": FONT, "fontsize": "8", "fontcolor": QUIET, "color": "#666666",
    "arrowsize": "0.6", "penwidth": "0.9",
}  # fmt: skip

Style = dict[str, str]
STYLES: dict[str, Style] = {
    "input": {
        "shape": "ellipse", "style": "filled", "fillcolor": "#DCEFFA",
        "color": "#0072B2",
    },
    "shared": {
        "shape": "cylinder", "style": "filled", "fillcolor": "#FCE9C6",
        "color": "#B87400", "height": "0.42",
    },
    "constant": {
        "shape": "note", "style": "filled", "fillcolor": "#EEEEEE", "color": "#999999",
        "fontsize": "9", "height": "0.24",
    },
    "output": {
        "shape": "ellipse", "style": "filled", "fillcolor": "#D3EFE6",
        "color": "#00795A", "peripheries": "2",
    },
    "update": {
        "shape": "cds", "style": "filled", "fillcolor": "#FCE9C6", "color": "#B87400",
        "height": "0.34", "margin": "0.16,0.05",
    },
    "random": {
        "shape": "hexagon", "style": "filled", "fillcolor": "#FBF6C8",
        "color": "#9A8700",
    },
    "op": {},
    "step": {"style": "filled", "fontsize": "10"},  # of a plan
    "sign": {
        "shape": "circle", "style": "filled", "fixedsize": "true", "width": "0.3",
        "height": "0.3", "fontsize": "13", "margin": "0",
    },
    "view": {
        "shape": "plaintext", "style": "", "fontsize": "8", "fontcolor": QUIET,
        "height": "0.16", "width": "0.2", "margin": "0.03,0.01",
    },
    "sequence": {"fillcolor": "#DCEFFA", "color": "#0072B2", "style": "filled"},
    "state": {
        "fillcolor": "#FBE0CF", "color": "#C14E00", "style": "filled,rounded,dashed",
    },
    "result": {"fillcolor": "#D3EFE6", "color": "#00795A", "style": "filled"},
}  # fmt: skip
# An input of a body that is the same at each step.
STYLES["port"] = {
    "style": "filled", "fillcolor": "white", "color": FAINT, "fontsize": "9",
    "height": "0.2", "width": "0.25", "margin": "0.05,0.02",
}  # fmt: skip

# A frame that is closed, and runs of elementwise ops drawn as one.
STYLES["fused"] = {"shape": "box", "style": "filled,rounded", "fontsize": "10"}
STYLES["group"] = {
    "shape": "component", "style": "filled", "fillcolor": "#EEF3EA", "color": "#6B7F5A",
    "margin": "0.2,0.08",
}  # fmt: skip
STYLES["loop"] = {
    "shape": "box3d", "style": "filled", "fillcolor": "#EBEFF5", "color": "#8899AA",
    "margin": "0.2,0.08",
}  # fmt: skip
STYLES["branch"] = {**STYLES["loop"], "shape": "box"}
STYLES["line"] = {
    "shape": "folder", "style": "filled", "fillcolor": "#F4F1EA", "color": "#8A8070",
    "fontsize": "9", "margin": "0.14,0.06",
}  # fmt: skip

# What belongs to the gradient.
BACK, BACK_PALE = "#A0407A", "#F8E6F0"
TINTED = ("op", "step", "sign", "fused", "group", "loop", "branch", "line")

CLUSTER = {
    "style": "rounded,filled", "color": "#8899AA", "penwidth": "1.2", "margin": "12",
    "fontsize": "12", "fontcolor": INK, "labeljust": "r", "labelloc": "b",
}  # fmt: skip
# Nested bodies get a little darker.
DEPTHS = ("#F6F8FB", "#EBEFF5", "#E0E6EF", "#D5DDE9")
BACK_DEPTHS = ("#FCF6FA", "#F8ECF3", "#F3E1EC", "#EDD6E4")
GROUP = {
    "style": "rounded,dashed", "color": "#6B7F5A", "fontcolor": "#56683F",
    "penwidth": "1.0", "margin": "10", "fontsize": "11", "labeljust": "l",
    "labelloc": "t", "bgcolor": "transparent",
}  # fmt: skip

CARRIED = {
    "style": "dashed", "color": "#C14E00", "fontcolor": "#C14E00", "penwidth": "1.2",
}  # fmt: skip
UPDATE = {"color": "#B87400", "arrowhead": "diamond"}
EDGES: dict[str, Style] = {
    "carried": CARRIED, "update": UPDATE, "order": {"style": "invis"},
}  # fmt: skip
NOTES = {"labelloc": "b", "labeljust": "l", "fontsize": "9"}

# What is on a path that is stressed, and what is not.
STRONG, PALE = "2.4", "#D0D0D0"

LEGEND = (
    ("input", "input"),
    ("shared", "parameter"),
    ("constant", "constant"),
    ("random", "random"),
    ("op", "operation"),
    ("step", "step"),
    ("gradient", "gradient"),
    ("state", "carried state"),
    ("output", "output"),
    ("update", "update"),
    ("group", "group, closed"),
    ("loop", "loop, closed"),
    ("line", "lines, closed"),
)


def node_look(kind: str, gradient: bool, stress: str) -> Style:
    """The attributes of a node."""
    look = dict(STYLES[kind])
    if gradient and kind in TINTED:
        look |= {"color": BACK, "fillcolor": BACK_PALE}
    elif gradient and kind == "view":
        look["fontcolor"] = BACK
    if stress == "strong":
        look["penwidth"] = STRONG
    elif stress == "pale":
        look |= {"color": PALE, "fillcolor": "white", "fontcolor": "#B0B0B0"}
    return look


LEGEND_LOOKS = {**STYLES, "gradient": node_look("op", True, "")}


def edge_look(role: str, gradient: bool, stress: str) -> Style:
    """The attributes of an edge, its label left out."""
    look = dict(EDGES.get(role, {}))
    if gradient and role == "data":
        look["color"] = BACK
    if stress == "strong":
        look |= {"penwidth": STRONG, "fontcolor": INK}
    elif stress == "pale":
        look |= {"color": "#DDDDDD", "fontcolor": "#C8C8C8", "penwidth": "0.7"}
    return look


def frame_look(kind: str, depth: int, gradient: bool) -> Style:
    """The attributes of a frame."""
    look = dict(GROUP if kind in ("group", "line") else CLUSTER)
    if kind not in ("group", "line"):
        look["fillcolor"] = (BACK_DEPTHS if gradient else DEPTHS)[min(depth, 4) - 1]
    if gradient:
        look |= {"color": BACK, "fontcolor": BACK}
    return look
