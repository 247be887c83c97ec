"""Settings, read once from SYMSEQ_FLAGS and THEANO_FLAGS, changed by assignment."""

import os
from typing import Any

from symseq.errors import UsageError

FLOATS = ("float32", "float64")


class Section:
    """A named group of accepted settings, such as ``config.scan``."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise UsageError(f"config has no setting {name!r}")


class Config(Section):
    """Everything a program may set.

    ``floatX`` (float32 or float64) is the dtype of new floating-point variables and of
    integer division. ``blas_threads`` is how many threads matrix products get; 0 leaves
    it to each plan. ``profile=True`` profiles every function. The other names are
    Theano's: they are accepted and ignored.
    """

    floatX: str
    blas_threads: int

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "floatX" and value not in FLOATS:
            raise UsageError(f"floatX must be one of {FLOATS}; got {value!r}")
        if name == "blas_threads":
            value = _count(name, value)
        super().__setattr__(name, value)


def _count(name: str, value: object) -> int:
    text = str(value)
    if not text.isdecimal():
        raise UsageError(f"{name} must be a number of threads, or 0; got {value!r}")
    return int(text)


def parse_flags(text: str) -> dict[str, str]:
    """'floatX=float64,device=cpu' → {'floatX': 'float64', 'device': 'cpu'}."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def from_environment(environ: dict[str, str]) -> Config:
    """The default settings overlaid by THEANO_FLAGS, then by SYMSEQ_FLAGS."""
    made = Config(
        floatX="float32",
        blas_threads=0,
        device="cpu",
        optimizer="default",
        mode="Mode",
        compute_test_value="off",
        exception_verbosity="low",
        allow_gc=True,
        profile=False,
        int_division="floatX",
        on_unused_input="raise",
        scan=Section(allow_gc=False, allow_output_prealloc=True),
        warn=Section(subtensor_merge_bug=False),
    )
    for variable in ("THEANO_FLAGS", "SYMSEQ_FLAGS"):
        for name, value in parse_flags(environ.get(variable, "")).items():
            if name == "floatX" or (variable == "SYMSEQ_FLAGS" and "." not in name):
                setattr(made, name, value)
    return made


config = from_environment(dict(os.environ))
