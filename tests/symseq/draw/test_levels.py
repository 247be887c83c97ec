"""Levels of detail, limits, stressed paths, gradients, functions, models, names."""

import re
import sys
import xml.etree.ElementTree as ET
from xml.etree import ElementTree

import numpy as np
import pytest
from overlaps import faults

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.draw import render
from symseq.draw.build import build
from symseq.draw.levels import at_level
from symseq.draw.style import BACK
from symseq.errors import TargetError, UsageError
from symseq.traverse import leaves

STEPS, B, D = ss.dims("T B", D=3)
ODD = '"it\'s" <script>&amp;\n日本語の名前'
LONG = "long" * 50
TYPE = re.compile(r"(float|int|bool)\d*(\[[^\]]+\])?")


def leaf(name, *shape, dtype="float32"):
    return T.TensorType(dtype, shape)(name)


def parameter(name, *shape):
    sizes = [length if isinstance(length, int) else length.size for length in shape]
    return ss.shared(np.full(sizes, 0.1, "float32"), name, shape=shape)


def rnn():
    """A loop whose state reads two steps back. Returns h, x, U."""
    x, U = leaf("x", STEPS, B, D), parameter("U", D, D)
    first = {"initial": leaf("h0", 2, B, D), "taps": [-2, -1]}
    step = lambda x, far, near: T.tanh(x + near @ U - far)  # noqa: E731
    h, _ = ss.scan(step, x, first, name="rnn")
    return h, x, U


def trained():
    """A cost of two groups, its inputs and its gradient."""
    h, _, U = rnn()
    with ss.group("head"):
        V = parameter("V", D)
        y = T.nnet.sigmoid(h[-1] @ V) * 2 - 1
    cost = (y**2).sum()
    cost.name = "cost"
    inputs = [v for v in leaves([cost]) if v.name in ("x", "h0")]
    return cost, inputs, dict(zip([U, V], ss.grad(cost, [U, V]), strict=True))


def step():
    cost, inputs, grads = trained()
    updates = [(w, w - 0.1 * g) for w, g in grads.items()]
    return ss.function(inputs, cost, updates=updates, name="step")


def kinds(scene):
    found = {}
    for node in scene.nodes:
        found.setdefault(node.kind, []).append(node.label)
    return found


def edges(dot):
    """(from, to, label or tooltip) of the edges that are seen."""
    found = re.findall(r"^\s*(\S+) -> (\S+) \[(.*)\]$", dot, re.M)
    return [(a, b, look) for a, b, look in found if "invis" not in look]


# --- What is drawn -----------------------------------------------------------------


def test_every_edge_says_dtype_and_named_lengths():
    cost, _, grads = trained()
    for _, _, look in edges(ss.draw([cost, *grads.values()]).dot):
        label = re.search(r'label="([^"]*)"', look)[1]
        assert "style=dashed" in look or TYPE.search(label), look
    assert '" float32[T, B, D] "' in ss.draw(cost).dot


def test_carried_states_are_dashed_and_say_their_taps():
    dashed = [look for _, _, look in edges(ss.draw(rnn()[0]).dot) if "dashed" in look]
    labels = sorted(re.search(r'label="([^"]*)"', look)[1] for look in dashed)
    assert labels == [" t−1 ", " t−2 "]


def test_the_gradient_has_its_colour_and_its_loop_runs_backwards():
    cost, _, grads = trained()
    dot = ss.draw(list(grads.values())).dot
    assert 'label="rnn × T"' in dot
    assert re.search(r'label="rnn_gradient × T\\nbackwards: t = T − 1 … 0"', dot)
    assert re.search(r'label=" t\+1 "[^\n]*style=dashed|label="[^"]*\[t\+1\]"', dot)
    assert f'color="{BACK}"' in dot and "legend_gradient" in dot
    assert BACK not in ss.draw(cost).dot


def test_a_function_has_updates_and_two_graphs():
    f = step()
    before, after = ss.draw(f).dot, ss.draw(f, rewritten=True).dot
    for dot in (before, after):
        assert {"new U", "new V"} <= set(re.findall(r'label="(new .)"', dot))
        assert "legend_update" in dot
    assert before != after
    with pytest.raises(UsageError, match="compiled function"):
        ss.draw(T.vector("x"), rewritten=True)


def test_a_model_alone_is_the_tree_of_its_modules():
    model = models.Recurrent(models.LSTM(D, 4, rng=np.random.default_rng(0)))
    dot = ss.draw(model).dot
    frames = re.findall(r"subgraph cluster_g\d+ \{\s.* label=(\w+)", dot)
    assert frames == ["Recurrent", "cell"]
    assert 'label="U\\nfloat32[4, 16]"' in dot
    assert "3 parameters, 128 numbers" in dot
    x = leaf("x", STEPS, B, D)
    assert "recurrent × T" in ss.draw(model, inputs=[x]).dot
    assert ss.draw(model, inputs=x, style="cell").dot.count("σ") >= 3
    with pytest.raises(UsageError, match="only a model"):
        ss.draw(x, inputs=[x])
    with pytest.raises(UsageError, match="highlight needs a graph"):
        ss.draw(model, highlight=[x])
    with pytest.raises(UsageError, match="can be shown"):
        ss.draw(3)


