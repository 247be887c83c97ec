"""Pictures: their DOT text, their files, their limits."""

import os
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import symseq
from symseq.draw import render
from symseq.draw.picture import draw, fitted, pydotprint
from symseq.errors import TargetError, UsageError
from symseq.graph import SharedVariable, Variable
from symseq.lengths import dims
from symseq.ops.convert import constant
from symseq.ops.math import tanh
from symseq.ops.products import dot
from symseq.scan.frontend import scan
from symseq.types import TensorType

B, T, H = dims("B T", H=4)


def leaf(name, *shape, dtype="float32"):
    return Variable(TensorType(dtype, shape), name=name)


def rnn():
    x, h0 = leaf("x", T, B, H), leaf("h0", B, H)
    u = SharedVariable(TensorType("float32", (H, H)), np.zeros((4, 4), "f"), "U")
    h, _ = scan(lambda x, h: tanh(x + dot(h, u)), [x], [h0], name="rnn")
    return h


KEY = r'"?((?:n|v|out|up|g)\d[\w.]*)"?'


def structure(dot):
    """Nodes and edges of a DOT text without looks: 'n1 x', 'n1 → n3 float32[T]'."""
    found = []
    for line in dot.splitlines():
        named = re.match(rf'\s+{KEY} \[label=(?:"([^"]*)"|(\S+)) ', line)
        edge = re.match(rf'\s+{KEY} -> {KEY} \[label=" ?([^"]*?) ?"', line)
        if named:
            found.append(f"{named[1]} {named[2] or named[3]}")
        if edge:
            found.append(f"{edge[1]} → {edge[2]} {edge[3]}")
    return found


def test_dot_text_of_a_small_graph():
    x = leaf("x", T, B)
    x._span = y_span = symseq.span.Span("model.py", 1, "x = T.matrix('x')")
    with symseq.span.deriving((y_span,), ""):
        y = tanh(x) * 0.5
    y.name = "y"
    golden = os.path.join(os.path.dirname(__file__), "tanh.dot")
    with open(golden, encoding="utf-8") as file:
        assert draw(y).dot == file.read()


def test_equal_graphs_give_equal_text():
    strip = re.compile(r'tooltip="[^"]*"')
    assert strip.sub("", draw(rnn()).dot) == strip.sub("", draw(rnn()).dot)


def test_a_loop_is_a_frame_with_ports():
    dot = draw(rnn(), legend=False).dot
    assert 'label="rnn × T"' in dot
    assert {line.split(" ", 1)[1] for line in structure(dot) if "→" not in line} == {
        "x", "h0", "U", "x[t]", "h[t-1]", "+", "dot", "tanh", "h[t]", "output",
    }  # fmt: skip
    assert re.search(r'label=" t−1 ".*style=dashed', dot)
    for shape in ("[T, B, H]", "[B, H]", "[H, H]"):
        assert f'" float32{shape} "' in dot


def test_nested_frames():
    grid, start = leaf("grid", T, T), leaf("start")

    def row(values, total):
        inner, _ = scan(lambda v, s: tanh(v + s), [values], [start], name="inner")
        return total + inner[-1]

    dot = draw(scan(row, [grid], [start], name="outer")[0]).dot
    inner, outer = dot.index('label="inner × T"'), dot.index('label="outer × T"')
    assert "subgraph" in dot[outer:inner]
    assert "grid[t][s]" in dot


def test_no_result_is_called_as_a_sequence():
    y, s0 = leaf("y", T, B, H), leaf("s0", B, H)

    def step(y_t, s):
        return s + y_t, y_t * s

    def named(y_t, s):
        weights = y_t * s
        return s + y_t, weights

    for body, name in ((step, "out"), (named, "weights")):
        outputs, _ = scan(body, [y], [s0, None])
        labels = set(re.findall(r'label="?(\w+)\[t\]', draw(outputs).dot))
        assert labels == {"y", "s", name}


def test_rows_of_rows_in_a_gradient_are_told_apart():
    """A loop in a loop keeps its states: its gradient reads them, and those before."""
    grid, start = leaf("grid", T, T, H), leaf("h0", H)
    u = SharedVariable(TensorType("float32", (H, H)), np.zeros((4, 4), "f"), "U")

    def row(values, state):
        inner, _ = scan(lambda v, s: tanh(v + dot(s, u)), [values], [state])
        return inner[-1]

    outer, _ = scan(row, [grid], [start])
    text = draw(symseq.grad(outer[-1].sum(), u)).dot
    rows = re.findall(r'label="([^" ]+)\[s\]"', text)
    assert {"y[t][:-1]", "y[t][1:]"} <= set(rows)


