"""Each rule that makes a graph smaller: fires, declines, keeps types and values."""

import numpy as np
import pytest
from rule_cases import Inputs, after, alone, check_same, ops

import symseq as ss
import symseq.tensor as T
from symseq.compiler.passes.simplify import SIMPLIFY
from symseq.compiler.rewrite.engine import rewrite
from symseq.ifelse import ifelse
from symseq.lengths import dims

RULES = {rule.__name__: rule for rule in SIMPLIFY}


def branch(v):
    return T.constant(True), [T.exp(v.x)], [v.x]


def zero_rows(v, count=4):
    return T.zeros((count, 6), v.dtype)


def put(v, rows=None, value=None):
    """zeros with rows of m added at i."""
    base = zero_rows(v) if rows is None else rows
    return T.inc_subtensor(base[v.i], v.n[:3] if value is None else value)


def spread_classes(v):
    """zeros with one element in each row: what cross-entropy's gradient is made of."""
    rows = T.arange(3)
    return T.inc_subtensor(T.zeros((3, 5), v.dtype)[rows, v.i], v.m[0, :3])


def written(v, *parts, base=None):
    made = T.zeros((4, 6), v.dtype) if base is None else base
    for start, stop, value in parts:
        made = T.inc_subtensor(made[:, start:stop], value)
    return made


