"""What the graph of a model says about it, asked with networkx.

Source: "LSTM Networks for Sentiment Analysis", deeplearning.net tutorial: embedding,
    masked LSTM, mean over time, softmax (`models.SequenceClassifier`).
Expect: that 99 % of the operations are in two products of the LSTM's cell, of which
    only one must wait for the step before; that 91 % of the parameters are in the
    embedding; and the longest path of operations, most of which is the cell's.
    `graph.graphml` opens in Gephi, yEd or Cytoscape.
"""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import networkx as nx
import numpy as np
import typer

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.models import losses, optimizers


def tutorial(vocabulary, dim, seed):
    """The tutorial's classifier: its cost and the gradient of each parameter."""
    B, L = ss.dims("B T")
    V, D, K = ss.dims(V=vocabulary, D=dim, K=2)
    model = models.SequenceClassifier(V, D, K, rng=np.random.default_rng(seed))
    x, mask = T.TensorType("int32", (L, B))("x"), T.TensorType("floatX", (L, B))("mask")
    cost = losses.cross_entropy(model(x, mask), T.TensorType("int32", (B,))("labels"))
    cost.name = "cost"
    return model, cost, optimizers.gradients(cost, model.parameters())


def work(graph):
    """(node, operations in a call) of all operations but loops, the dearest first."""
    found = [
        (name, data["flops"] * data["runs"])
        for name, data in graph.nodes(data=True)
        if data["kind"] == "op" and not data["body"]
    ]
    return sorted(found, key=lambda pair: -pair[1])


def flops_by_group(graph):
    """How many operations each group does itself."""
    total = Counter()
    for name, flops in work(graph):
        total[graph.nodes[name]["group"] or "(no group)"] += flops
    return total


def parameters_by_group(graph):
    """How many numbers each group learns."""
    total = Counter()
    for _, data in graph.nodes(data=True):
        if data["kind"] == "shared" and data["dtype"].startswith("float"):
            total[data["group"]] += data["elements"]
    return total


def longest_path(graph):
    """The operations, one after the other, that no number of processors shortens.

    One step of each loop: what is carried from step to step would be a cycle.
    """
    forward = nx.subgraph_view(
        graph, filter_edge=lambda *edge: graph.edges[edge]["role"] != "carried"
    )
    path = nx.dag_longest_path(nx.DiGraph(forward))
    return [name for name in path if graph.nodes[name]["kind"] == "op"]


def waits_for_the_step_before(graph):
    """The products inside of loops that read a state: they cannot leave the loop."""
    inside = nx.subgraph_view(
        graph, filter_edge=lambda *edge: graph.edges[edge]["role"] == "data"
    )
    late = set()
    for name, data in graph.nodes(data=True):
        if data["kind"] == "state":
            late |= nx.descendants(inside, name)
    products = [n for n, data in graph.nodes(data=True) if data["op"] == "dot"]
    looped = [name for name in products if graph.nodes[name]["loop"]]
    return [n for n in looped if n in late], [n for n in looped if n not in late]


def show(title, counts):
    print(f"\n{title}")
    whole = sum(counts.values()) or 1
    for name, count in sorted(counts.items(), key=lambda pair: -pair[1])[:8]:
        print(f"  {name or '(no group)':40} {count:14,}  {count / whole:6.1%}")


def main(
    vocabulary: int = 10_000,
    dim: int = 128,
    steps: int = 100,
    batch: int = 16,
    target: Annotated[str, typer.Option(help="nothing is compiled")] = "numpy",
    seed: int = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
) -> None:
    """Build the model, hand its graph to networkx, and ask."""
    start = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    model, cost, gradients = tutorial(vocabulary, dim, seed)
    shapes = {"T": steps, "B": batch}
    print(ss.summary(cost, shapes=shapes))
    graph = ss.to_networkx(cost, shapes)
    both = ss.to_networkx([cost, *gradients], shapes)
    nx.write_graphml(both, out / "graph.graphml")
    (out / "graph.json").write_text(json.dumps(nx.node_link_data(both, edges="edges")))
    print(f"\n{len(graph)} nodes; {len(both)} with the gradient: {out}/graph.graphml")
    show("parameters by group", parameters_by_group(graph))
    show("operations by group", flops_by_group(graph))
    print("\nthe dearest operations")
    for name, flops in work(graph)[:4]:
        data = graph.nodes[name]
        print(f"  {data['op']:8} {data['type']:20} {flops:14,}  {data['line']}")
    late, free = waits_for_the_step_before(graph)
    print(f"\n{len(late)} of {len(late) + len(free)} products of the loop wait for h")
    path = [graph.nodes[n]["label"].partition("[")[0] for n in longest_path(graph)]
    print(f"\nthe longest path: {len(path)} operations\n  {' → '.join(path)}")
    flops = [count for _, count in work(graph)]
    result = {
        "nodes": len(graph), "nodes_with_gradient": len(both), "flops": sum(flops),
        "two_products": sum(flops[:2]) / sum(flops), "parameters": model.count(),
        "embedding_share": max(parameters_by_group(graph).values()) / model.count(),
        "longest_path": len(path), "seconds": time.perf_counter() - start,
    }  # fmt: skip
    print("\n" + "\n".join(f"{name:20} {value:.4g}" for name, value in result.items()))
    if json_file is not None:
        settings = {"vocabulary": vocabulary, "dim": dim, "steps": steps}
        settings |= {"batch": batch, "target": target, "seed": seed}
        json_file.write_text(json.dumps(result | {"settings": settings}, indent=1))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
