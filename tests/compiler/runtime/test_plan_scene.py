"""Pictures of plans: numbered steps, loops with what they carry, memory written."""

import re

import numpy as np
import pytest
from scan_cases import LOOPS

import symseq as ss
import symseq.tensor as T
from symseq.draw.levels import at_level
from symseq.errors import UsageError
from symseq.traverse import leaves

STEPS, B, D = ss.dims("T B", D=3)


def leaf(name, *shape):
    return T.TensorType("float32", shape)(name)


def trained(target="numpy"):
    x, h0 = leaf("x", STEPS, B, D), leaf("h0", B, D)
    U = ss.shared(np.eye(3, dtype="float32"), "U")
    h, _ = ss.scan(lambda x, h: T.tanh(x + h @ U), x, h0, name="rnn")
    cost = (h[-1] ** 2).sum()
    cost.name = "cost"
    step = [(U, U - 0.1 * ss.grad(cost, U))]
    return ss.function([x, h0], cost, updates=step, target=target)


def labels(scene, kind):
    return [node.label for node in scene.nodes if node.kind == kind]


def test_steps_are_numbered_in_the_order_of_the_source():
    f = trained()
    scene = f.plan.scene()
    steps = labels(scene, "step")
    assert [int(label.split(".")[0]) for label in steps] == [*range(1, len(steps) + 1)]
    run = f.plan.source[f.plan.source.index("def run") :]
    named = [re.match(r"\d+\.  (\w+) = ", label)[1] for label in steps]
    places = [re.search(rf"[(, ]{name}[),]", run).start() for name in named[1:4]]
    assert places == sorted(places)


def test_a_loop_carries_rows_and_memory():
    scene = trained().plan.scene()
    forward, backward = scene.frames.values()
    assert forward.label == "rnn × T" and not forward.gradient
    assert backward.gradient and backward.backwards and "backwards" in backward.label
    ends = {(e.source, e.target): e.label for e in scene.edges if e.role == "carried"}
    assert list(ends.values()) == ["t−1", "t−1"]
    for source, target in ends:
        assert scene.by_key[source].row == "bottom"
        assert scene.by_key[target].row == "top"
        assert any(e.target == source and e.role == "data" for e in scene.edges)


def test_every_edge_has_a_type_and_known_ends():
    scene = trained().plan.scene()
    for edge in scene.edges:
        assert {edge.source, edge.target} <= set(scene.by_key)
        assert edge.role == "carried" or re.search(r"(float|int)\d+", edge.label)
    assert labels(scene, "update") == ["new U"]
    assert labels(scene, "output") == ["cost"]
    assert any(label.endswith("(in place)") for label in labels(scene, "step"))


def test_several_steps_in_one_nest():
    pytest.importorskip("numba")
    f = trained("numba")
    assert any("\n" in label for label in labels(f.plan.scene(), "step"))


def test_taps_and_loops_in_loops():
    x, h0 = leaf("x", STEPS, B), leaf("h0", 2, B)

    def outer(row, far, near):
        total, _ = ss.scan(
            lambda e, s: T.tanh(s + e * near.sum()), row, leaf("s0"), name="inner"
        )
        return T.tanh(far + near * total[-1])

    first = {"initial": h0, "taps": [-2, -1]}
    h, _ = ss.scan(outer, x, first, name="outer")
    inputs = [v for v in leaves([h]) if v.name]
    scene = ss.function(inputs, h).plan.scene()
    frames = {frame.label.split("_")[0]: frame for frame in scene.frames.values()}
    assert frames["inner"].parent == frames["outer"].key
    taps = sorted(e.label for e in scene.edges if e.role == "carried")
    assert taps == ["s−1", "t−1", "t−2"]


@pytest.mark.parametrize("loop", LOOPS, ids=str)
def test_every_kind_of_loop_has_edges_with_known_ends(loop):
    inputs = loop.inputs()
    outputs = loop.build(*inputs)
    cost = sum(v.sum() for v in outputs if v.dtype == "float64")
    floats = [v for v in inputs if v.dtype == "float64"]
    if floats and not isinstance(cost, int):
        outputs = [*outputs, *ss.grad(cost, floats, disconnected_inputs="ignore")]
    scene = ss.function(inputs, outputs, on_unused_input="ignore").plan.scene()
    assert len(scene.by_key) == len(scene.nodes)
    for edge in scene.edges:
        assert {edge.source, edge.target} <= scene.by_key.keys()
    for node in scene.nodes:  # what carries a state was made in the loop
        if node.row == "bottom":
            assert any(edge.target == node.key for edge in scene.edges)


def test_a_plan_is_drawn_at_levels():
    plan = trained().plan
    assert "1.  " in ss.draw(plan).dot
    small = at_level(plan.scene(), max_nodes=12)
    assert len(small.nodes) <= 12 and small.notes
    with pytest.raises(UsageError, match="highlight needs a graph; got Plan"):
        ss.draw(plan, highlight=[leaf("x")])
    with pytest.raises(UsageError, match="NoneType"):
        ss.draw(trained("reference").plan)
