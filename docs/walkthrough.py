"""One RNN through every stage, from the user's lines to a plan that runs.

    python docs/walkthrough.py

Reference: Elman 1990, h_t = tanh(x_t W + h_{t-1} U).
"""

from __future__ import annotations

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.traverse import sort_nodes


def title(text: str) -> None:
    print(f"\n=== {text} " + "=" * (70 - len(text)))


# 1. The language. Lengths have names; H has a size, too. Building a node runs its type
#    rule, so every variable knows its dtype and its shape.
steps, batch, D, H = ss.dims("T B", D=2, H=3)
rng = np.random.default_rng(0)


def weights(*shape: ss.Dim, name: str) -> ss.SharedVariable:
    value = rng.normal(size=[length.size or 0 for length in shape])
    return ss.shared(value.astype("float32"), name, shape=shape)


x = T.ftensor3("x", shape=(steps, batch, D))
W, U = weights(D, H, name="W"), weights(H, H, name="U")
title("1. variables and their types")
print(x, W, U, sep="\n")


# 2. The loop. `scan` calls the step once and closes its graph over what it reads.
def step(x_t: ss.Variable, h: ss.Variable) -> ss.Variable:
    return T.tanh(T.dot(x_t, W) + T.dot(h, U))


states, _ = ss.scan(step, x, T.zeros((x.shape[1], H)), name="rnn")
cost = (states[-1] ** 2).mean()
title("2. the graph, the loop in place")
ss.debugprint(cost)
print("\nas a formula:")
print(ss.pprint(cost))

# 3. The gradient is a graph like any other; the loop's is a loop that runs backwards.
gradients = ss.grad(cost, [W, U])
title("3. the gradient")
print(f"{len(sort_nodes([cost]))} nodes became {len(sort_nodes([cost, *gradients]))}")
print(*gradients, sep="\n")

# 4. `function` rewrites the graph, lowers it to steps over buffers, plans the memory
#    and writes the source of a plan.
updates = [(p, p - 0.5 * g) for p, g in zip((W, U), gradients, strict=True)]
train = ss.function([x], cost, updates=updates, name="train")
title("4. the plan's source")
print(train.plan.source)

# 5. The first call with new lengths binds: it sizes one arena and makes every view.
#    Calls after that only compute.
title("5. five calls")
data = rng.normal(size=(6, 4, 2)).astype("float32")
costs = [float(train(data)) for _ in range(5)]
print(*(f"{value:.6f}" for value in costs))
print(train.plan.report())

# 6. The reference target computes each op by its NumPy meaning, without any of this:
#    what every other target is held to.
check = ss.function([x], cost, target="reference")
again = ss.function([x], cost)
title("6. numpy and reference agree")
print(f"{check(data):.6f} {again(data):.6f}")
assert np.allclose(check(data), again(data), rtol=1e-5)
