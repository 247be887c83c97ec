"""The pictures, measures and results of the cells' pages.

    python docs/cells/make.py               all of them (some minutes)
    python docs/cells/make.py lstm gru      these, printed, with their pages' lines

Each page's picture is one step of its cell. Its result is the error on unseen
sequences of the adding problem (Hochreiter and Schmidhuber 1997, experiment 4) over 20
steps, with 32 hidden units after 1,000 updates by Adam, one seed; always answering 1
has 0.1667.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context

import symseq as ss
import symseq.tensor as T
from symseq.compiler.pipeline import passes_of
from symseq.lengths import size_of
from symseq.models import Dense, Recurrent, cells, optimizers
from symseq.models.cells.cell import filled, leaves
from symseq.models.data.generated import Drawn, adding_problem
from symseq.models.plotting import new_figure
from symseq.scan.op import Scan
from symseq.tensor.shared_randomstreams import RandomStreams
from symseq.traverse import sort_nodes

HERE = Path(__file__).parent
STEPS, HIDDEN, BATCH, UPDATES, RATE, TEST = 20, 32, 32, 1000, 5e-3, 2000
FORGET = 1.0  # the usual start of forget gates: to remember
Make = Callable[..., cells.Cell[Any]]


def plain(kind: Callable[..., cells.Cell[Any]], **options: Any) -> Make:
    return lambda d, h, rng: kind(d, h, rng=rng, **options)


def lstm(d: Any, h: Any, rng: np.random.Generator) -> cells.LSTM:
    return cells.LSTM(d, h, rng=rng, forget_bias=FORGET)


def two(d: Any, h: Any, rng: np.random.Generator) -> cells.Stacked:
    return cells.Stacked([lstm(d, h, rng), cells.GRU(h, h, rng=rng)])


def residual(d: Any, h: Any, rng: np.random.Generator) -> cells.Cell[Any]:
    """A residual cell reads as much as it shows: it stands on a dense one."""
    into = cells.DenseCell(d, h, rng=rng)
    return cells.Stacked([into, cells.Residual(cells.GRU(h, h, rng=rng))])


# In the order in which they build on each other.
PAGES: dict[str, Make] = {
    "identity": lambda d, h, rng: cells.Identity(d),
    "dense": plain(cells.DenseCell, activation=T.tanh),
    "simple_rnn": plain(cells.SimpleRNN),
    "irnn": plain(cells.SimpleRNN.irnn),
    "carousel": plain(cells.CarouselLSTM),
    "lstm": lstm,
    "peepholes": plain(cells.PeepholeLSTM, forget_bias=FORGET),
    "coupled": plain(cells.CoupledLSTM),
    "projected": lambda d, h, rng: cells.ProjectedLSTM(
        d, h, size_of(h) // 2, rng=rng, forget_bias=FORGET
    ),
    "gru": plain(cells.GRU),
    "gru_after": plain(cells.ResetAfterGRU),
    "mgu": plain(cells.MGU),
    "scrn": lambda d, h, rng: cells.SCRN(d, h, size_of(h) // 4, rng=rng),
    "clockwork": plain(cells.Clockwork),
    "multiplicative": plain(cells.MultiplicativeLSTM, forget_bias=FORGET),
    "layer_norm": plain(cells.LayerNormLSTM, forget_bias=FORGET),
    "stacked": two,
    "residual": residual,
    "dropout": lambda d, h, rng: cells.VariationalDropout(lstm(d, h, rng), 0.0, 0.1),
    "zoneout": lambda d, h, rng: cells.Zoneout(
        lstm(d, h, rng), cells.LSTMState(0.05, 0.05)
    ),
    "normalized": lambda d, h, rng: cells.LayerNormalized(
        cells.GRU(d, h, rng=rng), rng=rng
    ),
}


def picture(name: str) -> None:
    """One step of the cell, to NAME.svg."""
    B, D, H = ss.dims("B", D=64, H=128)
    cell = PAGES[name](D, H, np.random.default_rng(0))
    x = T.TensorType("floatX", (B, D))("x_t")
    before = [
        T.TensorType("int64", (B,))(part)
        if width is None
        else T.TensorType("floatX", (B, width))(part)
        for part, width in leaves(cell.widths)
    ]
    y, state = cell(x, filled(cell.widths, iter(before)))
    after = [part for _, part in leaves(state)]
    shown = after if any(part is y for part in after) else [y, *after]
    ss.draw(shown, HERE / f"{name}.svg", legend=False)


def padding() -> None:
    """h of an LSTM over a row of 8 real steps and 6 of padding, to padding.svg."""
    lstm = cells.LSTM(2, 4, rng=np.random.default_rng(3), forget_bias=FORGET)
    x, mask = T.tensor3("x"), T.matrix("mask")
    h = ss.function([x, mask], Recurrent(lstm)(x, mask))
    drawn = 2 * np.random.default_rng(0).standard_normal((14, 1, 2)).astype("float32")
    real = (np.arange(14)[:, None] < 8).astype("float32")
    figure, axes = new_figure(6, 2.4)
    axes.plot(h(drawn, np.ones_like(real))[:, 0], ":", color="gray")
    axes.plot(h(drawn, real)[:, 0], marker=".")
    axes.axvspan(7.5, 13.5, color="gray", alpha=0.2)
    axes.set(xlabel="t (shaded: padding)", ylabel="h(t)")
    with rc_context({"svg.hashsalt": "padding"}):
        figure.savefig(HERE / "padding.svg", metadata={"Date": None})


def measure(name: str) -> dict[str, Any]:
    """Parameters; products in the compiled loop; their flops per step and sequence."""
    cell = PAGES[name](64, 128, np.random.default_rng(0))
    x = T.TensorType("floatX", (None, None, 64))("x")
    made = passes_of([Recurrent(cell)(x)], "numpy")[-1][1]
    loops = [node for node in sort_nodes(made) if isinstance(node.op, Scan)]
    found = sum(products(node.op.body.nodes) for node in loops)
    return {
        "parameters": cell.count(),
        "products": found,
        "flops": round(flops(cell)),
    }


def products(nodes: Any) -> int:
    count = 0
    for node in nodes:
        count += node.op.name == "dot"
        for _, outputs in getattr(node.op, "bodies", tuple)():
            count += products(sort_nodes(outputs))
    return count


def flops(cell: cells.Cell[Any]) -> float:
    """Of all products of a step for one sequence; of a clockwork its mean."""
    if isinstance(cell, cells.Clockwork):
        return float(np.mean([cell.flops(t) for t in range(max(cell.periods))]))
    x = T.TensorType("floatX", (None, cell.inputs))("x")
    y, _ = cell(x, cell.initial(x.shape[0]))
    matrices = [n.inputs[1] for n in sort_nodes([y]) if n.op.name == "dot"]
    return float(sum(2 * np.prod([size_of(n) for n in m.type.shape]) for m in matrices))


def adding(name: str, seed: int = 0) -> float:
    """The mean squared error on unseen sequences of the adding problem."""
    rng, streams = np.random.default_rng(seed), RandomStreams(seed)
    layer = Recurrent(PAGES[name](2, HIDDEN, rng))
    output = Dense(layer.cell.outputs, 1, rng=rng)
    x, y = T.tensor3("x"), T.vector("y")

    def error(streams: RandomStreams | None) -> Any:
        return ((output(layer(x, streams=streams)[-1])[:, 0] - y) ** 2).mean()

    cost = error(streams)
    params = {
        **layer.parameters(),
        **{f"o.{k}": v for k, v in output.parameters().items()},
    }
    grads = optimizers.clip_by_norm(optimizers.gradients(cost, params), 1.0)
    step = ss.function([x, y], cost, updates=optimizers.adam(grads, params, RATE))
    draw = lambda rng, size: adding_problem(rng, size, steps=STEPS)  # noqa: E731
    for batch in Drawn(draw, BATCH, UPDATES, seed).epoch(0):
        step(*batch)
    unseen = draw(np.random.default_rng([seed, 1]), TEST)
    return float(ss.function([x, y], error(None))(*unseen))


def fill(file: Path, mark: str, text: str) -> None:
    """Put `text` between `<!-- mark -->` and `<!-- end -->` of a page."""
    page = file.read_text()
    pattern = rf"(<!-- {mark} -->\n).*?(\n<!-- end -->)"
    made, found = re.subn(pattern, lambda m: m[1] + text + m[2], page, flags=re.DOTALL)
    assert found == 1, f"{file.name} has no place for its {mark}"
    file.write_text(made)


def said(name: str, facts: dict[str, Any]) -> str:
    return (
        f"`python docs/cells/make.py {name}`: {facts['parameters']:,} parameters at "
        f"D = 64, H = 128; products in the loop: {facts['products']}; "
        f"{facts['flops']:,} flops per step; adding problem **{facts['error']:.4f}**."
    )


def row(name: str, facts: dict[str, Any]) -> str:
    title = (HERE / f"{name}.md").read_text().splitlines()[0].removeprefix("# ")
    numbers = f"{facts['parameters']:,} | {facts['products']} | {facts['flops']:,}"
    return f"| [{title}]({name}.md) | {numbers} | {facts['error']:.4f} |"


def main(names: list[str]) -> None:
    rows = []
    for name in names or PAGES:
        picture(name)
        facts = measure(name) | {"error": adding(name)}
        fill(HERE / f"{name}.md", "result", said(name, facts))
        print(name, facts, flush=True)
        rows.append(row(name, facts))
    if not names:
        padding()
        heads = ["cell", "parameters", "products per step", "flops per step", "error"]
        table = ["| " + " | ".join(heads) + " |", "|---|--:|--:|--:|--:|", *rows]
        fill(HERE / "README.md", "table", "\n".join(table))


if __name__ == "__main__":
    main(sys.argv[1:])