def test_many_parameters_stand_in_rows():
    rng, width = np.random.default_rng(0), 2
    cell = models.cells.Stacked([models.GRU(width, width, rng=rng) for _ in range(5)])
    assert not faults(ss.draw(cell).dot)


def test_a_notebook_is_given_the_image():
    picture = ss.draw(rnn()[0])
    bundle = picture._repr_mimebundle_(include=None, exclude=None)
    assert bundle["image/svg+xml"] == picture._repr_svg_()
    assert "Picture" in bundle["text/plain"]


# --- How much of it ----------------------------------------------------------------


def test_ops_draws_a_run_of_elementwise_ops_as_its_formula():
    a, b = leaf("a", B), leaf("b", B)
    s = a * b
    s.name = "s"
    scene = at_level(build([T.tanh(s) - 2 * (s + 1)]), "ops")
    assert kinds(scene)["fused"] == ["s = a × b\ntanh(s) − 2 × (s + 1)"]
    assert len(scene.nodes) == 4


def test_a_formula_names_what_has_none_by_a_letter_that_the_edge_says():
    x, W = leaf("x", B, D), parameter("W", D, D)
    scene = at_level(build([T.tanh(x @ W) + 1]), "ops")
    assert kinds(scene)["fused"] == ["tanh(a) + 1"]
    assert "a: float32[B, D]" in [edge.label for edge in scene.edges]


def test_a_formula_says_what_a_loop_made_by_its_name():
    h, _, _ = rnn()
    h.name = "h"
    (label,) = kinds(at_level(build([T.exp(h) + 1]), "ops"))["fused"][-1:]
    assert label == "exp(h) + 1"


def test_layers_closes_groups():
    cost, _, grads = trained()
    scene = at_level(build([cost, *grads.values()]), "layers")
    assert kinds(scene)["group"] == ["head", "gradient of head"]
    assert [node.label for node in scene.nodes if node.gradient and node.kind != "op"]


def test_long_formulas_break_outside_brackets():
    m, a, b = leaf("mask_of_a_long_name", B), leaf("a" * 9, B, D), leaf("b", B, D)
    scene = at_level(build([m[:, None] * a + (1 - m[:, None]) * b]), "ops")
    (label,) = kinds(scene)["fused"]
    assert "\n" in label
    for line in label.split("\n"):
        assert line.count("[") == line.count("]")
        assert line.count("(") == line.count(")")


