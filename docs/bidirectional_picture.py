"""The picture of docs/bidirectional.md: what each half has seen, measured.

    python docs/bidirectional_picture.py [FOLDER]   writes bidirectional.svg there

The default folder is that of this script.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context

import symseq as ss
import symseq.tensor as T
from symseq.models import Bidirectional, SimpleRNN, plotting

STEPS, WIDTH = 6, 8


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
    figure, _ = plotting.new_figure(8, 4.6)
    figure.clear()
    axes = figure.subplots(1, 2)
    ahead, behind = measured()
    draw_norms(axes[0], ahead, "overrightarrow", "Blues")
    draw_norms(axes[1], behind, "overleftarrow", "Oranges")
    with rc_context({"svg.hashsalt": "bidirectional"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    draw(folder / "bidirectional.svg")
    print(f"wrote {folder / 'bidirectional.svg'}")
