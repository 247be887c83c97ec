"""Pages of graphs: whole, escaped, alone, small; what they say of a graph is so."""

import base64
import hashlib
import re
from collections import Counter

import numpy as np
import pytest
from pages import VALUES, explored, training

import symseq as ss
import symseq.tensor as T
from symseq.draw.build import build
from symseq.errors import MissingInputError, TargetError, UsageError
from symseq.explore import book, drawings
from symseq.explore.divide import ENDS, MOST, divide

NAMES = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "a \"quoted\" 'name' & more",
    "two\nlines",
    "日本語の名前",
    "]]>--><!--",
    "{{head}}",
    "x" * 200,
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    f = training(profile=True)
    f(**VALUES)
    f.measured = f.profile.inside  # the test below compares
    found = explored(tmp_path_factory.mktemp("page"), f, values=VALUES)
    found.function = f
    return found


# --- The file ----------------------------------------------------------------------


def test_the_file_is_written_whole_and_alone(tmp_path):
    path = ss.explore(T.tanh(T.vector("x")), str(tmp_path / "a.html"))
    assert path == tmp_path / "a.html"
    assert [file.name for file in tmp_path.iterdir()] == ["a.html"]
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and text.endswith("</html>\n")


def test_a_page_fetches_nothing_and_runs_no_script_but_its_own(page):
    assert not [a for _, a in page.tags.tags if {"src", "href", "onclick"} & a.keys()]
    # The only address is the name of the language of drawings.
    assert set(re.findall(r"https?:[^\s\"']*", page.text)) == {
        "http://www.w3.org/2000/svg"
    }
    (policy,) = [a["content"] for t, a in page.tags.tags if "http-equiv" in a]
    (code,) = page.tags.code
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_is_shown_and_never_run(tmp_path, name):
    x = T.vector(name)
    with ss.group(name):
        y = T.tanh(x)
    y.name = name
    f = ss.function([x], y, name=name)
    found = explored(tmp_path, f)
    plain = explored(tmp_path, f, title="plain", file="plain.html")
    assert Counter(found.tags.kinds) == Counter(plain.tags.kinds)
    assert len(found.tags.code) == 1 and "alert" not in "".join(found.tags.code)
    assert found.head["title"] == name
    if len(name) < 100 and "\n" not in name:
        assert name in found.labels()
    else:
        assert any(label.startswith(name[:3]) for label in found.labels())


def test_titles_are_given_or_found(tmp_path):
    y = T.tanh(T.vector("x"))
    y.name = "y"
    assert explored(tmp_path, y).head["title"] == "y"
    assert explored(tmp_path, y, title="mine").head["title"] == "mine"
    assert explored(tmp_path, training()).head["title"] == "train"


def test_what_cannot_be_shown_is_refused(tmp_path):
    x = T.vector("x")
    with pytest.raises(UsageError, match=r"\.html"):
        ss.explore(x, tmp_path / "page.svg")
    with pytest.raises(UsageError, match="nothing that is computed"):
        ss.explore([], tmp_path / "page.html")
    with pytest.raises(UsageError):
        ss.explore("x", tmp_path / "page.html")
    with pytest.raises(MissingInputError, match="input x"):
        ss.explore(T.tanh(x), tmp_path / "page.html", values={})
    assert not list(tmp_path.iterdir())


def test_without_graphviz_nothing_is_written(tmp_path, monkeypatch):
    def none(dot, form):
        raise TargetError("no Graphviz here")

    monkeypatch.setattr(drawings, "render", none)
    with pytest.raises(TargetError, match="no Graphviz"):
        ss.explore(T.tanh(T.vector("x")), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


# --- What a page says --------------------------------------------------------------


def test_a_lone_input_and_a_constant_are_graphs(tmp_path):
    assert len(explored(tmp_path, T.vector("x")).drawing()) == 2  # and as output
    assert "output" in explored(tmp_path, T.zeros((0, 3))).labels()


def test_a_loop_opens_to_its_body_and_says_its_length(page):
    facts = page.facts()
    (loop,) = [k for k, f in facts.items() if f["n"] == "rnn × T"]
    inside = {key for key, fact in facts.items() if fact.get("p") == loop}
    assert len(inside) > 3
    assert loop in page.drawing() and not inside & page.drawing()
    assert {loop, *inside} <= page.drawing(loop)
    assert [f for f in facts.values() if f["k"] == "loop" and f.get("g")]  # backwards


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_loops_of_any_length(tmp_path, steps):
    states, _ = ss.scan(lambda h: T.tanh(h), None, T.ones((2,)), n_steps=steps)
    found = explored(tmp_path, states, values={})
    assert any(f"× {steps}" in label for label in found.labels())
    values = [f["v"] for f in found.facts().values() if "v" in f]
    assert any(f"[{steps}, 2]" in value for value in values)


def test_nodes_say_type_line_value_cost_and_documentation(page):
    facts = page.facts()
    (tanh,) = [f for f in facts.values() if f["n"] == "tanh" and "v" in f and f["p"]
               and facts[f["p"]]["n"] == "encoder"]  # fmt: skip
    assert tanh["t"] == "float32[T, 3]"
    file, line, text = page.head["lines"][tanh["l"][0]]
    assert page.head["files"][file]["name"] == "pages.py"
    assert text == "hidden = T.tanh(T.dot(x, w))"
    rows = dict(page.head["files"][file]["rows"])
    assert rows[line].strip() == text
    assert tanh["v"].startswith("float32[5, 3]  min 0.7115 · mean 0.7115")
    assert "operations" in tanh["c"] and len(tanh["h"]) == 3
    assert "tanh" in page.head["docs"][tanh["d"]]


def test_costs_of_lengths_without_names_are_told_to_be_the_least(tmp_path):
    named = T.TensorType("float32", ss.dims("T B"))("x")
    assert explored(tmp_path, T.tanh(T.matrix("x"))).head["partial"]
    assert not explored(tmp_path, T.tanh(named)).head["partial"]
    given = {"x": np.ones((2, 5))}  # which says the lengths
    assert not explored(tmp_path, T.tanh(T.matrix("x")), values=given).head["partial"]


def test_values_that_are_not_finite_or_empty_are_told(tmp_path):
    x = T.vector("x")
    given = np.array([1, np.nan, np.inf], "float32")
    found = explored(tmp_path, T.exp(x), values=[given])
    said = [fact.get("v", "") for fact in found.facts().values()]
    assert any("1 NaN · 1 infinite" in text for text in said)
    none = explored(tmp_path, T.exp(x), values=[np.zeros(0, "float32")])
    assert any(f.get("v") == "float32[0]" for f in none.facts().values())


def test_the_profile_is_on_the_graph_that_runs(page):
    assert [c.get("timed", False) for c in page.head["chapters"][:2]] == [False, True]
    seconds = sum(f["h"][0] for f in page.facts(1).values() if "h" in f)
    assert 0.5 * page.function.measured < seconds <= 1.001 * page.function.measured


def test_each_line_of_the_program_names_the_users(page):
    rows = page.head["program"]["rows"]
    assert "\n".join(text for text, _ in rows) == page.function.plan.source.rstrip("\n")
    texts = {page.head["lines"][line][2] for _, line in rows if line >= 0}
    assert "hidden = T.tanh(T.dot(x, w))" in texts


def test_each_pass_says_what_it_changed_and_where(page):
    steps = page.head["steps"]
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))
    changed = [step for step in steps if step["gone"][0] or step["new"][0]]
    assert changed
    seen = 0
    for step in changed:
        for chapter, keys in (step["before"], step["after"]):
            if keys:
                assert set(keys) <= page.facts(chapter).keys()
                assert set(keys) <= page.drawing("", chapter)
                seen += 1
    assert seen >= len(changed) // 2
    names = {c["name"] for c in page.head["chapters"]}
    assert {"as written", "rewritten"} <= names