# rule: (what it is given, the ops that are left when it alone has been applied).
FIRES = {
    "fold_constants": [(lambda v: v.x * (T.constant(2.0) + 3), "mul")],
    "known_integer": [(lambda v: v.x[v.m.shape[0] - 3], "subtensor")],
    "compare_lengths": [
        (lambda v: T.switch(T.lt(v.m.shape[0], v.k.shape[0]), v.s, v.s * 2), None)
    ],
    "switch_of_constant": [
        (lambda v: T.switch(T.constant(True), v.x, v.y), ""),
        (lambda v: T.switch(v.c, v.x, v.x), ""),
    ],
    "branch_of_constant": [
        (lambda v: ifelse(T.constant(True), T.exp(v.x), T.log(v.x)), "exp"),
        (lambda v: ifelse(T.constant(False), v.x, T.log(v.x)), "log"),
    ],
    "collect_factors": [(lambda v: 2 * v.x * 3, "mul")],
    "collect_terms": [(lambda v: 2 + (v.x + 3), "add")],
    "collect_multiples": [
        (lambda v: 2 * v.x + v.x * 3, "mul"),
        (lambda v: v.x + v.x, "mul"),
    ],
    "divide_by_power_of_two": [(lambda v: v.x / 16, "mul")],
    "add_zero": [
        (lambda v: v.x + 0, ""),
        (lambda v: 0 + v.x, ""),
        (lambda v: v.m + T.zeros((4, 6), v.dtype), ""),
    ],
    "subtract_zero": [(lambda v: v.x - 0, ""), (lambda v: 0 - v.x, "neg")],
    "multiply_one": [
        (lambda v: v.x * 1, ""),
        (lambda v: v.x * -1, "neg"),
        (lambda v: v.x * T.ones_like(v.x), ""),
    ],
    "divide_one": [(lambda v: v.x / 1, ""), (lambda v: v.x / -1, "neg")],
    "negate_twice": [(lambda v: T.neg(-v.x), "")],
    "negate_difference": [(lambda v: -(v.x - v.y), "sub")],
    "negate_multiple": [
        (lambda v: -(v.x * 2), "mul"),
        (lambda v: -(2 / v.x), "true_div"),
        (lambda v: -(v.m * v.s), "dimshuffle mul neg"),
    ],
    "add_negative": [(lambda v: v.x + -v.y, "sub"), (lambda v: -v.x + v.y, "sub")],
    "subtract_negative": [
        (lambda v: v.x - (-v.y), "add"),
        (lambda v: -v.x - v.y, "add neg"),
    ],
    "sign_of_product": [
        (lambda v: -v.x * v.y, "mul neg"),
        (lambda v: -v.x * -v.y, "mul"),
        (lambda v: -v.x / v.y, "neg true_div"),
    ],
    "sign_is_lost": [
        (lambda v: T.sqr(-v.x), "sqr"),
        (lambda v: abs(-v.x), "abs"),
        (lambda v: abs(abs(v.x)), "abs"),
        (lambda v: abs(T.sqr(v.x)), "sqr"),
    ],
    "root_of_square": [(lambda v: T.sqrt(T.sqr(v.x)), "abs")],
    "multiply_by_inverse": [
        (lambda v: v.x * T.inv(v.y), "true_div"),
        (lambda v: (1 / v.x) * v.y, "true_div"),
    ],
    "small_power": [
        (lambda v: v.x**0, "fill"),
        (lambda v: v.x**1, ""),
        (lambda v: T.pow(v.x, T.constant(2.0)), "sqr"),
        (lambda v: v.x**3, "mul sqr"),
        (lambda v: v.x**4, "mul sqr"),
        (lambda v: v.x**-1, "inv"),
    ],
    "extremum_of_itself": [
        (lambda v: T.maximum(v.x, v.x), ""),
        (lambda v: T.minimum(T.minimum(v.x, v.y), v.y), "minimum"),
    ],
    "switch_of_negation": [(lambda v: T.switch(~v.c, v.x, v.y), "switch")],
    "invert_twice": [(lambda v: ~~v.c, "")],
    "fill_full": [(lambda v: T.fill(v.x, v.y), "")],
    "fill_of_fill": [
        (lambda v: T.fill(T.fill(v.x, 2), 3), "fill"),
        (lambda v: T.fill(v.m, T.fill(v.row, v.s)), "dimshuffle fill"),
    ],
    "fill_like_operand": [(lambda v: T.fill(T.exp(v.x), 3), "fill")],
    "fill_of_known_lengths": [(lambda v: T.fill(v.m.T, 3), "")],
    "elementwise_of_repeat": [
        (lambda v: v.x * T.fill(v.x, v.s), "dimshuffle mul"),
        (lambda v: v.m + T.alloc(v.s, 4, 6), "add dimshuffle"),
        (lambda v: T.fill(v.m, v.row) * v.col, "mul"),
    ],
    "function_of_repeat": [
        (lambda v: T.exp(T.fill(v.x, v.s)), "dimshuffle exp fill"),
        (lambda v: T.alloc(v.s, 4, 6) * 3, "alloc mul"),
    ],
    "merge_dimshuffles": [
        (lambda v: v.m.T.T, ""),
        (lambda v: v.x.dimshuffle("x", 0).T, "dimshuffle"),
    ],
    "useless_reshape": [
        (lambda v: v.m.reshape((4, 6)), ""),
        (lambda v: v.m.reshape((4, -1)), ""),
        (lambda v: v.x.reshape((v.x.shape[0],)), ""),
    ],
    "merge_reshapes": [
        (lambda v: v.m.reshape((2, 12)).reshape((8, 3)), "reshape"),
        (lambda v: v.m.dimshuffle(0, "x", 1).reshape((8, 3)), "reshape"),
    ],
    "reshape_of_ones": [(lambda v: v.m.reshape((1, 4, 1, 6)), "dimshuffle")],
    "transpose_of_function": [
        (lambda v: T.tanh(v.m.T).T, "tanh"),
        (lambda v: T.tanh(v.m.dimshuffle("x", 1, 0)).dimshuffle(2, 1), "tanh"),
    ],
    "transpose_of_softmax": [
        (lambda v: T.nnet.softmax(v.m.T).T, "softmax"),
        (lambda v: T.nnet.logsoftmax(v.k[:4].T).T, "log_softmax subtensor"),
    ],
    "known_shape": [(lambda v: T.specify_shape(v.m, (4, None)), "")],
    "useless_cast": [],
    "cast_of_cast": [
        (lambda v: v.i.astype("float64").astype("float32"), None),
        (lambda v: v.i.astype("int8").astype("int64").astype("int8"), "cast_int8"),
    ],
    "forget_gradient_rule": [
        (lambda v: ss.gradient.disconnected_grad(v.x), ""),
        (lambda v: ss.gradient.grad_clip(v.x, -1, 1), ""),
    ],
    "forget_custom_gradient": [
        (lambda v: ss.custom_gradient(lambda x: (T.exp(x), lambda g: g))(v.x), "exp")
    ],
    "useless_alloc": [
        (lambda v: T.alloc(v.m, 4, 6), ""),
        (lambda v: T.alloc(T.alloc(v.s, 6), 4, 6), "alloc"),
    ],
    "known_bounds": [
        (lambda v: v.m[:, dims(H=2)[0] :], "subtensor"),
        (lambda v: T.set_subtensor(v.m[: dims(H=2)[0], 1], 3), "inc_subtensor"),
    ],
    "useless_slice": [(lambda v: v.m[0:4], ""), (lambda v: v.m[:, :6], "")],
    "slice_of_slice": [
        (lambda v: v.x[1:][1:], "subtensor"),
        (lambda v: v.x[::-1][::-1], ""),
        (lambda v: v.x[::-1][0], "subtensor"),
        (lambda v: v.x[::-1][1:], "subtensor"),
        (lambda v: v.x[::-1][:-1], "subtensor"),
        (lambda v: v.x[:-1][::-1], "subtensor"),
        (lambda v: v.x[2:][::-1], "subtensor"),
        (lambda v: v.x[:-1][:-1], "subtensor"),
        (lambda v: v.x[1:][0], "subtensor"),
        (lambda v: v.m[1:4][:, ::-2][1], "subtensor"),
        (lambda v: v.m[1][2:4], "subtensor"),
        (lambda v: v.m[::-1][3:1:-1][::-1], "subtensor"),
    ],
    "index_of_new_axis": [
        (lambda v: v.x.dimshuffle("x", 0)[0], ""),
        (lambda v: v.m.dimshuffle(1, "x", 0)[:, -1], "dimshuffle"),
    ],
    "slice_of_repeat": [(lambda v: T.zeros((80, 90), v.dtype)[1:80, 2:83], "alloc")],
    "slice_of_written": [
        (lambda v: T.set_subtensor(v.m[1:3], v.n[1:3])[1:3], "subtensor"),
        (lambda v: T.inc_subtensor(v.m[1], v.n[2])[1], None),
        (lambda v: T.set_subtensor(v.m[:, :3], 2)[:, 3:], "subtensor"),
    ],
    "slice_of_join": [
        (lambda v: T.concatenate([v.m, v.k.T[:4]], axis=1)[:, :6], ""),
        (lambda v: T.concatenate([v.m, v.n])[5:7], "subtensor"),
        (lambda v: T.concatenate([v.m, v.n])[4:], ""),
    ],
    "slice_of_some_parts": [
        (lambda v: T.concatenate([v.m, v.n, v.m])[4:12], "join")
    ],
    "length_of_result": [
        (lambda v: T.exp(v.x).shape[0], "shape subtensor"),
        (lambda v: T.nnet.softmax(v.free).shape[1], "shape subtensor"),
        (lambda v: v.free.T.shape[1], "shape subtensor"),
        (lambda v: T.dot(v.free, v.free.T).shape[1], "shape subtensor"),
        (lambda v: T.dot(v.free, v.x).shape[0], "shape subtensor"),
        (lambda v: v.free.sum(axis=0).shape[0], "shape subtensor"),
        (lambda v: v.x.reshape((v.x.shape[0], -1)).shape[0], "shape subtensor"),
        (lambda v: T.concatenate([v.free, v.free], 1).shape[0], "shape subtensor"),
        (lambda v: v.free[v.ids].shape[0], "shape subtensor"),
        (lambda v: v.free[:, v.ids].shape[0], "shape subtensor"),
        (lambda v: v.free[v.ids].shape[1], "shape subtensor"),
        (lambda v: T.inc_subtensor(v.x[v.ids], 1).shape[0], "shape subtensor"),
        (lambda v: v.free[:, 1:].shape[0], "shape subtensor"),
        (lambda v: v.free[-1:, ::2][0].shape[0], None),
    ],
    "split_to_slices": [
        (lambda v: T.split(v.m, [1, 3], 2, axis=0)[1], "subtensor")
    ],
    "join_of_joins": [
        (lambda v: T.concatenate([T.concatenate([v.m, v.n]), v.m]), "join"),
        (lambda v: T.concatenate([v.m]), ""),
        (lambda v: T.concatenate([v.m[:0], v.n]), ""),
    ],
    "join_of_neighbours": [
        (lambda v: T.concatenate([v.m[:2], v.m[2:3], v.n]), "join subtensor"),
        (lambda v: T.concatenate([v.m[:, :2], v.m[:, 2:]], axis=1), ""),
    ],
    "take_all_in_order": [
        (lambda v: v.m[T.arange(4)], ""),
        (lambda v: v.m[:, np.arange(6)], ""),
        (lambda v: v.x[T.arange(v.x.shape[0])], ""),
    ],
    "take_of_take": [(lambda v: v.m[v.i][v.j], "take take")],
    "slice_of_take": [(lambda v: v.m[v.i][1:], "subtensor take")],
    "set_into_zeros": [(lambda v: written(v, (0, 2, v.n[:, :2])), None)],
    "write_of_everything": [
        (lambda v: T.set_subtensor(v.m[:, 0:6], v.n), ""),
        (lambda v: T.set_subtensor(v.x[:], v.y), ""),
        (lambda v: T.inc_subtensor(v.m[0:4], v.n), "add"),
        (lambda v: T.inc_subtensor(v.m[:], v.row), "add"),
    ],
    "parts_to_join": [
        (lambda v: written(v, (3, 6, v.m[:, :3]), (0, 3, v.n[:, 1:4])), None),
        (
            lambda v: T.set_subtensor(
                T.set_subtensor(v.m[:1], v.n[2:3])[1:], v.n[:3]
            ),
            "join subtensor subtensor",
        ),
    ],
    "reduction_of_reduction": [
        (lambda v: v.m.sum(axis=1).sum(), "sum"),
        (lambda v: v.m.max(axis=0).max(), "max"),
    ],
    "reduction_over_ones": [
        (lambda v: v.row.sum(axis=0), "dimshuffle"),
        (lambda v: v.row.sum(), "dimshuffle sum"),
    ],
    "reduction_of_dimshuffle": [
        (lambda v: v.m.T.sum(axis=0), "sum"),
        (lambda v: v.m.dimshuffle(1, "x", 0).sum(axis=2), "dimshuffle sum"),
    ],
    "reduction_of_reshape": [(lambda v: v.m.reshape((24,)).sum(), "sum")],
    "sum_of_negative": [(lambda v: (-v.x).sum(), "neg sum")],
    "sum_of_multiple": [(lambda v: (v.x * 3).sum(), "mul sum")],
    "sum_of_repeat": [
        (lambda v: T.alloc(v.x, 4, v.x.shape[0]).sum(axis=0), None),
        (lambda v: T.fill(v.m, v.row).sum(), None),
    ],
    "sum_of_scatter": [
        (lambda v: spread_classes(v).sum(axis=1), "subtensor"),
        (lambda v: spread_classes(v).sum(), "subtensor sum"),
        (lambda v: put(v).sum(axis=0), "subtensor sum"),
    ],
    "product_of_transposes": [(lambda v: T.dot(v.k.T, v.m.T), "dimshuffle dot")],
    "transpose_of_product": [
        (lambda v: T.dot(v.m.T, v.n).T, "dimshuffle dot"),
        (lambda v: T.dot(v.m, v.n.T).T, "dimshuffle dot"),
    ],
    "product_of_multiple": [
        (lambda v: T.dot(v.m * 3, v.k), "dot mul"),
        (lambda v: T.dot(v.m, -v.k[:, :2]), "dot mul subtensor"),
    ],
    "add_scattered": [
        (lambda v: v.m - 0.1 * put(v), None),
        (lambda v: v.m + put(v), "put_rows subtensor"),
        (lambda v: put(v) - v.m, "neg put_rows subtensor"),
        (lambda v: (lambda once: once - once)(put(v)), None),
        (lambda v: v.m - v.s * put(v, put(v)) / 3, None),
        (lambda v: v.m + written(v, (0, 2, v.n[:, 1:3])), "inc_subtensor subtensor"),
    ],
    "write_twice": [
        (lambda v: put(v, put(v, v.m), 2 * v.k[:3].sum() * v.m[:3]), None),
    ],
    "write_of_nothing": [
        (lambda v: put(v, v.m, T.zeros((3, 6), v.dtype)), ""),
        (lambda v: T.inc_subtensor(v.m[:2], 0), ""),
    ],
}  # fmt: skip
CASES = [(name, k) for name, many in FIRES.items() for k in range(len(many))]


