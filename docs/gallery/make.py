"""The gallery: pictures of the project's own models, and the page that shows them.

    python docs/gallery/make.py               all pictures, and README.md
    python docs/gallery/make.py nested cells  these pictures

Each function below makes one picture; its docstring is what the page says of it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.models import attention, cells, losses

HERE = Path(__file__).parent
INTRO = """# Gallery

What `ss.draw` and `ss.unroll_picture` make of this project's models. Nothing in a model
is written for its picture: all of it is read from the graph. `python
docs/gallery/make.py` makes the pictures and this page; the functions in
[make.py](make.py) build the graphs."""

# By section: what makes each picture.
SECTIONS: dict[str, list[Callable[[], Any]]] = {}


def of(section: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Enters a function that makes a picture."""

    def enter(make: Callable[[], Any]) -> Callable[[], Any]:
        SECTIONS.setdefault(section, []).append(make)
        return make

    return enter


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def leaf(name: str, *shape: Any, dtype: str = "float32") -> Any:
    return T.TensorType(dtype, shape)(name)


def shared(name: str, *shape: ss.Dim) -> Any:
    sizes = [length.size for length in shape]
    return ss.shared(np.zeros(sizes, "float32"), name, shape=shape)


# --- Graphs ------------------------------------------------------------------------

L, B, S = ss.dims("T B S")
D, H, K, V = ss.dims(D=3, H=4, K=2, V=20)


def tutorial() -> tuple[Any, Any]:
    """The network of the Theano tutorial: its logits and its parameters."""
    model = models.SequenceClassifier(V, H, K, rng=rng())
    x, mask = leaf("x", L, B, dtype="int32"), leaf("mask", L, B)
    return model, model(x, mask)


def trained() -> list[Any]:
    """The tutorial's cost and its gradient."""
    model, logits = tutorial()
    cost = losses.cross_entropy(logits, leaf("y", B, dtype="int32"))
    cost.name = "cost"
    parameters = model.parameters()
    for path, parameter in parameters.items():
        parameter.name = path
    return [cost, *ss.grad(cost, list(parameters.values()))]


@of("Graphs, at three levels of detail")
def lstm_layers() -> Any:
    """The LSTM of the Theano tutorial. Modules are boxes; inside an open one, what it
    does itself."""
    _, logits = tutorial()
    return ss.draw(logits, detail="layers")


@of("Graphs, at three levels of detail")
def lstm_ops() -> Any:
    """The same with every module open: elementwise ops as formulas, the loop as a frame
    with its sequences, states and parameters at the top, dashed edges back in time."""
    _, logits = tutorial()
    return ss.draw(logits, detail="ops")


@of("Graphs, at three levels of detail")
def lstm_full() -> Any:
    """The same, op by op."""
    _, logits = tutorial()
    return ss.draw(logits, detail="full")


@of("Gradients")
def lstm_gradient() -> Any:
    """The tutorial's cost and its gradient, which goes through the modules again, in
    its own colour."""
    outputs = trained()
    return ss.draw(outputs, detail="layers")


@of("Gradients")
def backward_loop() -> Any:
    """A simple RNN and its gradient: the loop forward, and the loop that runs backwards
    over what it made and adds up what each step says of U."""
    x, U = leaf("x", L, B, H), shared("U", H, H)
    h, _ = ss.scan(lambda x, h: T.tanh(x + h @ U), x, leaf("h0", B, H), name="rnn")
    cost = (h[-1] ** 2).sum()
    cost.name = "cost"
    return ss.draw([cost, ss.grad(cost, U)], detail="ops")


@of("Gradients")
def plan() -> Any:
    """The plan that runs for it: its steps in order, the loops after all passes, and
    U written where it lies."""
    x, h0, U = leaf("x", L, B, H), leaf("h0", B, H), shared("U", H, H)
    h, _ = ss.scan(lambda x, h: T.tanh(x + h @ U), x, h0, name="rnn")
    cost = (h[-1] ** 2).sum()
    cost.name = "cost"
    step = ss.function([x, h0], cost, updates=[(U, U - 0.1 * ss.grad(cost, U))])
    return ss.draw(step.plan)


