"""The picture of docs/bidirectional.md: what each half has seen, drawn and measured.

    python docs/bidirectional_picture.py [FOLDER]   writes bidirectional.svg there

The default folder is that of this script.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.patches import Circle

import symseq as ss
import symseq.tensor as T
from symseq.models import Bidirectional, SimpleRNN, plotting

STEPS, AT, WIDTH = 6, 3, 8
AHEAD, BEHIND, NOTHING = "#2a6fb0", "#c8641e", "0.8"
ROWS = {"y": 3, "behind": 2, "ahead": 1, "x": 0}


def measured():
    """‖∂h_t/∂x_s‖ for the forward and the backward half. Shapes: float[T, T] each."""
    rng = np.random.default_rng(0)
    cells = [SimpleRNN(WIDTH, WIDTH, rng=rng) for _ in range(2)]
    x, t = T.tensor3("x"), T.lscalar("t")
    y = Bidirectional(*cells)(x)
    halves = [y[t, 0, :WIDTH], y[t, 0, WIDTH:]]
    slopes = [T.jacobian(half, x)[:, :, 0] for half in halves]
    norms = [T.sqrt((slope**2).sum(axis=(0, 2))) for slope in slopes]
    run = ss.function([x, t], norms)
    value = rng.standard_normal((STEPS, 1, WIDTH)).astype(ss.config.floatX)
    return np.array([run(value, k) for k in range(STEPS)]).transpose(1, 0, 2)


def node(axes, row, t, label, color):
    axes.add_patch(Circle((t, ROWS[row]), 0.27, fc="white", ec=color, lw=1.6))
    axes.text(t, ROWS[row], label, ha="center", va="center", fontsize=10)


def arrow(axes, start, end, color, bend=0.0):
    style = {
        "arrowstyle": "-|>", "color": color, "shrinkA": 21, "shrinkB": 21, "lw": 1.2,
        "connectionstyle": f"arc3,rad={bend}",
    }  # fmt: skip
    (row, t), (other, u) = start, end
    axes.annotate("", (u, ROWS[other]), (t, ROWS[row]), arrowprops=style)


def draw_halves(axes):
    """The network, with what step AT of each half has seen in colour."""
    for t in range(1, STEPS + 1):
        ahead = AHEAD if t <= AT else NOTHING
        behind = BEHIND if t >= AT else NOTHING
        here = "0.2" if t == AT else NOTHING
        arrow(axes, ("x", t), ("ahead", t), ahead)
        arrow(axes, ("x", t), ("behind", t), behind, 0.38)
        arrow(axes, ("ahead", t), ("y", t), here, 0.38)
        arrow(axes, ("behind", t), ("y", t), here)
        if t < STEPS:
            arrow(axes, ("ahead", t), ("ahead", t + 1), AHEAD if t < AT else NOTHING)
            back = BEHIND if t >= AT else NOTHING
            arrow(axes, ("behind", t + 1), ("behind", t), back)
        node(axes, "x", t, f"$x_{t}$", "0.2")
        node(axes, "ahead", t, rf"$\overrightarrow{{h}}_{t}$", ahead)
        node(axes, "behind", t, rf"$\overleftarrow{{h}}_{t}$", behind)
        node(axes, "y", t, f"$y_{t}$", here)
    axes.set(xlim=(0.4, STEPS + 0.6), ylim=(-0.4, 3.4))
    axes.set_title(f"what reaches $y_{AT}$")
    axes.set_aspect("equal")
    axes.axis("off")


def draw_norms(axes, norms, name, cmap):
    """A heat map that is white where nothing was seen."""
    axes.imshow(np.where(norms > 0, norms, np.nan), cmap=cmap, vmin=0)
    for (t, s), norm in np.ndenumerate(norms):
        ink = "white" if norm > 0.6 * norms.max() else "black"
        shown = f"{norm:.2f}" if norm else "0"
        axes.text(s, t, shown, ha="center", va="center", color=ink, fontsize=8)
    ticks = range(STEPS), range(1, STEPS + 1)
    axes.set_xticks(*ticks)
    axes.set_yticks(*ticks)
    axes.set(xlabel="s", ylabel="t")
    axes.set_title(rf"$\|\partial \{name}{{h}}_t\,/\,\partial x_s\|$")


def draw(path):
    """Save the picture."""
    figure, _ = plotting.new_figure(8, 8.6)
    figure.clear()
    axes = figure.subplot_mosaic("AA;BC", height_ratios=[1.15, 1])
    draw_halves(axes["A"])
    ahead, behind = measured()
    draw_norms(axes["B"], ahead, "overrightarrow", "Blues")
    draw_norms(axes["C"], behind, "overleftarrow", "Oranges")
    with rc_context({"svg.hashsalt": "bidirectional"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    draw(folder / "bidirectional.svg")
    print(f"wrote {folder / 'bidirectional.svg'}")