def test_large_graphs_show_what_a_pass_changed_with_its_neighbours(tmp_path):
    x = y = T.vector("x")
    for _ in range(60):
        y = T.exp(T.log(T.exp(y) + 1)) * 1
    found = explored(tmp_path, ss.function([x], y))
    steps = [s for s in found.head["steps"] if s["name"] == "simplify"]
    chapter, keys = next(s["before"] for s in steps if s["gone"][0])
    assert found.head["chapters"][chapter]["name"] == "before simplify"
    assert keys and set(keys) <= found.drawing("", chapter)
    assert found.head["chapters"][chapter]["nodes"] < found.head["chapters"][0]["nodes"]


# --- Large graphs ------------------------------------------------------------------


def chain(length):
    x = y = T.matrix("x")
    for k in range(length // 2):
        y = T.tanh(y)
        y = y + x if k % 2 else T.dot(y, x)
    return y


def test_long_frames_are_divided_into_short_ones_without_loss():
    scene = build([chain(2000)])
    short = divide(scene)
    assert Counter(n.key for n in short.nodes) == Counter(n.key for n in scene.nodes)
    for key, inside in short.inside.items():
        ends = [k for k in inside if short.by_key[k].kind in ENDS]
        assert len(inside) + len(short.parts[key]) - len(ends) <= MOST
        assert key == "" or inside or short.parts[key]


def test_a_short_graph_is_not_divided():
    scene = build([chain(20)])
    assert divide(scene) == scene


def test_an_optimizers_updates_are_told_apart():
    x, updates = T.vector("x"), {}
    for k in range(8):
        w = ss.shared(np.ones(3, "float32"), f"W{k}")
        m = ss.shared(np.zeros(3, "float32"), f"W{k}.mean")
        g = x * (k + 2)
        updates[m] = 0.9 * m + 0.1 * g * g
        updates[w] = w - 0.1 * g / (T.sqrt(updates[m]) + 1e-8)
    scene = divide(build([x.sum()], updates))
    labels = [f.label.split("\n")[0] for f in scene.frames.values()]
    assert "updates of W0, W1, W2 + 5 more" in labels
    assert {f"update of W{k}" for k in range(8)} <= set(labels)


def test_every_frame_of_a_large_graph_is_drawn_around_what_it_is_open_at(tmp_path):
    found = explored(tmp_path, chain(600))
    chapter, facts = found.head["chapters"][0], found.facts()
    assert not chapter["missing"]
    for key in (k for k, fact in facts.items() if fact.get("f")):
        inside = {k for k, fact in facts.items() if fact.get("p", "") == key}
        assert inside <= found.drawing(key)
    assert "*" not in chapter["drawings"]  # too many nodes for one drawing


def test_a_full_page_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "MOST_DRAWN", 200)
    found = explored(tmp_path, chain(400))
    assert found.head["chapters"][0]["missing"] > 0
    assert "" in found.head["chapters"][0]["drawings"]


def test_ten_thousand_nodes_take_less_than_five_megabytes(tmp_path, monkeypatch):
    """By one in ten of the drawings, since each takes Graphviz a while."""
    asked = []

    def some(scenes):
        asked.extend(scenes)
        found = [drawings.drawing(scene) for scene in scenes[::10]]
        return [found[k // 10] | {"n": k} for k in range(len(scenes))]

    monkeypatch.setattr(drawings, "draw_all", some)
    found = explored(tmp_path, chain(10_000))
    assert found.head["chapters"][0]["nodes"] > 10_000
    assert max(len(scene.nodes) for scene in asked) < 160
    assert found.path.stat().st_size < 5e6