@of("Loops, modules and paths")
def nested() -> Any:
    """A loop in a loop: a grid read row by row, each row from left to right."""
    grid, U = leaf("grid", L, S, B, H), shared("U", H, H)

    def row(cells: Any, h: Any) -> Any:
        across, _ = ss.scan(lambda x, s: T.tanh(x + s @ U), cells, h, name="across")
        return across[-1]

    h, _ = ss.scan(row, grid, leaf("h0", B, H), name="down")
    return ss.draw(h, detail="ops")


@of("Loops, modules and paths")
def two_taps() -> Any:
    """A state read one and two steps back."""
    U = shared("U", H, H)
    before = {"initial": leaf("h0", 2, B, H), "taps": [-2, -1]}
    step = lambda x, far, near: T.tanh(x + near @ U - far)  # noqa: E731
    h, _ = ss.scan(step, leaf("x", L, B, H), before, name="rnn")
    return ss.draw(h)


@of("Loops, modules and paths")
def bidirectional() -> Any:
    """A bidirectional RNN: one loop runs from each end. What y at step 3 reads of x is
    strong."""
    both = models.Bidirectional(
        cells.SimpleRNN(D, H, rng=rng()), cells.SimpleRNN(D, H, rng=rng())
    )
    x = leaf("x", L, B, D)
    y = both(x)[3]
    y.name = "y(3)"
    return ss.draw(y, detail="ops", highlight=[x, y])


def attending() -> Any:
    """An encoder, and a decoder that attends to all that it made."""
    encoder = models.Recurrent(cells.SimpleRNN(D, H, rng=rng()), name="encoder")
    memory = attention.Memory(encoder(leaf("x", S, B, D)))
    inner = cells.SimpleRNN(D + H, H, rng=rng(), name="decoder")
    looks = attention.SoftAttention(attention.DotScore())
    cell = attention.BahdanauDecoder(inner, looks, D, H).over(memory)
    return models.Recurrent(cell, name="decoder")(leaf("y", L, B, D))


@of("Loops, modules and paths")
def decoder() -> Any:
    """A decoder that attends: at each step it looks at all that the encoder made."""
    outputs = attending()
    return ss.draw(outputs, detail="ops")


@of("Loops, modules and paths")
def lstmn() -> Any:
    """The LSTMN attends to all of its own earlier states."""
    x = leaf("x", L, B, D)
    outputs = models.Recurrent(attention.LSTMN(D, H, rng=rng()).over(x.shape[0]))(x)
    return ss.draw(outputs, detail="ops")


@of("Loops, modules and paths")
def model() -> Any:
    """A model by itself: its modules and the parameters they hold."""
    model, _ = tutorial()
    return ss.draw(model)


# --- Cells -------------------------------------------------------------------------


def cell(kind: Callable[..., Any], **how: Any) -> Any:
    model = models.Recurrent(kind(D, H, rng=rng()), name="")
    return ss.draw(model, inputs=leaf("x", L, B, D), style="cell", **how)


@of("Cells, as textbooks draw them")
def cell_rnn() -> Any:
    """A simple RNN: a blue edge is a product with a weight matrix, a red one a
    function."""
    return cell(cells.SimpleRNN)


@of("Cells, as textbooks draw them")
def cell_lstm() -> Any:
    """The LSTM; the equations under each cell are read from its graph too."""
    return cell(cells.LSTM)


@of("Cells, as textbooks draw them")
def cell_gru() -> Any:
    """The GRU."""
    return cell(cells.GRU)


# --- Arrays ------------------------------------------------------------------------


@of("Arrays, as one draws them on paper")
def embedding() -> Any:
    """The tutorial's embedding lookup, with the tokens of three sequences."""
    x, Wemb = leaf("x", L, B, dtype="int64"), shared("Wemb", V, H)
    emb = Wemb[x.flatten()].reshape([x.shape[0], x.shape[1], H.size])
    tokens = np.array([[3, 7, 1], [0, 7, 2]])
    return ss.draw(emb, style="arrays", values={"x": tokens})


@of("Arrays, as one draws them on paper")
def einsum() -> Any:
    """An einsum: the axis that both have and the result has not is summed."""
    i, j = ss.dims("i j")
    x, y = leaf("x", B, i, D), leaf("y", B, j, D)
    scores = T.einsum("bid,bjd->bij", x, y)
    return ss.draw(scores, style="arrays")


