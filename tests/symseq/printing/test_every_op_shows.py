"""Every registered op prints and draws on its own cases."""

import numpy as np
import pytest

import symseq  # noqa: F401  (registers the ops)
from symseq.draw.picture import draw
from symseq.ops.convert import constant
from symseq.ops.registry import REGISTRY
from symseq.printing.debugprint import debugprint
from symseq.printing.pprint import pprint


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=str)
def test_op_shows(entry):
    for case in entry.cases(np.random.default_rng(0)):
        values = [
            constant(np.asarray(value), name=f"v{k}")
            for k, value in enumerate(case.inputs)
        ]
        outputs = list(case.op.make(*values))
        assert "object at 0x" not in pprint(outputs)
        assert "function <" not in pprint(outputs)
        assert all(f"v{k}" in draw(outputs).dot for k in range(len(values)))
        assert debugprint(outputs, True, "str").count("[id") > len(values)
