"""What holds for every model that attends: padding, lengths, targets, gradients."""

from functools import cache

import numpy as np
import pytest
from attention_tools import MODELS, inputs, model, values

import symseq as ss
import symseq.tensor as T
from symseq.compiler.pipeline import passes_of
from symseq.models import Recurrent
from symseq.models.attention import Memory
from symseq.models.cells.cell import leaves
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes

every_model = pytest.mark.parametrize("name", MODELS)
TARGETS, SOURCES = [4, 2, 1, 0, 3], [2, 5, 1, 3, 0]


@cache
def run_of(name):
    """(inputs, parameters, what the layer gives)."""
    y, real, memory, mask = inputs()
    parameters, over = model(name)
    layer = Recurrent(over(Memory(memory, mask), y.shape[0]))
    return [y, real, memory, mask], parameters, layer.run(y, real)


@cache
def compiled(name, target="numpy"):
    """(y, real, memory, mask) → outputs and last state's parts, all with gradients."""
    given, parameters, run = run_of(name)
    weights = np.random.default_rng(3).standard_normal(64)
    last = small(run.last)
    cost = (run.outputs * T.constant(weights)[: run.outputs.shape[2]]).sum()
    cost += sum((part**2).sum() for part in last)
    wanted = [*parameters.values(), given[0], given[2]]
    grads = T.grad(cost, wanted, disconnected_inputs="ignore")
    outputs = [run.outputs, *last, *grads]
    f = ss.function(given, outputs, target=target, on_unused_input="ignore")

    def run_compiled(*data):
        """What runs forward, and everything."""
        made = f(*data)
        return made[: 1 + len(last)], made

    return run_compiled


def small(state):
    """The parts of a state whose size does not depend on a length: no tapes."""
    names = ("h", "c", "context", "attentional", "attended", "t")
    return [part for name, part in leaves(state) if name in names]


@every_model
def test_a_padded_batch_is_its_single_sequences(name):
    y, real, memory, mask = values(TARGETS, SOURCES)
    together, _ = compiled(name)(y, real, memory, mask)
    for b, (n, m) in enumerate(zip(TARGETS, SOURCES, strict=True)):
        one = slice(b, b + 1)
        ones = np.ones((n, 1)), np.ones((m, 1))
        alone, _ = compiled(name)(y[:n, one], ones[0], memory[:m, one], ones[1])
        np.testing.assert_allclose(together[0][:n, b], alone[0][:, 0], atol=1e-6)
        for beside, last in zip(together[1:], alone[1:], strict=True):
            np.testing.assert_allclose(beside[b], last[0], atol=1e-6)


@every_model
def test_padding_alone_gives_no_nan(name):
    y, real, memory, mask = values([3, 0], [4, 4])
    _, made = compiled(name)(y, real, np.full_like(memory, 1e200), np.zeros_like(mask))
    assert all(np.isfinite(value).all() for value in made)


@every_model
def test_targets_agree_at_all_sizes_by_one_function(name):
    for targets, sources in [(TARGETS, SOURCES), ([1], [1]), ([3], [4]), ([], []),
                             ([0, 0], [2, 1]), ([2, 2], [0, 0])]:  # fmt: skip
        data = values(targets, sources)
        fast, slow = (
            compiled(name, target)(*data)[1] for target in ("numpy", "reference")
        )
        for a, b in zip(fast, slow, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


# Products in the loop: of the state with U (a GRU has two), of [y; context] with W, of
# the query with the score's matrix, of the perceptron with v, of weights with values.
PRODUCTS = {
    "bahdanau": 5,  # [h U, h W_a], tanh·v, α·h̄, [y; c] W, (r ⊙ h) U_h
    "bahdanau_lstm": 4,  # [h U, h W_a], tanh·v, α·h̄, [y; c] W
    "bahdanau_hard": 5,
    "bahdanau_clockwork": 3,  # h W_a, tanh·v, α·h̄; its modules are in branches
    "luong": 6,  # [y; h̃] W, h U, h W_a, (h W_a)·h̄, a·h̄, [c; h] W_c
    "luong_unfed": 6,  # h U, (r ⊙ h) U_h, h W_a, tanh·v, a·h̄, [c; h] W_c
    "luong_stacked": 9,
    "luong_monotonic": 6,
    "luong_predictive": 7,  # [h W_a, h W_p], and tanh·v_p
    "shallow": 10,  # the LSTMN's and h W_a, tanh·v, α·γ, [y; c] W
    "deep": 10,  # the LSTMN's and γ̃ W_a, tanh·u, p·[γ; α], [γ̃; x] W_r
    "lstmn": 6,  # h̃ W_a, tanh·v, s·h, s·c, h̃ U, h W_h
}


@every_model
def test_the_loop_holds_only_what_depends_on_the_state(name):
    _, _, run = run_of(name)
    graph = passes_of([run.outputs], "numpy")[-1][1]
    loops = [node for node in sort_nodes(graph) if isinstance(node.op, Scan)]
    assert len(loops) == 1
    names = [node.op.name for node in loops[0].op.body.nodes]
    assert sum(name in ("dot", "batched_dot") for name in names) == PRODUCTS[name]
