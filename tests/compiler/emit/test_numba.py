"""The numba target, compiled: values, errors, memory, the cache on disk."""

import os
import signal
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler import targets
from symseq.compiler.runtime import numba_bind, numba_blas, numba_machine

RNG = np.random.default_rng(0)


def draw(*shape):
    return RNG.normal(size=shape).astype("float32")


def both(inputs, outputs, updates=None):
    return [
        ss.function(inputs, outputs, updates=updates, target=target, name="f")
        for target in ("numba", "reference")
    ]


def assert_same(jitted, reference, values, tolerance=1e-5):
    for a, b in zip(jitted(*values), reference(*values), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def lstm(width):
    """The gradient of a weighted sum of an LSTM's states, by its inputs."""
    x, W, U = T.ftensor3("x"), T.fmatrix("W"), T.fmatrix("U")
    b, G = T.fvector("b"), T.ftensor3("G")

    def step(x_t, h, c):
        z = T.dot(x_t, W) + T.dot(h, U) + b
        i, f, g, o = (z[:, k * width : (k + 1) * width] for k in range(4))
        c = T.nnet.sigmoid(f) * c + T.nnet.sigmoid(i) * T.tanh(g)
        return [T.nnet.sigmoid(o) * T.tanh(c), c]

    start = T.zeros((x.shape[1], width), dtype="float32")
    (h, _), _ = ss.scan(step, x, [start, start], name="lstm", go_backwards=True)
    cost = (G * h).sum()
    return [x, W, U, b, G], [cost, *ss.grad(cost, [x, W, U, b])]


def test_lstm_and_its_source():
    jitted, reference = both(*lstm(8))
    for steps, batch in ((5, 3), (2, 1), (1, 2), (5, 3)):
        values = draw(steps, batch, 4), draw(4, 32), draw(8, 32), draw(32)
        assert_same(jitted, reference, (*values, draw(steps, batch, 8)))
    source = jitted.plan.source
    assert "@jitted_" in source and "tanh32(" in source and "sigmoid32(" in source
    assert "multiply_float32(" in source
    assert "# test_numba.py:" in source
    assert "for lstm_t_ in range(lstm_n):" in source
    run = source[source.index("def run():") : source.index("def update():")]
    assert "for " not in run  # nothing is left to NumPy


SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 88.0, 89.0, -87.0, -104.0, 1e-40, 1e-30, 3e38,
    -3e38, np.inf, -np.inf, np.nan, 7.0, -3.0,
]  # fmt: skip


def test_numbers_keep_the_meaning_of_numpy():
    """Signs of whole division, casts, NaN in extremes, wrapping, truth values."""
    x, y = T.fvector("x"), T.fvector("y")
    n, m = T.lvector("n"), T.lvector("m")
    b, u = T.TensorType("int8", (None,))("b"), T.TensorType("uint8", (None,))("u")
    outputs = [
        x // y, x % y, n // m, n % m, T.maximum(x, y), T.minimum(x, y), x**y, T.sgn(x),
        T.exp(x), T.log(x), T.tanh(x), T.nnet.sigmoid(x), T.log1p(x), T.floor(x),
        T.sqrt(x), T.isnan(x), T.isinf(x), T.switch(T.gt(x, y), x, y), b + b, b * b, -b,
        u + u, u - 1, b // 3, b % 3, ~b, abs(b), n.astype("int8"), n.astype("bool"),
        n.astype("float32"), (n > 0) & (m > 0), (n > 0) ^ (m > 0), ~(n > 0), T.erf(x),
        T.clip(x, -1, 1), T.round(x), T.arctan2(x, y), u * 0.5, (x * 0.1).sum(),
        x.max(), n.min(), n.prod(),
    ]  # fmt: skip
    jitted, reference = both([x, y, n, m, b, u], outputs)
    xs = np.array(SPECIAL * len(SPECIAL), "float32")
    ys = np.repeat(np.array(SPECIAL, "float32"), len(SPECIAL))
    ns = np.arange(xs.size) % 23 - 11
    ms = np.arange(xs.size) % 7 - 3
    ns[0], ms[0] = np.iinfo("int64").min, -1
    small = np.arange(xs.size) % 256
    values = [xs, ys, ns, ms, small.astype("uint8").view("int8"), small.astype("uint8")]
    with np.errstate(all="ignore"):
        for a, w in zip(jitted(*values), reference(*values), strict=True):
            assert (a.dtype, a.shape) == (w.dtype, w.shape)
            np.testing.assert_allclose(a, w, rtol=2e-6)


def test_loops_within_loops_and_a_loop_that_stops():
    x, limit = T.dmatrix("x"), T.dscalar("limit")

    def outer(row, total):
        inner, _ = ss.scan(lambda e, s: s * 0.5 + e, row, T.zeros((), "float64"))
        total = total + inner[-1]
        return [total, inner], ss.until(total > limit)

    (totals, inner), _ = ss.scan(outer, x, [T.zeros((), "float64"), None])
    jitted, reference = both([x, limit], [totals, inner])
    for rows, stop in ((4, 1e9), (4, 0.7), (1, 0.0), (3, 1.5)):
        given = np.abs(RNG.normal(size=(rows, 3)))
        assert_same(jitted, reference, (given, stop), 1e-12)


