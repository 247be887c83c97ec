"""A graph as a networkx graph: structure, attributes, and files that keep it."""

import io
import json

import networkx as nx
import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.ifelse import ifelse
from symseq.networks import loop_body, plain
from symseq.types import TensorType

STEPS, B, D, H = (*ss.dims("T B"), *ss.dims(D=3, H=4))
CONTROL = "\x01\r\ud800"
ODD = ['a "b"', "x < y & z", "two\nlines", "状態　h", "n" * 200, "<script>", CONTROL]


def lstm():
    x = TensorType("float32", (STEPS, B, D))("x")
    layer = models.Recurrent(models.LSTM(D, H, rng=np.random.default_rng(0)))
    with ss.group("encoder"):
        return x, layer(x), layer


def nested():
    x = TensorType("float32", (STEPS, B))("x")

    def step(row, h):
        inner, _ = ss.scan(lambda y: y * 2, outputs_info=[h], n_steps=3)
        return inner[-1] + row

    made, _ = ss.scan(step, [x], [T.zeros_like(x[0])], name="outer")
    return x, made


def strange():
    """Every leaf, op and loop has a name that needs escaping."""
    leaves = [T.vector(name) for name in ODD]
    made = leaves[0]
    for v, name in zip(leaves[1:], ODD, strict=False):
        with ss.group(name):
            made = made + v
            made.name = name
    return made


def branches():
    x, c = T.vector("x"), T.scalar("c", dtype="bool")
    return ifelse(c, T.tanh(x), x * 2)


GRAPHS = {
    "lstm": lambda: lstm()[1],
    "gradient": lambda: [T.grad(y.sum(), x) for x, y, _ in [lstm()]],
    "nested": lambda: nested()[1],
    "names": strange,
    "branches": branches,
    "one input": lambda: T.vector("x"),
    "twice": lambda: [x * x for x in [T.vector("x")]] * 2,
}


def same(one: nx.MultiDiGraph, other: nx.MultiDiGraph) -> bool:
    def edges(graph):
        return sorted((*end, json.dumps(d, sort_keys=True)) for *end, d in
                      graph.edges(data=True))  # fmt: skip

    return dict(one.nodes(data=True)) == dict(other.nodes(data=True)) and edges(
        one
    ) == edges(other)


@pytest.mark.parametrize("name", GRAPHS)
def test_files_keep_all(name: str) -> None:
    graph = ss.to_networkx(GRAPHS[name]())
    text = json.dumps(nx.node_link_data(graph, edges="edges"))
    assert same(graph, nx.node_link_graph(json.loads(text), edges="edges"))
    file = io.BytesIO()
    nx.write_graphml(graph, file)
    file.seek(0)
    read = nx.read_graphml(file, force_multigraph=True)
    assert same(graph, read)


@pytest.mark.parametrize("name", GRAPHS)
def test_there_are_cycles_only_over_steps_and_updates(name: str) -> None:
    graph = ss.to_networkx(GRAPHS[name]())
    forward = nx.subgraph_view(
        graph, filter_edge=lambda *e: graph.edges[e]["role"] != "carried"
    )
    assert nx.is_directed_acyclic_graph(forward)


def test_a_loop_is_a_node_and_its_body_is_in_it() -> None:
    _, y, _ = lstm()
    graph = ss.to_networkx(y)
    (loop,) = [n for n, d in graph.nodes(data=True) if d["body"]]
    body = loop_body(graph, loop)
    assert {d["depth"] for _, d in body.nodes(data=True)} == {1}
    kinds = [d["kind"] for _, d in body.nodes(data=True)]
    assert kinds.count("sequence") == 1 and kinds.count("state") == 2
    assert [d["op"] for _, d in body.nodes(data=True)].count("dot") == 2
    carried = [d for *_, d in graph.edges(data=True) if d["role"] == "carried"]
    assert [d["tap"] for d in carried] == [-1, -1]
    assert graph.nodes[loop]["steps"] == graph.nodes[loop]["steps"] == "T"
    enters = [e for e in graph.edges(data="role") if e[2] == "enters"]
    assert len(enters) == 3 + 3  # x, h, c; W, U, b


def test_loops_in_loops_have_depth_and_runs() -> None:
    graph = ss.to_networkx(nested()[1], {"T": 5, "B": 2})
    (product,) = [d for _, d in graph.nodes(data=True) if d["op"] == "mul"]
    assert (product["depth"], product["runs"], product["flops"]) == (2, 15, 2)
    assert product["runs_formula"] == "15"
    (outer,) = [n for n, d in graph.nodes(data=True) if d["label"] == "outer"]
    assert graph.nodes[outer]["flops"] == 5 * (3 * 2 + 2)
    depths = {d["depth"] for _, d in loop_body(graph, outer).nodes(data=True)}
    assert depths == {1, 2}


def test_types_lines_groups_and_costs() -> None:
    _, y, layer = lstm()
    graph = ss.to_networkx(y)
    dots = [d for _, d in graph.nodes(data=True) if d["op"] == "dot"]
    assert {d["type"] for d in dots} == {"float32[B, 4H]"}
    assert {d["shape"] for d in dots} == {"[B, 4H]"}
    assert {d["flops_formula"] for d in dots} == {"8B*D*H", "8B*H*H"}
    assert all("flops" not in d and d["runs_formula"] == "T" for d in dots)
    assert {d["group"] for d in dots} == {"encoder/Recurrent/cell"}
    assert all("layer(x)" in d["text"] and "test_networks" in d["line"] for d in dots)
    shared = {d["label"]: d for _, d in graph.nodes(data=True) if d["kind"] == "shared"}
    assert sum(d["elements"] for d in shared.values()) == layer.count()
    assert {d["group"] for d in shared.values()} == {"encoder/Recurrent/cell"}


def test_the_gradients_nodes_say_so() -> None:
    x, y, _ = lstm()
    graph = ss.to_networkx([y, T.grad(y.sum(), x)])
    gradient = {d["op"] for _, d in graph.nodes(data=True) if d["gradient"]}
    assert "dot" in gradient
    assert not any(d["gradient"] for _, d in ss.to_networkx(y).nodes(data=True))


def test_a_function_shows_its_updates() -> None:
    x, w = T.vector("x"), ss.shared(np.ones(3, "float32"), "w")
    f = ss.function([x], (x * w).sum(), updates={w: w + 1})
    graph = ss.to_networkx(f)
    (edge,) = [e for e in graph.edges(data=True) if e[2]["role"] == "update"]
    assert graph.nodes[edge[1]]["label"] == "w"
    assert graph.nodes[edge[0]]["op"] == "add"


def test_a_variable_read_twice_has_two_edges() -> None:
    x = T.vector("x")
    graph = ss.to_networkx(x * x)
    assert sorted(d["input"] for *_, d in graph.edges(data=True)) == [0, 0, 1]


def test_names_are_kept_but_for_control_characters() -> None:
    labels = {d["label"] for _, d in ss.to_networkx(strange()).nodes(data=True)}
    assert set(ODD[:-1]) <= labels
    assert plain("\x01\r\ud800") == r"\x01\r\ud800" and r"\x01\r\ud800" in labels
