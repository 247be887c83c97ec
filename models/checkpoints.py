"""Arrays by name in a safetensors file: written whole or not at all, read with care."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from symseq.errors import CheckpointError
from symseq.files import write_whole
from symseq.graph import SharedVariable
from symseq.span import here
from symseq.types import Array

NOTES, DIGEST = "symseq", "sha256"


def write(path: str | Path, arrays: Mapping[str, Array], **notes: Any) -> None:
    """Save `arrays` and `notes` (anything that JSON can say) under `path`.

    Whoever stops the program at whatever moment finds the old file or the new one.
    """
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # ascontiguousarray makes scalars vectors; a parameter keeps its rank.
    whole = {name: whole[name].reshape(arrays[name].shape) for name in whole}
    told = json.dumps(notes)
    data = save(whole, metadata={NOTES: told, DIGEST: _digest(whole, told)})
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, data)


def read(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the notes of the file at `path`.

    Raises: CheckpointError where it is missing, damaged, or was not written by `write`.
    """
    file = Path(path)
    if not file.is_file():
        raise _error(f"a checkpoint is a file; there is none at {file}")
    try:
        with safe_open(file, framework="numpy") as opened:
            said = opened.metadata() or {}
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise _error(
            f"a checkpoint must be a whole safetensors file; {file} is not: {error}",
            "it may be cut short or be another kind of file; use an older checkpoint",
        ) from error
    if NOTES not in said or DIGEST not in said:
        raise _error(f"a checkpoint is written by symseq; {file} was not")
    if _digest(arrays, said[NOTES]) != said[DIGEST]:
        raise _error(
            f"a checkpoint's values and notes must match its digest; {file} does not",
            "the file was damaged after it was written; use an older checkpoint",
        )
    return arrays, json.loads(said[NOTES])


def restore(
    variables: Mapping[str, SharedVariable],
    arrays: Mapping[str, Array],
    path: str | Path,
) -> None:
    """Give each variable the array of its name; where one does not fit, change nothing.

    Raises: CheckpointError that names the first that does not fit.
    """
    _check_names(set(variables), set(arrays), path)
    for name, variable in variables.items():
        array = arrays[name]
        wanted = (variable.storage.dtype.name, variable.storage.shape)
        if (array.dtype.name, array.shape) != wanted:
            raise _error(
                f"{name} must be {_show(variable.storage)}; {path} has {_show(array)}",
                "the model was made with other sizes or another floatX",
            )
    for name, variable in variables.items():
        variable.set_value(arrays[name])


def _check_names(wanted: set[str], found: set[str], path: str | Path) -> None:
    missing, extra = sorted(wanted - found), sorted(found - wanted)
    if missing or extra:
        parts = [f"lacks {', '.join(missing[:3])}"] if missing else []
        parts += [f"also has {', '.join(extra[:3])}"] if extra else []
        raise _error(
            f"a checkpoint must have the model's {len(wanted)} names; "
            f"{path} {' and '.join(parts)}",
            "it was saved from another model or with another optimizer",
        )


def _digest(arrays: Mapping[str, Array], notes: str) -> str:
    digest = hashlib.sha256(notes.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {_show(arrays[name])} ".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _show(array: Array) -> str:
    return f"{array.dtype.name}{list(array.shape)}"


def _error(rule: str, hint: str = "") -> CheckpointError:
    return CheckpointError(rule, hint=hint).at(here())
