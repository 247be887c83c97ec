"""The table of all rewrites, made from their docstrings, for docs/design/rewrites.md.

python -c "from symseq.compiler.passes.listing import table; print(table())"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..rewrite.rules import RuleSet, equation_of
from .bags import BAGS
from .contract import CONTRACT
from .ends import ENDS
from .merge_slices import merge_slices
from .order_scatters import ORDER_SCATTERS
from .pick_logits import pick_logits
from .share_softmax import share_softmax
from .simplify import SMALLER
from .stabilise import STABLE

STAGES: Mapping[str, Mapping[str, RuleSet]] = {
    "intern": {"ends": ENDS},
    "stabilise": STABLE,
    "simplify": SMALLER,
    "contract": {"sums": CONTRACT},
    "rows": {"sums": BAGS, "scatters": ORDER_SCATTERS},
}
WHOLE_GRAPH: tuple[Callable[..., object], ...] = (
    share_softmax,
    pick_logits,
    merge_slices,
)


def table() -> str:
    """All rules as a table in Markdown: pass, kind, name, equation."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| pass | rule | equation |"
    yield "|---|---|---|"
    for stage, kinds in STAGES.items():
        for kind, rules in kinds.items():
            for name, equation in rules.equations().items():
                yield f"| {stage}: {kind} | {name} | {_escaped(equation)} |"
    for pass_ in WHOLE_GRAPH:
        name = pass_.__name__.replace("_", " ")
        yield f"| {name} | | {_escaped(equation_of(pass_))} |"


def _escaped(text: str) -> str:
    """Text in a cell of a table."""
    plain = text if text.endswith("...") else text.removesuffix(".")
    return plain.replace("|", "\\|")
