"""Einstein sums: products of arrays with named axes, as pairwise matrix products."""

from __future__ import annotations

from collections.abc import Sequence

from symseq import lengths
from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable
from symseq.ops.convert import as_tensor, common_dtype
from symseq.ops.dimshuffle import Axis, dimshuffle
from symseq.ops.matrices import diagonal
from symseq.ops.products import paired, tensordot


def einsum(subscripts: str, *operands: object) -> Variable:
    """Σ over the letters that the output lacks, of the operands' product.

    ``einsum("bid,bjd->bij", x, y)``: a letter names an axis; without ``->`` the output
    has the letters that occur once, in alphabetical order. A letter that an operand has
    twice stands for its diagonal. ``...`` stands for the axes without letters, which
    broadcast from the right: ``einsum("...ij,jk->...ik", x, w)``.

    Raises: UsageError for letters that do not fit; ShapeError for ranks or lengths that
        do not.
    """
    if "." in subscripts:
        subscripts, operands = _with_letters(subscripts, operands)
    inputs, output = _parse(subscripts, len(operands))
    dtype = common_dtype(operands)
    dtype = "int8" if dtype == "bool" else dtype
    parts = [
        _diagonals(letters, as_tensor(operand, dtype))
        for letters, operand in zip(inputs, operands, strict=True)
    ]
    _check_lengths(parts)
    made, letters = parts[0][1], parts[0][0]
    for k, (other_letters, other) in enumerate(parts[1:], 1):
        wanted = set(output).union(*(later for later, _ in parts[k + 1 :]))
        letters, made = _pair(letters, made, other_letters, other, wanted)
    letters, made = _sum_out(letters, made, set(output))
    return dimshuffle(made, [letters.index(letter) for letter in output])


def _with_letters(
    subscripts: str, operands: Sequence[object]
) -> tuple[str, tuple[object, ...]]:
    """Greek letters for the axes of ``...``; an operand drops a 1 that is stretched."""
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    dotted = [one.count(".") for one in (*inputs, output)]
    once = all(
        n == 3 * one.count("...")
        for n, one in zip(dotted, (*inputs, output), strict=True)
    )
    if not once or max(dotted) > 3 or len(inputs) != len(operands):
        raise UsageError(
            f"einsum takes one ... and one operand for each part; got {subscripts!r} "
            f"and {len(operands)} operands"
        )
    variables = [as_tensor(x) for x in operands]
    pairs = list(zip(inputs, variables, strict=True))
    ranks = [x.ndim - len(one) + 3 if "..." in one else 0 for one, x in pairs]
    if min(ranks) < 0:
        raise ShapeError(f"einsum {subscripts!r} has more letters than an operand axes")
    names = "".join(chr(ord("α") + k) for k in range(max(ranks)))
    if not arrow:
        used = left.replace(".", "").replace(",", "")
        output = "..." + "".join(sorted(c for c in set(used) if used.count(c) == 1))
    if names and "..." not in output:
        raise UsageError(
            f"einsum sums over no ...; got {subscripts!r}",
            hint="write ... in the output, and sum over its axes after",
        )
    own = [names[len(names) - rank :] for rank in ranks]
    stretched = {
        c
        for letters, (one, x) in zip(own, pairs, strict=True)
        for k, c in enumerate(letters, one.find("."))
        if not x.broadcastable[k]
    }
    made, parts = [], []
    for letters, (one, x), given in zip(own, pairs, operands, strict=True):
        start = one.find(".")
        gone = {
            k
            for k, c in enumerate(letters, start)
            if x.broadcastable[k] and c in stretched
        }
        kept = "".join(c for k, c in enumerate(letters, start) if k not in gone)
        parts.append(one.replace("...", kept))
        order: list[Axis] = [k for k in range(x.ndim) if k not in gone]
        made.append(dimshuffle(x, order) if gone else given)
    return f"{','.join(parts)}->{output.replace('...', names)}", tuple(made)


def _parse(subscripts: str, count: int) -> tuple[list[str], str]:
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    used = "".join(inputs)
    if not arrow:
        output = "".join(sorted(c for c in set(used) if used.count(c) == 1))
    known = all(c.isalpha() for c in used + output) and set(output) <= set(used)
    if not known or len(set(output)) != len(output):
        raise UsageError(
            "einsum's output names letters of the operands, each once; "
            f"got {subscripts!r}"
        )
    if len(inputs) != count:
        raise UsageError(
            f"einsum {subscripts!r} takes {len(inputs)} operands; got {count}"
        )
    return inputs, output


def _diagonals(letters: str, x: Variable) -> tuple[str, Variable]:
    """The operand with each letter once."""
    if len(letters) != x.ndim:
        raise ShapeError(
            f"einsum needs one letter per axis; got {letters!r} for {x.type}"
        )
    for letter in letters:
        while letters.count(letter) > 1:
            a = letters.index(letter)
            b = letters.index(letter, a + 1)
            lengths.meet(
                x.type.shape[a], x.type.shape[b], f"einsum: lengths of {letter!r}"
            )
            x = diagonal(x, 0, a, b)
            letters = letters[:a] + letters[a + 1 : b] + letters[b + 1 :] + letter
    return letters, x


def _check_lengths(parts: Sequence[tuple[str, Variable]]) -> None:
    known: dict[str, lengths.Length] = {}
    for letters, x in parts:
        for letter, length in zip(letters, x.type.shape, strict=True):
            what = f"einsum: lengths of {letter!r}"
            known[letter] = lengths.meet(known.get(letter), length, what)


def _sum_out(letters: str, x: Variable, wanted: set[str]) -> tuple[str, Variable]:
    """x summed over the letters that nobody wants."""
    axes = [k for k, letter in enumerate(letters) if letter not in wanted]
    if not axes:
        return letters, x
    return "".join(c for c in letters if c in wanted), x.sum(axis=axes, dtype=x.dtype)


def _pair(
    left: str, a: Variable, right: str, b: Variable, wanted: set[str]
) -> tuple[str, Variable]:
    """The product of two operands, summed over the letters that nobody wants later."""
    left, a = _sum_out(left, a, wanted | set(right))
    right, b = _sum_out(right, b, wanted | set(left))
    common = [letter for letter in left if letter in right]
    batch = [letter for letter in common if letter in wanted]
    inner = [letter for letter in common if letter not in wanted]
    rows = [letter for letter in left if letter not in common]
    columns = [letter for letter in right if letter not in common]
    if not inner:
        return _multiplied(left, a, right, b)
    ours, theirs = [left.index(c) for c in inner], [right.index(c) for c in inner]
    if not batch:
        return "".join(rows + columns), tensordot(a, b, [ours, theirs])
    one, other = [left.index(c) for c in batch], [right.index(c) for c in batch]
    made = paired(a, b, one, other, ours, theirs)
    return "".join(batch + rows + columns), made


def _multiplied(
    left: str, a: Variable, right: str, b: Variable
) -> tuple[str, Variable]:
    """The product without a sum: axes of the same letter together."""
    letters = left + "".join(c for c in right if c not in left)

    def spread(own: str, x: Variable) -> Variable:
        order: list[Axis] = [own.index(c) if c in own else "x" for c in letters]
        return dimshuffle(x, order)

    return letters, spread(left, a) * spread(right, b)