def test_a_wrong_index_raises_before_anything_is_written():
    table, ids = ss.shared(draw(5, 3), "table"), T.lvector("ids")
    rows = table[ids]  # the user's line
    f = ss.function([ids], rows.sum(), updates={table: table * 2}, target="numba")
    before = table.get_value()
    for wrong in ([0, 5], [-6, 1]):
        with pytest.raises(ss.errors.BadIndexError, match="out of bounds") as caught:
            f(np.array(wrong))
        assert "rows = table[ids]" in str(caught.value)
    np.testing.assert_array_equal(table.get_value(), before)
    assert f(np.array([0, -1])) == pytest.approx(before[[0, -1]].sum(), rel=1e-5)
    np.testing.assert_array_equal(table.get_value(), before * 2)


def test_what_numba_cannot_do_stays_numpy():
    """A host step within a loop; what is around it is jitted, and knows the step."""
    x = T.dmatrix("x")
    halve = ss.op(numpy=lambda v: v / 2, vjp=None)
    y, _ = ss.scan(lambda row, s: halve(row * 2 + s) - 1, x, T.zeros_like(x[0]))
    jitted, reference = both([x], [y, T.sort(y, axis=0) * 2])
    assert_same(jitted, reference, (RNG.normal(size=(4, 3)),), 1e-12)
    assert "in enumerate(" in jitted.plan.source


@pytest.mark.parametrize("steps", [10, 1000])
def test_run_allocates_little(steps):
    f = ss.function(*lstm(4), target="numba")
    f(draw(steps, 2, 3), draw(3, 16), draw(4, 16), draw(16), draw(steps, 2, 4))
    (binding,) = f.plan.bindings.values()
    tracemalloc.start()
    binding.run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("blas", [True, False])
def test_products_of_all_layouts(dtype, blas, monkeypatch):
    """Transposed, sliced, reversed and strided operands; vectors; empty ones."""
    if not blas:
        monkeypatch.setitem(numba_bind.HELPERS, "product_", lambda dtype: 0)
    a, b = (T.TensorType(dtype, (None, None))(name) for name in "ab")
    products = [
        T.dot(a, b), T.dot(b.T, a.T), T.dot(a, a.T), T.dot(a.T, a), T.dot(a[::-1], b),
        T.dot(a[:, ::-1], b), T.dot(a[::2], b), T.dot(a[:, ::2], b[::2]),
        T.dot(a[0], b), T.dot(a, b[:, 0]), T.dot(a[:, 0], a), T.dot(b[:, ::-1].T, a.T),
        T.dot(a[0], b[:, 0]),
        T.batched_dot(a.dimshuffle("x", 0, 1), b.dimshuffle("x", 0, 1)),
    ]  # fmt: skip
    jitted, reference = both([a, b], products)
    for m, k, n in ((3, 4, 5), (1, 6, 7), (6, 7, 1), (1, 1, 1), (2, 1, 3), (1, 0, 1),
                    (300, 5, 4), (1, 400, 400), (400, 400, 1)):  # fmt: skip
        values = [RNG.normal(size=s).astype(dtype) for s in ((m, k), (k, n))]
        if k == 0:
            continue
        assert_same(jitted, reference, values, 1e-3 if dtype == "float32" else 1e-10)


def test_numpys_own_blas_is_found():
    assert all(numba_blas.product_address(letter)[0] for letter in "sd")


def ulps(found, exact):
    """Distances in units in the last place of the float32 nearest to `exact`."""
    nearest = exact.astype("float32")
    unit = np.spacing(np.abs(nearest)).astype("float64")
    finite = np.isfinite(nearest) & np.isfinite(found)
    with np.errstate(invalid="ignore"):
        distance = np.where(finite, np.abs(found - exact) / unit, 0)
    same = (found == nearest) | (np.isnan(found) & np.isnan(nearest))
    return np.where(finite | same, distance, np.inf)


def test_vectorised_functions_over_all_of_float32():
    """At most 4 units in the last place (1.5, measured), specials included."""
    x = T.fvector("x")
    f = ss.function([x], [T.exp(x), T.log(x), T.tanh(x)], target="numba")
    exact = (np.exp, np.log, np.tanh)
    some = np.array(SPECIAL, "float32")
    near = (1 + np.arange(-20_000, 20_000) * 2.0**-23).astype("float32")
    dense = np.arange(0, 2**32, 1009, dtype="uint64").astype("uint32").view("float32")
    for values in (some, near, dense):
        with np.errstate(all="ignore"):
            wide = values.astype("float64")
            for found, function in zip(f(values), exact, strict=True):
                assert ulps(found, function(wide)).max() < 1.5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_keep_the_sign_of_zero(dtype):
    x = T.vector("x", dtype)
    kept = [T.tanh(x), T.sin(x), T.sqrt(x), T.expm1(x), T.log1p(x), T.floor(x)]
    f = ss.function([x], kept, target="numba")
    for found in f(np.array([0.0, -0.0] * 9, dtype)):
        assert np.signbit(found).tolist() == [False, True] * 9
        assert not found.any()


