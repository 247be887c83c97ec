"""The picture of docs/bptt.md: each node's value and error, as symseq computes them.

    python docs/bptt_picture.py [FOLDER]    writes bptt.svg there (default: beside this)

A network of one input, one unit and two classes is built step by step, without a loop,
so that ``ss.grad`` gives the error of each node.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.patches import Rectangle

import symseq as ss
import symseq.tensor as T
from symseq.models import plotting

STEPS, X, Y = 3, (1.0, -0.5, 0.8), (0, 1, 1)
WEIGHTS = {"W": 0.9, "U": 0.7, "b": 0.1, "V": (0.8, -0.6), "c": (0.2, 0.0)}
WIDE, HIGH, APART, ABOVE = 2.5, 1.05, 4.0, 1.9  # of a box; from box to box


def build():
    """The nodes of each step by name, the weights, and the loss."""
    w = {
        name: ss.shared(np.array(value, "float64"), name)
        for name, value in WEIGHTS.items()
    }
    nodes = {("h", 0): T.constant(np.array(0.0))}
    loss = 0
    for t in range(1, STEPS + 1):
        x = nodes["x", t] = ss.shared(np.array(X[t - 1]), f"x{t}")
        a = nodes["a", t] = x * w["W"] + nodes["h", t - 1] * w["U"] + w["b"]
        h = nodes["h", t] = T.tanh(a)
        o = nodes["o", t] = h * w["V"] + w["c"]
        loss = loss - (o[Y[t - 1]] - T.log(T.exp(o).sum()))
    return nodes, w, loss


def evaluated(nodes, w, loss):
    """The value and the error of each node and weight, and the loss."""
    named = nodes | {(name, None): variable for name, variable in w.items()}
    errors = ss.grad(loss, list(named.values()))
    *found, total = ss.function([], [*named.values(), *errors, loss])()
    values, errors = found[: len(named)], found[len(named) :]
    return dict(zip(named, zip(values, errors, strict=True), strict=True)), total


def shown(value):
    parts = [f"{v:.2f}".replace("-", "−") for v in np.atleast_1d(value)]
    return f"({', '.join(parts)})" if len(parts) > 1 else parts[0]


def place(name, t):
    return t * APART, {"x": 0, "a": 1, "h": 2, "o": 3}[name] * ABOVE


def box(axes, name, t, value, error):
    x, y = place(name, t)
    fill = {"x": "0.94", "a": "#fdeee6", "h": "#e8f0fa", "o": "#eaf5ea"}[name]
    edge = {"facecolor": fill, "edgecolor": "0.4", "linewidth": 0.8}
    corner = x - WIDE / 2, y - HIGH / 2
    axes.add_patch(Rectangle(corner, WIDE, HIGH, **edge))
    how = {"ha": "center", "va": "center", "fontsize": 10}
    symbol = {"a": rf" = $\delta_{t}$", "o": rf" = $e_{t}$"}.get(name, "")
    axes.text(x, y + 0.32, f"${name}_{t}$", **how)
    axes.text(x, y, shown(value), **how)
    axes.text(x, y - 0.32, shown(error) + symbol, color="#c22", **how)


def arrow(axes, start, end, label, *, aside=(0.22, 0.0)):
    (x, y), (u, v) = place(*start), place(*end)
    level = start[1] == end[1]
    tail = (x, y + HIGH / 2) if level else (x + WIDE / 2, y)
    head = (u, v - HIGH / 2) if level else (u - WIDE / 2, v)
    style = {"arrowstyle": "-|>", "color": "0.35", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", head, tail, arrowprops=style)
    middle = (tail[0] + head[0]) / 2 + aside[0], (tail[1] + head[1]) / 2 + aside[1]
    axes.text(*middle, label, ha="center", va="center", fontsize=10, color="0.25")


def draw(path):
    """Save the picture."""
    nodes, w, loss = build()
    found, total = evaluated(nodes, w, loss)
    figure, axes = plotting.new_figure(10.5, 7)
    for (name, t), (value, error) in found.items():
        if t is not None:
            box(axes, name, t, value, error)
    for t in range(1, STEPS + 1):
        arrow(axes, ("x", t), ("a", t), "$W$")
        arrow(axes, ("a", t), ("h", t), "tanh", aside=(0.42, 0.0))
        arrow(axes, ("h", t), ("o", t), "$V$")
        arrow(axes, ("h", t - 1), ("a", t), "$U$", aside=(0.22, 0.22))
        axes.text(t * APART, 3 * ABOVE + 0.85, f"$y_{t}$ = {Y[t - 1]}", ha="center")
    weights = [
        rf"${name}$ = {shown(value)},  $\partial L/\partial {name}$ = " + shown(error)
        for name in ("c", "V", "b", "U", "W")
        for value, error in [found[name, None]]
    ]
    axes.text(-1.25, 3 * ABOVE + 1.4, f"loss $L$ = {total:.2f}", fontsize=11)
    axes.text(-1.25, -1.0, "        ".join(weights[:3]), fontsize=9.5, va="center")
    axes.text(-1.25, -1.5, "        ".join(weights[3:]), fontsize=9.5, va="center")
    axes.set(xlim=(-1.5, STEPS * APART + 1.5), ylim=(-1.8, 3 * ABOVE + 1.8))
    axes.set_aspect("equal")
    axes.axis("off")
    with rc_context({"svg.hashsalt": "bptt"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    draw(folder / "bptt.svg")
    print(f"wrote {folder / 'bptt.svg'}")
