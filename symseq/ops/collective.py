"""Sums over workers that train one model on parts of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.convert import as_tensor
from symseq.ops.custom import CustomOp
from symseq.types import Array

How = Literal["sum", "mean"]


@dataclass(frozen=True)
class AllReduce:
    """What every worker calls with its array; all get the sum, or the mean."""

    how: How
    comm: Any

    def __call__(self, x: Array) -> Array:
        total = self._sum(x)
        return total if self.how == "sum" else (total / self._workers()).astype(x.dtype)

    def _sum(self, x: Array) -> Array:
        if not hasattr(self.comm, "Allreduce"):
            return np.asarray(self.comm(x))
        received = np.empty(x.shape, x.dtype)
        self.comm.Allreduce(np.ascontiguousarray(x), received)
        return received

    def _workers(self) -> int:
        if hasattr(self.comm, "Get_size"):
            return int(self.comm.Get_size())
        return round(float(self._sum(np.ones(1))[0]))

    def vjp(self, x: Variable, y: Variable, g: Variable) -> Variable:
        """Every worker's result reads x: their cotangents add up in the same way."""
        return all_reduce(g, self.how, comm=self.comm)


def all_reduce(x: object, how: How = "sum", *, comm: Any) -> Variable:
    """Σ x over all workers, or its mean: ``all_reduce(grad, "mean", comm=COMM_WORLD)``.

    Every worker runs the same graph on data of its own; the call waits for all of them,
    between gradient and update, before any shared variable is written.

    Args:
        comm: has ``Allreduce(sendbuf, recvbuf)``, which sums (as a communicator of
            mpi4py), or is a function from an array to the sum over the workers. For
            means ``Get_size()`` is asked, else the workers are counted.

    Shapes: those of x, the same on every worker.
    Raises: UsageError for another `how`, for integers' mean, for a `comm` like neither.
    """
    variable = as_tensor(x)
    if how not in ("sum", "mean"):
        raise UsageError(f'all_reduce takes "sum" or "mean"; got {how!r}')
    if how == "mean" and not variable.type.is_float:
        raise UsageError(f"the mean over workers is of floats; got {variable.type}")
    if not (hasattr(comm, "Allreduce") or callable(comm)):
        raise UsageError(
            f"all_reduce needs a comm with Allreduce, or a function; got {comm!r}",
            hint="from mpi4py import MPI; comm=MPI.COMM_WORLD",
        )
    work = AllReduce(how, comm)
    return CustomOp("all_reduce", work, work.vjp)(variable)
