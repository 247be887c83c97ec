"""Random programs give the same numbers from a saved file, or are refused."""

import importlib.util
import sys

import numpy as np
import pytest
from random_programs import Program

import symseq as ss
from symseq.errors import UsageError

LEAST = 3  # of each block of programs, so many must be saved


def load(path, monkeypatch):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("block", range(4))
def test_saved_programs(block, tmp_path, monkeypatch):
    saved = 0
    for seed in range(8 * block, 8 * block + 8):
        program = Program(seed)
        start = [s.get_value() for s in program.shared]
        f = ss.function(
            program.inputs, program.outputs, updates=program.updates,
            on_unused_input="ignore", no_default_updates=True,
        )  # fmt: skip
        values = program.values(0)
        wanted = f(*values)
        after = [s.get_value() for s in program.shared]
        for s, value in zip(program.shared, start, strict=True):
            s.set_value(value)
        path = tmp_path / f"saved_{seed}.py"
        try:
            f.plan.save(path)
        except UsageError:
            continue
        module = load(path, monkeypatch)
        made = module.step(*values)
        made = made if isinstance(made, list) else [made]
        for a, b in zip(made, wanted, strict=True):
            np.testing.assert_array_equal(a, b)
        for s, value in zip(program.shared, after, strict=True):
            if s.name in module.shared:
                np.testing.assert_array_equal(module.shared[s.name], value)
        saved += 1
    assert saved >= LEAST
