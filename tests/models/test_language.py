"""The character model: what it carries, what it draws, how large it is."""

from collections.abc import Iterator

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.compiler.pipeline import passes_of
from symseq.errors import UsageError
from symseq.models import data, losses, optimizers, train
from symseq.models.attention import LSTMN
from symseq.models.language import Carried, CharacterModel, OneHot, width_for
from symseq.scan.op import Scan
from symseq.tensor.shared_randomstreams import RandomStreams
from symseq.traverse import sort_nodes

V, D, H = 7, 5, 6
CELLS = {
    "rnn": models.SimpleRNN,
    "gru": models.GRU,
    "lstm": models.LSTM,
    "mlstm": models.MultiplicativeLSTM,
    "lstmn": LSTMN,
    "clockwork": lambda *sizes, rng: models.Clockwork(*sizes, rng=rng, periods=(1, 2)),
}
x, y, first = T.imatrix("x"), T.imatrix("y"), T.ivector("first")


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    before, ss.config.floatX = ss.config.floatX, "float64"
    yield
    ss.config.floatX = before


def model_of(kind, seed=0):
    rng = np.random.default_rng(seed)
    model = CharacterModel(V, CELLS[kind](D, H, rng=rng), rng=rng)
    for variable in model.parameters().values():
        variable.set_value(0.5 * rng.standard_normal(variable.storage.shape))
    return model


def text(steps, batch, seed=1):
    return np.random.default_rng(seed).integers(0, V, (steps, batch)).astype("int32")


def reader(model, carried, target="numpy"):
    """x → logits; what is carried goes on from call to call."""
    logits, new = model(x, carried.state)
    return ss.function([x], logits, updates=carried.updates(new), target=target)


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("kind", [kind for kind in CELLS if kind != "lstmn"])
def test_stretches_with_a_carried_state_are_one_long_sequence(kind, target):
    model, tokens = model_of(kind), text(11, 3)
    carried = Carried(model, 3)
    read = reader(model, carried, target)
    parts = [read(tokens[a:b]) for a, b in ((0, 4), (4, 5), (5, 5), (5, 11))]
    carried.reset(3)
    whole = read(tokens)
    assert whole.shape == (11, 3, V)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=1e-12)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstmn_by_numpy(model, tokens, carried):
    """Cheng et al. 2016, equations 4-9, one sequence; a stretch's tapes begin anew."""
    values = {k: v.get_value() for k, v in model.parameters().items()}
    p = {name.rpartition(".")[2]: value for name, value in values.items()}
    E, O, c_ = values["embedding.W"], values["readout.W"], values["readout.b"]
    W, U, b = (values[f"core.lstmn.{name}"] for name in "WUb")
    hs, cs, attended = [carried[0]], [carried[1]], carried[2]
    logits = []
    for token in tokens:
        x_t = E[token]
        a = [
            p["v"] @ np.tanh(h @ p["W_h"] + x_t @ p["W_x"] + attended @ p["W_a"])
            for h in hs
        ]  # fmt: skip (4)
        s = np.exp(a) / np.sum(np.exp(a))  # (5)
        attended = sum(s_i * h for s_i, h in zip(s, hs, strict=True))  # (6)
        memory = sum(s_i * c for s_i, c in zip(s, cs, strict=True))
        i, f, o, g = np.split(x_t @ W + attended @ U + b, 4)  # (7)
        c = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)  # (8)
        h = sigmoid(o) * np.tanh(c)  # (9)
        hs.append(h)
        cs.append(c)
        logits.append(h @ O + c_)
    return np.array(logits).reshape(-1, V), (hs[-1], cs[-1], attended)