def test_what_only_computes_lengths_is_left_out():
    x = leaf("x", None, None)
    zeros = T.zeros((x.shape[0] + 1, x.shape[1]))
    scene = build([T.set_subtensor(zeros[1:], x), x.reshape((-1, x.shape[0] // 2))])
    assert "shape" in {node.label for node in scene.nodes}
    shown = at_level(scene, "ops")
    assert {n.label for n in shown.nodes} == {
        "x", "0", "set([1:], ·)", "reshape", "output 0", "output 1",
    }  # fmt: skip
    assert [n.kind for n in shown.nodes if n.label == "0"] == ["constant"]


def test_lengths_that_are_values_stay():
    x = leaf("x", None, D)
    mean = x.sum(axis=0) / x.shape[0]
    assert "shape" in {node.label for node in at_level(build([mean]), "ops").nodes}
    length = at_level(build([x.shape[0] * 2]), "ops")
    assert {"shape", "output"} <= {node.label for node in length.nodes}


def test_a_level_that_there_is_not():
    with pytest.raises(UsageError, match="layers; got 'most'"):
        ss.draw(leaf("x"), detail="most")


def deep(count, grouped):
    """So many applications, written by one line; in groups of ten, or in none."""
    x = y = leaf("x", B, D)
    for k in range(count // 10):
        for _ in range(10):
            if grouped:
                with ss.group(f"layer {k}"):
                    y = T.tanh(y[::-1])[::-1] + x
            else:
                y = T.tanh(y[::-1])[::-1] + x
    return y


@pytest.mark.parametrize("grouped", [True, False])
def test_too_many_nodes_are_hidden_and_counted(grouped):
    y = deep(60, grouped)
    scene = build([y])
    whole = at_level(scene, max_nodes=None)
    assert len(whole.nodes) == len(scene.nodes) and not whole.notes
    small = at_level(scene, max_nodes=30)
    assert 5 <= len(small.nodes) <= 30
    (note,) = small.notes
    assert note.startswith(f"{len(scene.nodes):,} nodes drawn as {len(small.nodes)}")
    assert ("groups" if grouped else "parts by their lines") in note
    hidden = sum(node.hides for node in small.nodes)
    boxes = sum(node.hides > 0 for node in small.nodes)
    assert hidden + len(small.nodes) - boxes == len(scene.nodes)
    assert note in ss.draw(y, max_nodes=30).dot


def test_groups_of_one_size_close_together():
    scene = at_level(build([deep(200, True)]), max_nodes=400)
    assert not scene.frames


@pytest.mark.parametrize("detail", ["full", "ops"])
def test_what_one_line_wrote_is_a_few_boxes_and_one_of_parameters(detail):
    weights = [ss.shared(np.eye(3), name=f"W{k}") for k in range(30)]
    y = leaf("x", B, D)
    for k in range(600):
        y = T.tanh(T.dot(y, weights[k % 30]) + y)
    scene = at_level(build([y]), detail, max_nodes=100)
    boxes = [node for node in scene.nodes if node.hides]
    assert [node.label for node in scene.nodes if not node.hides] == ["x", "output"]
    assert len(boxes) == 21 and len(scene.edges) < 80
    assert "W0 … W29\n30 variables that the parts read" in [b.label for b in boxes]


def test_comparisons_and_choices_close_too():
    a, b = leaf("a", B), leaf("b", B)
    with ss.group("choice"):
        y = T.switch(a > b, a, b) + T.switch(T.eq(a, b), a, 0)
    both = at_level(build([y * (a > b), y * T.eq(a, b)]), "layers")
    assert kinds(both)["group"] == ["choice"]


def test_loops_close_before_lines():
    h, _, _ = rnn()
    scene = at_level(build([h]), max_nodes=5)
    assert kinds(scene)["loop"] == ["rnn × T"]


def calls_to_draw(count):
    y, calls = deep(count, True), 0

    def seen(frame, event, arg):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(seen)
    try:
        ss.draw(y)
    finally:
        sys.setprofile(None)
    return calls


def test_the_work_of_a_picture_grows_with_its_graph():
    """10,000 nodes are drawn in two seconds; no pass over them is quadratic."""
    small, large = calls_to_draw(150), calls_to_draw(450)
    assert large < 3.5 * small
    assert large < 450 * 4 * 200


# --- One path ----------------------------------------------------------------------


def test_a_path_is_stressed():
    x, z = leaf("x", B), leaf("z", B)
    a = T.exp(x)
    y = a * T.sin(z)
    y.name = "y"
    dot = ss.draw(y, highlight=[x, y], legend=False).dot
    strong = re.findall(r"^\s*(\w+) \[label=(\S+).*penwidth=2.4", dot, re.M)
    assert {label for _, label in strong} == {"x", "exp", '"y', "y"}
    assert len([1 for _, _, look in edges(dot) if "penwidth=2.4" in look]) == 3
    with pytest.raises(UsageError, match="leads from z to exp"):
        ss.draw(y, highlight=[z, a])
    with pytest.raises(UsageError, match="not in the picture"):
        ss.draw(y, highlight=[leaf("other"), y])


def test_a_path_survives_closing():
    cost, (x, *_), _ = trained()
    dot = ss.draw(cost, highlight=[x, cost], detail="layers", max_nodes=4).dot
    assert "penwidth=2.4" in dot


# --- Names, files ------------------------------------------------------------------


def odd():
    x, W = leaf(ODD, B, D), parameter(LONG, D, D)
    with ss.group(f"<g> {ODD}"):
        y = T.tanh(x @ W)
    y.name = f"y {ODD}"
    h, _ = ss.scan(lambda s: T.tanh(s * y), None, y, n_steps=3, name=ODD)
    return h


def test_odd_names_are_whole_in_dot_and_svg():
    for detail in ("full", "ops", "layers"):
        picture = ss.draw(odd(), detail=detail)
        root = ET.fromstring(picture.svg)
        texts = {e.text for e in root.iter("{http://www.w3.org/2000/svg}text")}
        shown = ODD.replace("\n", "⏎")
        assert shown in texts
        assert "script" not in {e.tag.rpartition("}")[2] for e in root.iter()}
        if detail == "full":
            assert any(re.fullmatch(r"(long)+…(g|ng|ong|(long))+", t) for t in texts)
    assert not faults(picture.dot)


def test_svg_is_made_without_dot(monkeypatch):
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    root = ET.fromstring(ss.draw(odd()).svg)
    assert ODD.replace("\n", "⏎") in {e.text for e in root.iter()}


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_images_by_dot_or_a_word_on_what_they_need(tmp_path, form):
    path = tmp_path / f"x.{form}"
    if render.shutil.which("dot"):
        ss.draw(rnn()[0], path)
        start = path.read_bytes()[:5]
        assert start == {"png": b"\x89PNG\r", "pdf": b"%PDF-"}[form]
    else:
        with pytest.raises(TargetError, match=f"{form} needs Graphviz's program 'dot'"):
            ss.draw(rnn()[0], path)


def test_texts_of_edges_lie_over_all_lines():
    svg = ss.draw(rnn()[0]).svg
    last_line = max(svg.rindex("<path"), svg.rindex("<polygon"))
    for text in (" float32[T, B, D] ", " t−2 ", "rnn × T"):
        assert svg.rindex(text) > last_line
    assert svg.count("<text") == render.render(ss.draw(rnn()[0]).dot, "svg").count(
        b"<text"
    )


def test_a_group_named_with_control_characters_is_xml():
    with ss.group("\x00a\x1b"):
        y = T.vector("x") + 1
    root = ElementTree.fromstring(ss.draw(y, detail="layers")._repr_svg_())
    assert any("a" in (text.text or "") for text in root.iter() if text.text)