@of("Arrays, as one draws them on paper")
def product() -> Any:
    """A sequence of matrices times a matrix."""
    x, W = leaf("x", L, B, D), shared("W", D, H)
    y = T.dot(x, W)
    return ss.draw(y, style="arrays")


@of("Arrays, as one draws them on paper")
def masked() -> Any:
    """A masked step: where the mask is 0 the old state stays."""
    m, new, old = leaf("m", B), leaf("h_new", B, H), leaf("h_old", B, H)
    h = m[:, None] * new + (1 - m)[:, None] * old
    return ss.draw(h, style="arrays")


@of("Arrays, as one draws them on paper")
def blocks() -> Any:
    """The tutorial's LSTM step: one product makes the blocks i | f | o | c."""
    h_, c_, x_ = leaf("h_", B, H), leaf("c_", B, H), leaf("x_", B, 4 * H)
    n = H.size
    preact = T.dot(h_, shared("U", H, 4 * H)) + x_
    i = T.nnet.sigmoid(preact[:, 0:n])
    f = T.nnet.sigmoid(preact[:, n : 2 * n])
    o = T.nnet.sigmoid(preact[:, 2 * n : 3 * n])
    c = T.tanh(preact[:, 3 * n : 4 * n])
    c = f * c_ + i * c
    h = o * T.tanh(c)
    return ss.draw(h, style="arrays")


# --- Unrolled ----------------------------------------------------------------------


@of("Unrolled over time")
def unrolled_rnn() -> Any:
    """A simple RNN: each parameter once, with a line to every step."""
    h = models.Recurrent(cells.SimpleRNN(D, H, rng=rng()), name="")(leaf("x", L, B, D))
    y = models.Dense(H, K, rng=rng(), name="out")(h)
    y.name = "y"
    return ss.unroll_picture(y)


@of("Unrolled over time")
def unrolled_bidirectional() -> Any:
    """A bidirectional RNN, and what y(2) can see: all inputs, by two ways."""
    both = models.Bidirectional(
        cells.SimpleRNN(D, H, rng=rng()), cells.SimpleRNN(D, H, rng=rng())
    )
    y = both(leaf("x", L, B, D))
    y.name = "y"
    return ss.unroll_picture(y, see=2)


@of("Unrolled over time")
def unrolled_encoder_decoder() -> Any:
    """An encoder hands its last state to a decoder."""
    encoder = models.Recurrent(cells.SimpleRNN(D, H, rng=rng()), name="encoder")
    decoder = models.Recurrent(cells.SimpleRNN(D, H, rng=rng()), name="decoder")
    _, last = encoder(leaf("x", S, B, D), return_state=True)
    outputs = decoder(leaf("y", L, B, D), initial=last)
    p = T.nnet.softmax(models.Dense(H, V, rng=rng(), name="out")(outputs))
    p.name = "p"
    return ss.unroll_picture(p)


@of("Unrolled over time")
def unrolled_attention() -> Any:
    """With attention every step of the decoder reads the whole memory: here step 1."""
    y = attending()
    y.name = "o"
    return ss.unroll_picture(y, steps=3, see=1)


# --- The page ----------------------------------------------------------------------


def pictures() -> dict[str, Callable[[], Any]]:
    """Every picture's name and what makes it."""
    return {make.__name__: make for group in SECTIONS.values() for make in group}


def entry(make: Callable[[], Any]) -> str:
    """What the page says of one picture: the docstring, the call, the picture."""
    said = " ".join((make.__doc__ or "").split())
    *_, call = inspect.getsource(make).strip().split("return ")
    shown = f"`{call.strip()}`" if call.startswith("ss.") else ""
    name = make.__name__
    return f"{said} {shown}".strip() + f"\n\n![{name.replace('_', ' ')}]({name}.svg)"


def page() -> str:
    parts = [INTRO]
    for title, group in SECTIONS.items():
        parts += [f"## {title}", *map(entry, group)]
    return "\n\n".join(parts) + "\n"


def main(names: list[str]) -> None:
    made = pictures()
    for name in names or made:
        made[name]().save(HERE / f"{name}.svg")
        print(name, (HERE / f"{name}.svg").stat().st_size, flush=True)
    if not names:
        (HERE / "README.md").write_text(page())


if __name__ == "__main__":
    main(sys.argv[1:])
