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
    "random": {
        "shape": "hexagon", "style": "filled", "fillcolor": "#F6E1EC",
        "color": "#B0578A",
    },
    "op": {},
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

CLUSTER = {
    "style": "rounded,filled", "color": "#8899AA", "penwidth": "1.2", "margin": "12",
    "fontsize": "12", "labeljust": "r", "labelloc": "b",
}  # fmt: skip
# Nested bodies get a little darker.
DEPTHS = ("#F6F8FB", "#EBEFF5", "#E0E6EF", "#D5DDE9")

CARRIED = {
    "style": "dashed", "color": "#C14E00", "fontcolor": "#C14E00", "penwidth": "1.2",
    "constraint": "false",
}  # fmt: skip

LEGEND = (
    ("input", "input"),
    ("shared", "parameter"),
    ("constant", "constant"),
    ("random", "random"),
    ("op", "operation"),
    ("state", "carried state"),
    ("output", "output"),
)
