"""How compile time grows with a graph: 10,000 nodes beside 1,000, by part.

    python benchmarks/compile_growth.py [--nodes 1000,10000] [--target NAME] [--profile]

The graph is a chain of layers y ← tanh(y w + b) and its gradient, so that every value
lives from the forward to the backward half. The seconds of the larger graph over those
of the smaller one stay under 14 where compiling is near-linear.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import pstats
import sys
from collections import defaultdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.graph import Variable
from symseq.traverse import sort_nodes

ROOT = Path(ss.__file__).parent.parent


def chain(layers: int) -> tuple[list[Variable], list[Variable]]:
    """Inputs and outputs of a chain of layers and its gradient."""
    x, w, b = T.dmatrix("x"), T.dvector("w"), T.dvector("b")
    y = x
    for _ in range(layers):
        y = T.tanh(y * w + b)
    cost = (y * y).sum()
    return [x, w, b], [cost, *ss.grad(cost, [x, w, b])]


def layers_for(nodes: int) -> int:
    """How many layers make about so many nodes."""
    few, many = (len(sort_nodes(chain(n)[1])) for n in (10, 20))
    per_layer = (many - few) / 10
    return max(1, round((nodes - few) / per_layer) + 10)


def measure(nodes: int, target: str) -> dict[str, float]:
    """Seconds to build, to compile and of the first call; and the true node count."""
    layers = layers_for(nodes)
    gc.collect()
    began = perf_counter()
    inputs, outputs = chain(layers)
    built = perf_counter()
    run = ss.function(inputs, outputs, target=target)
    compiled = perf_counter()
    run(np.ones((4, 3)), np.full(3, 0.5), np.zeros(3))
    called = perf_counter()
    return {
        "nodes": len(sort_nodes(outputs)),
        "build": built - began,
        "compile": compiled - built,
        "first call": called - compiled,
    }


def profile(nodes: int, target: str) -> list[tuple[str, float]]:
    """Seconds of compiling and the first call by module, the largest first."""
    inputs, outputs = chain(layers_for(nodes))
    watch = cProfile.Profile()
    watch.enable()
    run = ss.function(inputs, outputs, target=target)
    run(np.ones((4, 3)), np.full(3, 0.5), np.zeros(3))
    watch.disable()
    seconds: defaultdict[str, float] = defaultdict(float)
    stats: Any = pstats.Stats(watch)
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():
        path = Path(file)
        inside = path.is_absolute() and ROOT in path.parents
        known = str(path.relative_to(ROOT)) if inside else f"({name})"
        seconds[known] += own
    return sorted(seconds.items(), key=lambda item: -item[1])[:15]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", default="1000,10000")
    parser.add_argument("--target", default="numpy")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    measure(100, options.target)  # imports and first uses
    sizes = [int(n) for n in options.nodes.split(",")]
    found = [measure(nodes, options.target) for nodes in sizes]
    parts = ("build", "compile", "first call")
    print(f"{'nodes':>8} " + " ".join(f"{part:>10}" for part in parts) + "  (seconds)")
    for row in found:
        print(f"{row['nodes']:8} " + " ".join(f"{row[part]:10.3f}" for part in parts))
    ratios = {part: found[-1][part] / found[0][part] for part in parts}
    total = sum(found[-1][p] for p in parts) / sum(found[0][p] for p in parts)
    print("ratio    " + " ".join(f"{ratios[part]:10.1f}" for part in parts), end="")
    print(f"  whole {total:.1f}")
    if options.profile:
        for module, seconds in profile(sizes[-1], options.target):
            print(f"{seconds:8.2f}  {module}")
    if options.json:
        made = {"target": options.target, "rows": found, "ratios": ratios}
        options.json.write_text(json.dumps(made | {"ratio": total}, indent=1) + "\n")


if __name__ == "__main__":
    sys.setrecursionlimit(1000)  # nothing may depend on a deep stack
    main()
