"""A symbolic graph framework for sequence models: ``import symseq as ss``."""

from symseq import (
    compat,
    compile,
    configdefaults,
    errors,
    gradient,
    ifelse,
    printing,
    sandbox,
    scalar,
    scan_module,
    serialize,
    tensor,
)
from symseq.cloning import clone
from symseq.compiler.autodiff.forward import Lop, Rop
from symseq.compiler.autodiff.gradient import grad
from symseq.compiler.autodiff.jacobian import hessian, hessian_vector_product, jacobian
from symseq.compiler.autodiff.verify import verify_grad
from symseq.compiler.eval import evaluate
from symseq.compiler.function import Function, In, Mode, Out, Param, function
from symseq.compiler.summary.summary import summary
from symseq.compiler.walk.walk import walk
from symseq.compiler.watch import NanGuard
from symseq.config import config
from symseq.draw.picture import draw
from symseq.draw.unroll import unroll_picture
from symseq.explore.explore import explore
from symseq.graph import Apply, Constant, Op, SharedVariable, Variable
from symseq.lengths import Dim, dim, dims
from symseq.networks import to_networkx
from symseq.ops.collective import all_reduce
from symseq.ops.custom import op
from symseq.ops.custom_gradient import custom_gradient
from symseq.ops.vectorize import vectorize
from symseq.printing.debugprint import debugprint
from symseq.printing.equations import equations
from symseq.printing.pprint import pp, pprint
from symseq.scan.frontend import scan
from symseq.scan.returns import until
from symseq.scan.views import foldl, foldr, map, reduce
from symseq.span import group
from symseq.types import TensorType
from symseq.variables import shared

__version__ = "0.1.0"

__all__ = [
    "Apply",
    "Constant",
    "Dim",
    "Function",
    "In",
    "Lop",
    "Mode",
    "NanGuard",
    "Op",
    "Out",
    "Param",
    "Rop",
    "SharedVariable",
    "TensorType",
    "Variable",
    "all_reduce",
    "clone",
    "compat",
    "compile",
    "config",
    "configdefaults",
    "custom_gradient",
    "debugprint",
    "dim",
    "dims",
    "draw",
    "equations",
    "errors",
    "evaluate",
    "explore",
    "foldl",
    "foldr",
    "function",
    "grad",
    "gradient",
    "group",
    "hessian",
    "hessian_vector_product",
    "ifelse",
    "jacobian",
    "map",
    "op",
    "pp",
    "pprint",
    "printing",
    "reduce",
    "sandbox",
    "scalar",
    "scan",
    "scan_module",
    "serialize",
    "shared",
    "summary",
    "tensor",
    "to_networkx",
    "unroll_picture",
    "until",
    "vectorize",
    "verify_grad",
    "walk",
]