def test_scalar_constants_are_written_in_place():
    assert structure(draw(1 - leaf("x", T)).dot) == [
        "n1 1 − ·",
        "v0 x",
        "out0 output",
        "v0 → n1 float32[T]",
        "n1 → out0 float32[T]",
    ]


@pytest.mark.parametrize("what", [leaf("x", T), constant(2.0), constant([1.0, 2.0])])
def test_graph_without_nodes(what):
    assert len(re.findall("->", draw(what, legend=False).dot)) == 1
    ET.fromstring(draw(what).svg)


@pytest.mark.parametrize("style", ["graph", "arrays"])
def test_nothing_to_draw(style):
    with pytest.raises(UsageError, match="nothing to draw"):
        draw([], style=style)


def test_unknown_option_says_which_there_are():
    with pytest.raises(UsageError, match="'graph' takes no 'detial'") as caught:
        draw(leaf("x"), detial="ops")
    assert caught.value.hint == "did you mean 'detail'?"
    with pytest.raises(UsageError, match="'cell' takes no 'rewritten'") as caught:
        draw(leaf("x"), style="cell", rewritten=True)
    assert caught.value.hint == "it takes no options"


def test_values_that_an_option_does_not_take():
    with pytest.raises(UsageError, match="highlight takes variables; got 'x'"):
        draw(rnn(), highlight="x")
    with pytest.raises(UsageError, match="max_nodes is at least 1, or None; got 0"):
        draw(rnn(), max_nodes=0)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        draw(leaf("x"), tmp_path / "nowhere" / "x.svg")


def test_names_are_quoted():
    x = leaf('<b>"x"\\n & é</b>', T)
    assert "&lt;b&gt;" in draw(x + 1).svg


def test_svg_is_whole_and_has_every_name(tmp_path):
    path = tmp_path / "rnn.svg"
    picture = draw(rnn(), path)
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    texts = {element.text for element in root.iter() if element.text}
    assert {"x", "h0", "U", "h[t-1]", "h[t]", "dot", "tanh", "rnn × T"} <= texts
    assert picture._repr_svg_() == picture.svg
    assert os.listdir(tmp_path) == ["rnn.svg"]


def test_failed_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.dot"
    path.write_text("old")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        draw(leaf("x"), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.dot"]


def test_dot_file_needs_no_graphviz(tmp_path):
    assert draw(leaf("x"), tmp_path / "x.dot").dot == (tmp_path / "x.dot").read_text()


@pytest.mark.parametrize("name", ["x.jpg", "x"])
def test_unknown_ending(tmp_path, name):
    with pytest.raises(UsageError, match=re.escape(name)):
        draw(leaf("x"), tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_bitmap_without_dot_says_what_to_do(tmp_path, monkeypatch, form):
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    with pytest.raises(TargetError, match=r"save as \.svg"):
        draw(leaf("x"), tmp_path / f"x.{form}")
    assert os.listdir(tmp_path) == []


def test_missing_graphviz_names_the_extra(monkeypatch):
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TargetError, match=re.escape("symseq[examples]")):
        _ = draw(leaf("x")).svg


def test_two_thousand_nodes():
    a = y = leaf("a", T)
    for step in range(2000):
        y = tanh(y) if step % 2 else y + a
    assert len(ET.fromstring(draw(y).svg)) > 0


def test_too_large_for_webassembly_is_an_error(monkeypatch):
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    with pytest.raises(TargetError, match="cannot lay out"):
        render.render("digraph {", "svg")
    assert b"<svg" in render.render("digraph { a -> b }", "svg")


def test_theano_name(tmp_path):
    pydotprint(leaf("x") + 1, outfile=tmp_path / "x.svg", var_with_name_simple=True)
    assert "x" in (tmp_path / "x.svg").read_text(encoding="utf-8")


def test_gradient_style_graph_has_no_loose_nodes():
    x = leaf("x", T)
    y = x * constant(1, "int8").astype("float32")
    assert len(structure(draw(y, legend=False).dot)) == 5
    names = structure(draw([rnn()[0], rnn()[-1]], legend=False).dot)
    drawn = {line.split(" ")[0] for line in names if "→" not in line}
    ends = {end for line in names if "→" in line for end in line.split(" ")[:3:2]}
    assert drawn == ends


def test_a_wide_picture_fits_in_a_notebook() -> None:
    wide = '<?xml?>\n<svg width="1380pt" height="100pt" viewBox="0 0 1380 100">'
    narrow = '<svg width="69pt" height="100pt" viewBox="0 0 69 100">'
    assert fitted(wide) == wide.replace("1380pt", "690pt").replace("100pt", "50pt")
    assert (fitted(narrow), fitted("<svg>")) == (narrow, "<svg>")