@pytest.mark.parametrize("target", ["reference", "numpy"])
def test_an_lstmn_goes_on_from_the_end_of_its_tapes(target):
    model, tokens = model_of("lstmn"), text(9, 2)
    carried = Carried(model, 2)
    read = reader(model, carried, target)
    mine = [read(tokens[a:b]) for a, b in ((0, 4), (4, 5), (5, 5), (5, 9))]
    for column in range(2):
        state = (np.zeros(H),) * 3
        for (a, b), got in zip(((0, 4), (4, 5), (5, 5), (5, 9)), mine, strict=True):
            wanted, state = lstmn_by_numpy(model, tokens[a:b, column], state)
            np.testing.assert_allclose(got[:, column], wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_a_batch_is_its_single_texts_and_any_batch_goes_through_one_function(kind):
    model, tokens = model_of(kind), text(5, 3)
    carried = Carried(model, 3)
    read = reader(model, carried)
    together = [read(tokens[:3]), read(tokens[3:])]
    for column in range(3):
        carried.reset(1)
        alone = tokens[:, column : column + 1]
        for rows, part in ((alone[:3], together[0]), (alone[3:], together[1])):
            np.testing.assert_allclose(read(rows)[:, 0], part[:, column], atol=1e-12)


def test_gradients_end_where_a_stretch_begins():
    """Truncated BPTT: by central differences with the carried state held."""
    model, tokens = model_of("lstm"), text(7, 2)
    carried = Carried(model, 2)
    reader(model, carried)(tokens[:3])
    cost, _ = model.cost(x, y, carried)
    U = model.core.cell.U
    gradient = ss.function([x, y], ss.grad(cost, U))(tokens[3:6], tokens[4:7])
    measure, whole = ss.function([x, y], cost), U.get_value()
    for place in ((0, 0), (3, 10), (5, 23)):
        values = []
        for sign in (1, -1):
            moved = whole.copy()
            moved[place] += sign * 1e-6
            U.set_value(moved)
            values.append(float(measure(tokens[3:6], tokens[4:7])))
        U.set_value(whole)
        expected = (values[0] - values[1]) / 2e-6
        assert gradient[place] == pytest.approx(expected, abs=1e-8)


def test_one_hot_is_an_embedding_by_the_identity():
    rng = np.random.default_rng(0)
    cell = models.GRU(V, H, rng=rng)
    plain = CharacterModel(V, cell, rng=rng)
    hot = CharacterModel(V, cell, rng=rng, embedding=OneHot(V))
    hot.readout = plain.readout
    plain.embedding.W.set_value(np.eye(V))
    f = ss.function([x], [plain(x)[0], hot(x)[0]])
    a, b = f(text(4, 2))
    np.testing.assert_allclose(a, b, atol=1e-12)
    assert "embedding.W" not in hot.parameters()


def sampler(model, carried, steps, seed, temperature=1.0, target="numpy"):
    drawn = model.sample(
        first, carried.state, steps=steps, streams=RandomStreams(seed),
        temperature=temperature,
    )  # fmt: skip
    updates = carried.updates(drawn.carried)
    return ss.function([first], drawn.tokens, updates=updates, target=target)


@pytest.mark.parametrize("kind", CELLS)
def test_a_sample_depends_on_its_seed_alone(kind):
    model, begin = model_of(kind), np.array([1, 2], "int32")
    drawn = []
    for seed, target in ((0, "numpy"), (0, "reference"), (1, "numpy")):
        draw = sampler(model, Carried(model, 2), 20, seed, target=target)
        drawn.append(draw(begin))
    same, by_reference, other = drawn
    np.testing.assert_array_equal(same, by_reference)
    assert same.shape == (20, 2) and same.dtype == "int32"
    assert same.min() >= 0 and same.max() < V
    assert (same != other).any()


@pytest.mark.parametrize("kind", [kind for kind in CELLS if kind != "lstmn"])
def test_a_cold_sample_is_the_likeliest_and_goes_on(kind):
    """At a temperature near 0: argmax, fed back, in one piece or in several."""
    model = model_of(kind)
    carried = Carried(model, 1)
    read = reader(model, carried)
    token, expected = np.array([[3]], "int32"), []
    for _ in range(9):
        token = read(token).argmax(-1).astype("int32")
        expected.append(int(token[0, 0]))
    carried.reset(1)
    draw = sampler(model, carried, 3, 0, temperature=1e-9)
    got, last = [], np.array([3], "int32")
    for _ in range(3):
        part = draw(last)
        got += part[:, 0].tolist()
        last = part[-1]
    assert got == expected


def test_samples_follow_the_softmax():
    model, count = model_of("rnn"), 20_000
    begin = np.full(count, 4, "int32")
    draw = sampler(model, Carried(model, count), 1, 5, temperature=2.0)
    shares = np.bincount(draw(begin)[0], minlength=V) / count
    carried = Carried(model, 1)
    z = reader(model, carried)(begin[None, :1])[0, 0] / 2.0
    expected = np.exp(z) / np.exp(z).sum()
    deviation = np.sqrt(expected * (1 - expected) / count)
    assert (np.abs(shares - expected) < 5 * deviation).all()


def test_bad_input_is_refused():
    model = model_of("rnn")
    with pytest.raises(UsageError, match="at least 1 text"):
        Carried(model, 0)
    with pytest.raises(UsageError, match="temperature"):
        sampler(model, Carried(model), 3, 0, temperature=0.0)


@pytest.mark.parametrize("budget", [1, 10, 999, 12_345])
def test_a_width_is_the_nearest_to_its_budget(budget):
    def count(width):
        return 4 * width * width + 9 * width + 3

    nearest = min(range(1, 200), key=lambda width: abs(count(width) - budget))
    assert width_for(budget, count) == nearest


def test_training_goes_on_exactly_from_a_checkpoint(tmp_path):
    tokens = text(200, 1)[:, 0]

    def run(epochs, path):
        model = model_of("lstm")
        carried = Carried(model)
        cost, carry = model.cost(x, y, carried)
        updates = optimizers.adam(cost, model.parameters())
        step = ss.function([x, y], cost, updates=updates | carry)
        history = train.fit(
            step, data.TextBatches(tokens, 4, 8), model=model,
            state=train.training_state(model, cost, updates), validate=lambda: 0.0,
            epochs=epochs, before_epoch=lambda k: carried.reset(4), checkpoint=path,
        )  # fmt: skip
        return history.losses

    whole = run(4, None)
    run(2, tmp_path / "saved.safetensors")
    assert run(4, tmp_path / "saved.safetensors") == whole
    assert whole[-1] < whole[0]


def test_held_out_loss_weighs_each_character_alike():
    """A mean over batches of unequal length is that over all characters."""
    model, tokens = model_of("gru"), text(23, 1)[:, 0]
    carried = Carried(model)
    cost, carry = model.cost(x, y, carried)
    measure = ss.function([x, y], cost, updates=carry)
    carried.reset(2)
    batches = data.TextBatches(tokens, 2, 4)
    mean = train.mean_loss(measure, batches.epoch(0), lambda a, b: a.size)
    (whole,) = data.TextBatches(tokens, 2, 1000).epoch(0)
    carried.reset(2)
    assert mean == pytest.approx(float(measure(*whole)), abs=1e-12)
    logits, _ = model(x)
    alone = ss.function([x, y], losses.sequence_cross_entropy(logits, y))
    assert mean == pytest.approx(float(alone(*whole)), abs=1e-12)


# Matrix products that read the state, of a step and of its gradient. Of an LSTMN: the
# query, the scores, the gates and the new key.
PRODUCTS = {
    "rnn": (1, 1),
    "gru": (2, 2),
    "lstm": (1, 1),
    "mlstm": (2, 2),
    "lstmn": (4, 3),
}


@pytest.mark.parametrize("kind", PRODUCTS)
def test_a_training_step_has_the_products_of_its_state_in_its_loops(kind):
    model = model_of(kind)
    cost, carry = model.cost(x, y, Carried(model))
    gradients = ss.grad(cost, list(model.parameters().values()))
    graph = passes_of([cost, *gradients, *carry.values()], "numpy")[-1][1]
    found = tuple(
        sum(inner.op.name == "dot" for inner in node.op.body.nodes)
        for node in sort_nodes(graph)
        if isinstance(node.op, Scan)
    )
    assert found == PRODUCTS[kind]
