"""What decides a binding: lengths of a call's arrays, and the lengths values decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symseq.graph import SharedVariable
from symseq.scan.op import Scan
from symseq.types import Array

from ..lower.scope import Lengths, Scope, shaping_nodes
from .bind import Sizes

Signature = tuple[Any, ...]


class Signatures:
    """Calls with equal signatures share every view; each call asks for its own."""

    def __init__(self, scope: Scope, lengths: Lengths) -> None:
        self.shaping = shaping_nodes(scope, lengths)
        self.deciders = {id(node) for node in lengths.deciders}

    def of(
        self, arrays: Mapping[int, Array], shared: Sequence[SharedVariable]
    ) -> Signature:
        lengths = tuple([array.shape for array in arrays.values()])
        versions = tuple([variable.version for variable in shared])
        if not self.deciders:
            return lengths, versions
        sizes = Sizes(arrays)
        decided: list[Any] = []
        for node in self.shaping:
            sizes.infer(node)
            if id(node) in self.deciders:
                decided.append([sizes.of(v) for v in node.outputs])
                if isinstance(node.op, Scan):
                    reads = node.op.length_inputs()
                    decided.append([sizes.held(node.inputs[k]) for k in reads])
        return lengths, versions, repr(decided)
