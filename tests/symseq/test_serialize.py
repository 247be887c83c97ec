import copy
import pickle
import subprocess
import sys

import numpy as np

import symseq.tensor as T
from symseq.compiler.reference import evaluate
from symseq.lengths import ONE, dims
from symseq.ops.convert import constant
from symseq.ops.custom import op
from symseq.random.streams import RandomStreams
from symseq.scan.frontend import scan
from symseq.serialize import dumps, loads
from symseq.traverse import leaves, sort_nodes
from symseq.variables import dmatrix, dvector, shared


def square(x):
    return x * x


USER_OP = op(numpy=square)


def looped():
    B, H = dims("B", H=2)
    x, w = dmatrix("x", shape=(B, H)), shared(np.array([0.5, -0.5]), "w")
    streams = RandomStreams(5)

    def step(row, state):
        inner, _ = scan(lambda e: e * 2, sequences=row)
        return T.tanh(state * w + inner + streams.uniform((2,), dtype="float64"))

    states, _ = scan(step, sequences=x, outputs_info=np.zeros(2), name="rnn")
    cost = states.sum()
    cost.name = "cost"
    return x, w, streams.state, cost


def test_a_graph_with_loops_keeps_its_meaning():
    x, w, state, cost = looped()
    x2, w2, state2, cost2 = pickle.loads(pickle.dumps([x, w, state, cost]))
    value = np.arange(6.0).reshape(3, 2)
    (wanted,) = evaluate([cost], [x], [value])
    assert evaluate([cost2], [x2], [value]) == [wanted]
    found = leaves([cost2])
    assert any(v is w2 for v in found) and any(v is state2 for v in found)
    assert any(v is state2 for v in leaves([state2.default_update]))
    w2.set_value(np.ones(2))
    assert evaluate([cost2], [x2], [value]) != [wanted]
    assert evaluate([cost], [x], [value]) == [wanted]
    assert (cost2.name, x2.name, str(x2.type)) == ("cost", "x", "float64[B, H]")
    (loop,) = (n for n in sort_nodes([cost2]) if n.op.name == "rnn")
    (old,) = (n for n in sort_nodes([cost]) if n.op.name == "rnn")
    assert loop.op == old.op


def test_another_process_reads_it(tmp_path):
    x, _, _, cost = looped()
    value = np.arange(4.0).reshape(2, 2)
    (tmp_path / "graph").write_bytes(pickle.dumps([x, cost]))
    program = (
        "import pickle, sys, numpy as np\n"
        "x, cost = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from symseq.compiler.reference import evaluate\n"
        "value = np.arange(4.0).reshape(2, 2)\n"
        "print(float(evaluate([cost], [x], [value])[0]).hex())\n"
        "print(cost.span.text)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "graph")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    number, line = done.stdout.splitlines()
    assert number == float(evaluate([cost], [x], [value])[0]).hex()
    assert line == "cost = states.sum()"


def test_any_depth():
    x = dvector("x")
    y = x
    for _ in range(20_000):
        y = y + x
    z = pickle.loads(pickle.dumps(y))
    assert len(sort_nodes([z])) == 20_000


def test_sharing_is_kept_in_one_list():
    x = dvector("x")
    y = T.exp(x)
    a, b, inner = loads(dumps([y + 1, y * 2, y]))
    assert a.owner.inputs[0] is inner and b.owner.inputs[0] is inner


def test_lines_names_and_kinds():
    x = dvector("x")
    y = T.exp(x)  # the line
    y.name = "y"
    g = pickle.loads(pickle.dumps(T.grad(y.sum(), x)))
    kinds = {node.kind for node in sort_nodes([g])}
    assert kinds == {"", "gradient"}
    y2 = pickle.loads(pickle.dumps(y))
    assert y2.name == "y" and y2.span.saved.endswith("# the line")


def test_nodes_constants_and_lengths():
    node = T.exp(dvector("x")).owner
    assert pickle.loads(pickle.dumps(node)).op is node.op
    c = pickle.loads(pickle.dumps(constant([1, 2], name="c")))
    assert c.name == "c" and c.held == (1, 2) and not c.data.flags.writeable
    assert pickle.loads(pickle.dumps(ONE)) is ONE
    H, B = dims("H B")
    assert pickle.loads(pickle.dumps(4 * H + B)) == 4 * H + B


def test_ops_of_users_go_by_reference():
    from_user = T.as_tensor_variable(dvector("x"))
    y = pickle.loads(pickle.dumps(USER_OP(from_user)))
    assert y.owner.op == USER_OP(from_user).owner.op


def test_deep_copies_are_apart():
    x, w, _, cost = looped()
    copied = copy.deepcopy([x, w, cost])
    copied[1].set_value(np.zeros(2))
    assert w.get_value()[0] == 0.5 and copied[0] is not x
    assert any(v is copied[1] for v in leaves([copied[2]]))