def test_every_rule_has_a_case():
    assert set(FIRES) == set(RULES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, k", CASES)
def test_a_rule_fires_and_keeps_types_and_values(name, k, dtype):
    build, left = FIRES[name][k]
    before = [build(Inputs(dtype))]
    rules, fired = alone(SIMPLIFY, RULES[name])
    changed = rewrite(before, rules)
    assert fired
    if left is not None:
        assert sorted(ops(changed).elements()) == left.split()
    check_same(before, changed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, k", CASES)
def test_all_rules_together_keep_types_and_values(name, k, dtype):
    before = [FIRES[name][k][0](Inputs(dtype))]
    check_same(before, rewrite(before, SIMPLIFY))


# What stays: (what is given, an op that must still be there).
STAYS = {
    "rows that are summed anyway": (
        lambda v: v.m.sum(axis=1).sum() * v.m.sum(axis=1),
        "mul",
    ),
    "x * 0": (lambda v: v.x * 0, "mul"),
    "x - x": (lambda v: v.x - v.x, "sub"),
    "x / x": (lambda v: v.x / v.x, "true_div"),
    "exp(log(x))": (lambda v: T.exp(T.log(v.x)), "log"),
    "sqr(sqrt(x))": (lambda v: T.sqr(T.sqrt(v.x)), "sqrt"),
    "0 + x that stretches": (lambda v: T.zeros((4, 1)) + v.row, "add"),
    "x[::-1]": (lambda v: v.x[::-1], "subtensor"),
    "a factor that overflows": (lambda v: v.s * 1e200 * 1e200, "mul"),
    "terms that cancel": (lambda v: (v.x + 1e10) - 1e10, "add"),
    "inf - inf": (lambda v: 3 * v.x + -2 * v.x, "add"),
    "x / 3": (lambda v: v.x / 3, "true_div"),
    "a sum that grows": (lambda v: (v.x * 1e-3).sum(), "mul"),
    "no repeats": (lambda v: T.alloc(v.s, v.x.shape[0]).sum(), "alloc"),
    "the last of a cut": (lambda v: v.x[1:][-1], "subtensor"),
    "a row everywhere": (lambda v: T.set_subtensor(v.m[:], v.row), "inc_subtensor"),
    "a length of what a selection must fit": (
        lambda v: T.set_subtensor(v.x[:], v.y[v.y > -9]), "inc_subtensor",
    ),
    "an index that may be wrong": (
        lambda v: T.exp(v.free[v.ids[0]]).shape[0], "subtensor",
    ),
    "a write with gaps": (
        lambda v: written(v, (0, 2, v.n[:, :2]), (3, 6, v.n[:, :3])),
        "inc_subtensor",
    ),
    "writes that overlap": (
        lambda v: written(v, (0, 4, v.n[:, :4]), (3, 6, v.n[:, :3])),
        "inc_subtensor",
    ),
    "writes over other values": (
        lambda v: written(v, (0, 3, v.n[:, :3]), (3, 6, v.n[:, :3]), base=v.m),
        "inc_subtensor",
    ),
    "an array of factors": (lambda v: v.m - v.col * put(v), "mul"),
    "a narrower cast": (lambda v: v.i.astype("int8").astype("int64"), "cast_int8"),
    "a transpose once": (lambda v: T.dot(v.m.T, v.n), "dimshuffle"),
}  # fmt: skip


@pytest.mark.parametrize("name", STAYS)
def test_what_would_change_values_stays(name):
    build, kept = STAYS[name]
    before = [build(Inputs("float64"))]
    changed = rewrite(before, SIMPLIFY)
    assert ops(changed)[kept]
    check_same(before, changed)


def test_equal_nodes_merge_and_keep_both_lines():
    x = T.dvector("x")
    a = T.exp(x)
    b = T.exp(x)
    (made,) = rewrite([a * b], SIMPLIFY)
    assert ops([made]) == {"exp": 1, "mul": 1}
    assert len(made.owner.inputs[0].owner.spans) == 2


def test_same_graph_comes_back_where_nothing_changes():
    v = Inputs("float64")
    made = T.exp(v.x) * v.y
    assert rewrite([made], SIMPLIFY)[0] is made


def test_lengths_with_names_but_no_sizes_join():
    B, H = dims("B H")
    z = T.TensorType("float64", (B, 4 * H))("z")
    x = T.TensorType("float64", (B, H))("x")
    n = x.shape[1]
    gates = [z[:, k * n : (k + 1) * n] for k in range(4)]
    cost = sum((T.tanh(g) * (k + 1)).sum() for k, g in enumerate(gates)) + x.sum()
    found = after(T.grad(cost, z), SIMPLIFY)
    assert found["join"] == 1
    assert not found["inc_subtensor"] and not found["alloc"] and not found["zeros"]


def test_the_gradient_of_a_slice_of_all_columns_is_that_of_the_whole():
    v = Inputs("float32")
    cost = (T.tanh(v.m[:, :6]) * v.n).sum()
    found = after(T.grad(cost, v.m), SIMPLIFY)
    assert not found["inc_subtensor"] and not found["alloc"]
    assert found == after(T.grad((T.tanh(v.m) * v.n).sum(), v.m), SIMPLIFY)


def test_the_gradient_of_gates_is_one_join():
    v = Inputs("float32")
    gates = [v.m[:, :2], v.m[:, 2:3], v.m[:, 3:]]
    cost = sum((T.tanh(g) ** (k + 1)).sum() for k, g in enumerate(gates))
    found = after(T.grad(cost, v.m), SIMPLIFY)
    assert found["join"] == 1 and not found["inc_subtensor"] and not found["alloc"]


def test_rules_see_the_bodies_of_loops_and_branches():
    x, h = T.dmatrix("x"), T.dvector("h")
    looped = ss.scan(lambda row, h: T.neg(-(h + row)), x, outputs_info=h)[0]
    assert not after(looped, SIMPLIFY)["neg"]
    chosen = ifelse(T.gt(h[0], 0), T.neg(-T.exp(h)), h[:])
    left = after(chosen, SIMPLIFY)
    assert left["ifelse"] and not left["neg"]
    check_same([looped], rewrite([looped], SIMPLIFY))
    (made,) = rewrite([chosen], SIMPLIFY)
    assert [*ops(made.owner.op.bodies()[0][1])] == ["exp"]


def test_an_error_at_zero_steps_is_kept():
    x = T.dvector("x")
    history = T.concatenate([T.zeros(1, "float64"), x])
    f = ss.function([x], history[1:][-1])
    assert f([1.0, 2.0]) == 2
    with pytest.raises(IndexError):
        f([])


def test_sgd_on_a_table_touches_only_the_rows_used():
    table = ss.shared(np.ones((50, 3)), "table")
    ids, t = T.lvector("ids"), T.dmatrix("t")
    cost = T.sqr(table[ids] - t).sum()
    new = table - 0.1 * T.grad(cost, table)
    found = after(new, SIMPLIFY)
    assert found["put_rows"] == 1 and not found["alloc"]
    (made,) = rewrite([new], SIMPLIFY)
    assert made.owner.op.name == "put_rows" and made.owner.inputs[0] is table
    got = table.get_value()
    f = ss.function([ids, t], cost, updates={table: new})
    f([3, 3, 7], np.zeros((3, 3)))
    got[3] -= 0.4
    got[7] -= 0.2
    np.testing.assert_allclose(table.get_value(), got)
