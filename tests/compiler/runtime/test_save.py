"""A saved plan gives the same numbers with NumPy alone."""

import subprocess
import sys

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import UsageError
from symseq.tensor.shared_randomstreams import RandomStreams

# Runs a saved file where symseq cannot be imported.
ALONE = """
import sys
sys.modules["symseq"] = None
import numpy as np, {name} as plan
inputs = np.load("inputs.npz")
arrays = [inputs[str(k)] for k in range(len(inputs.files))]
for call in range(2):
    made = plan.step(*arrays)
made = made if isinstance(made, list) else [made]
np.savez("made.npz", *made, **{{"shared_" + k: v for k, v in plan.shared.items()}})
"""


def run_alone(folder, name, inputs):
    np.savez(folder / "inputs.npz", **{str(k): a for k, a in enumerate(inputs)})
    command = [sys.executable, "-c", ALONE.format(name=name)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return dict(np.load(folder / "made.npz"))


def training():
    """Embedding, dropout, loop, softmax, gradient and update: helpers of all kinds."""
    rng = np.random.default_rng(0)
    ids, labels = T.lmatrix("ids"), T.lvector("lambda")  # a keyword as a name
    table = ss.shared(rng.normal(size=(9, 4)), "table")
    u = ss.shared(rng.normal(size=(4, 4)) * 0.3, "u")
    noise = RandomStreams(3).binomial((4,), p=0.5)
    x = table[ids] * noise

    def step(x_t, h):
        return T.nnet.sigmoid(x_t + T.dot(h, u))

    h, _ = ss.scan(step, x, T.zeros((ids.shape[1], 4), "float64"))
    log_p = T.nnet.logsoftmax(h[-1])
    cost = -log_p[T.arange(labels.shape[0]), labels].mean()
    order = T.argsort(T.cumsum(h[-1], axis=1), axis=1)
    updates = [(p, p - 0.1 * T.grad(cost, p)) for p in (table, u)]
    f = ss.function([ids, labels], [cost, order], updates=updates, name="train")
    return f, (rng.integers(0, 9, (5, 3)), rng.integers(0, 4, 3)), (table, u)


def test_the_file_gives_the_same_numbers(tmp_path):
    f, inputs, shared = training()
    f.plan.save(tmp_path / "step.py", *(a.shape for a in inputs))
    found = run_alone(tmp_path, "step", inputs)
    f(*inputs)
    for k, made in enumerate(f(*inputs)):
        np.testing.assert_array_equal(found[f"arr_{k}"], made)
    for variable in shared:
        np.testing.assert_array_equal(
            found[f"shared_{variable.name}"], variable.get_value()
        )


def test_it_prints_a_line_and_is_written_whole(tmp_path):
    f, inputs, _ = training()
    f(*inputs)
    f.plan.save(tmp_path / "last.py")  # the lengths of the last call
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["last.npz", "last.py"]
    command = [sys.executable, "last.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "train: one step on zeros gives" in done.stdout, done.stderr
    (tmp_path / "last.npz").write_bytes(b"another")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "not the file that belongs" in done.stderr


def test_numbers_and_constants_stand_in_the_text(tmp_path):
    x = T.dvector("x")
    f = ss.function([x], T.switch(x > 0, x * np.inf, np.array([1.0, np.nan, 0.1]) - x))
    f.plan.save(tmp_path / "plain.py", (3,))
    assert [path.name for path in tmp_path.iterdir()] == ["plain.py"]
    values = np.array([1.0, -2.0, -3.0])
    found = run_alone(tmp_path, "plain", [values])
    np.testing.assert_array_equal(found["arr_0"], f(values))


def test_a_minibatch_is_taken_by_its_number(tmp_path):
    data, k = ss.shared(np.arange(24.0).reshape(8, 3), "data"), T.lscalar("k")
    f = ss.function([k], data[k * 2 : (k + 1) * 2] * 2)
    f(0)
    f.plan.save(tmp_path / "batch.py")
    found = run_alone(tmp_path, "batch", [np.array(3)])
    np.testing.assert_array_equal(found["arr_0"], f(3))


def test_the_user_s_functions_are_refused(tmp_path):
    x = T.dvector("x")
    y = ss.op(numpy=lambda a: a * 2, vjp=None)(x)
    f = ss.function([x], y + 1)
    with pytest.raises(UsageError, match="no NumPy text"):
        f.plan.save(tmp_path / "own.py", (3,))
    assert not list(tmp_path.iterdir())


def test_lengths_must_be_known(tmp_path):
    x = T.dvector("x")
    f = ss.function([x], x + 1)
    with pytest.raises(UsageError, match="before the first call"):
        f.plan.save(tmp_path / "step.py")
    masked = ss.function([x], x[x > 0])
    with pytest.raises(UsageError, match="only the run knows"):
        masked.plan.save(tmp_path / "step.py", (3,))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    x = T.dvector("x")
    f = ss.function([x], x * 2)
    with pytest.raises(UsageError, match=r"no folder '.*nowhere'"):
        f.plan.save(tmp_path / "nowhere" / "step.py", x=(3,))