class Alarm(Exception):
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms here")
def test_a_signal_stops_a_loop_and_the_function_stays_usable():
    def stop(*_):
        raise Alarm

    count, step = T.lscalar("count"), ss.shared(np.float64(0), name="step")
    rows, _ = ss.scan(lambda x: x * 0.5 + 1, [], T.ones((), "float64"), n_steps=count)
    total = rows[-1]
    f = ss.function([count], total, updates={step: step + 1}, target="numba")
    expected = f(50)
    previous = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Alarm):
            f(10**10)  # half a minute
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert step.get_value() == 1
    assert f(50) == expected and step.get_value() == 2
    assert "interrupted(" in f.plan.source


PROGRAM = """
import sys
import numpy as np, symseq as ss, symseq.tensor as T
x = T.fmatrix("x")
f = ss.function([x], T.{function}(x) * 3, target="numba")
print(f(np.ones((2, 2), "float32")).tolist(), "numba" in sys.modules)
"""


def in_a_process_of_its_own(function, folder, program=PROGRAM):
    """What the program printed, without whether it imported numba; and whether."""
    made = subprocess.run(
        [sys.executable, "-c", program.format(function=function)],
        env={**os.environ, "SYMSEQ_CACHE": str(folder)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    printed, imported = made.stdout.strip().rsplit(" ", 1)
    return printed, imported == "True"


def test_a_second_process_compiles_nothing(tmp_path):
    """It does not even import numba; another function does, once."""
    first, compiled = in_a_process_of_its_own("tanh", tmp_path)
    second, again = in_a_process_of_its_own("tanh", tmp_path)
    assert first == second and (compiled, again) == (True, False)
    assert not list(tmp_path.glob("*.tmp"))
    assert in_a_process_of_its_own("exp", tmp_path)[1]


def test_machine_code_that_is_not_whole_is_made_again(tmp_path):
    first, _ = in_a_process_of_its_own("tanh", tmp_path)
    (file,) = tmp_path.glob("*.machine")
    whole = file.read_bytes()
    for torn in (b"", whole[:100], whole[:-100], whole[:-1] + b"?"):
        file.write_bytes(torn)
        assert in_a_process_of_its_own("tanh", tmp_path) == (first, True)
        assert len(file.read_bytes()) == len(whole)


def test_numbas_own_cache_holds_nothing(tmp_path):
    """It unpickles files that may be torn; the products' module would be in it."""
    program = PROGRAM.replace("T.{function}(x)", "T.dot(x, x)")
    in_a_process_of_its_own("", tmp_path, program)
    assert {path.suffix for path in tmp_path.rglob("*")} == {".py", ".machine"}


def test_what_the_process_lacks_is_not_loaded():
    lacking = numba_machine.Piece("f", "f_symbol", 1, ("no_such_function_",), b"")
    assert numba_machine.bound([lacking]) is None


BROKEN = """
import sys, warnings
import numpy as np, symseq as ss, symseq.tensor as T
x = T.dvector("x")
with warnings.catch_warnings(record=True) as caught:
    f, g = (ss.function([x], x * k, target="numba") for k in (2, 3))
assert "target numpy" in repr(f) and "target numpy" in repr(g)
assert f(np.ones(2)).tolist() == [2, 2] and g(np.ones(2)).tolist() == [3, 3]
print([str(warning.message) for warning in caught], "{function}" in sys.modules)
"""


@pytest.mark.parametrize("name", ["numba", "llvmlite"])
def test_a_numba_that_cannot_be_imported_is_done_without(tmp_path, monkeypatch, name):
    """As one that is too old for this NumPy: one warning, and the numpy target runs."""
    package = tmp_path / "packages" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('needs NumPy 1')\n")
    monkeypatch.setenv("PYTHONPATH", str(package.parent), prepend=os.pathsep)
    cache = tmp_path / "cache"
    printed, _ = in_a_process_of_its_own("numba", cache, BROKEN)
    assert printed.count("is installed, but cannot be imported") == 1
    assert "(ImportError: needs NumPy 1)" in printed and '"numpy", slower' in printed


def test_without_numba_numpy_runs_after_one_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    targets.warn_once.cache_clear()
    x = T.dvector("x")
    with pytest.warns(UserWarning, match="numba is not installed") as caught:
        f = ss.function([x], x * 2, target="numba")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ss.function([x], x * 3, target="numba")
    assert "copyto" in f.plan.source or "multiply" in f.plan.source
    np.testing.assert_array_equal(f(np.ones(2)), [2, 2])
    targets.warn_once.cache_clear()
