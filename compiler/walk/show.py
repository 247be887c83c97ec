"""A walk as text, as a table in a terminal, and as a piece of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from rich.console import Group, RenderableType
from rich.markup import escape as plain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from symseq.span import Span

from .record import Entered, Value

INDENT = "    "
WIDE = 88

Item = Value | Entered
Above = Entered | Span | None


def parts(items: Sequence[Item]) -> Iterator[tuple[int, Above, list[Value]]]:
    """(depth, what stands above, values): a body entered, a user's line, or None.

    Values of one line that follow each other are together; None is for what is given.
    """
    depth, above, rows = 0, None, list[Value]()
    for item in items:
        if isinstance(item, Entered):
            if rows:
                yield depth, above, rows
            yield item.depth + 1, item, []
            rows = []
        elif not item.hidden:
            if rows and (item.depth, str(item.span)) != (depth, str(above)):
                yield depth, above, rows
                rows = []
            depth, above = item.depth, item.span
            rows.append(item)
    if rows:
        yield depth, above, rows


def heading(depth: int, above: Above) -> tuple[str, str]:
    """(place, words) over some values."""
    if isinstance(above, Entered):
        return "", above.title
    if above is None:
        return "", "comes in" if depth else "given"
    return str(above), above.text


def equation(value: Value) -> str:
    return f"{value.name} = {value.made}" if value.made else value.name


def text(items: Sequence[Item], error: Exception | None) -> str:
    """The walk in lines of plain text."""
    lines: list[str] = []
    for depth, above, values in parts(items):
        margin = INDENT * depth
        if isinstance(above, Entered):
            lines += ["", INDENT * (depth - 1) + f"── {above.title}"]
            continue
        lines += ["", margin + "  ".join(filter(None, heading(depth, above)))]
        wide = max(len(equation(v)) for v in values)
        for value in values:
            lines += _value_lines(value, margin + INDENT, min(wide, 40))
    if error is not None:
        lines += ["", f"stopped: {type(error).__name__}: {error}"]
    return "\n".join(lines).strip("\n")


def _value_lines(value: Value, margin: str, wide: int) -> list[str]:
    head = f"{margin}{equation(value):{wide}}  {value.type}"
    body = value.text.splitlines()
    if len(body) == 1 and len(head) + len(body[0]) + 2 <= WIDE:
        lines = [f"{head}  {body[0]}"]
    else:
        lines = [head, *(f"{margin}{INDENT}{line}" for line in body)]
    if value.problem:
        lines.append(f"{margin}{INDENT}! {value.problem}")
    return lines


def table(items: Sequence[Item], error: Exception | None) -> RenderableType:
    """The walk for rich."""
    blocks: list[RenderableType] = []
    for depth, above, values in parts(items):
        place, words = heading(depth, above)
        if isinstance(above, Entered):
            title = Text(f"── {words}", style="bold cyan")
            blocks.append(Padding(title, (1, 0, 0, 4 * depth - 4)))
            continue
        head = Text.assemble((place, "dim"), "  " if place else "", (words, "bold"))
        rows = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for value in values:
            cells = [Text(value.text)]
            if value.problem:
                cells.append(Text(f"! {value.problem}", style="bold red"))
            rows.add_row(
                plain(equation(value)), Text(value.type, style="green"), Group(*cells)
            )
        blocks.append(Padding(head, (1, 0, 0, 4 * depth)))
        blocks.append(Padding(rows, (0, 0, 0, 4 * depth + 4)))
    if error is not None:
        blocks.append(Text(f"\nstopped: {type(error).__name__}: {error}", "bold red"))
    return Group(*blocks)


PAGE = "font:13px/1.45 system-ui,sans-serif;color:#222;background:#fff;padding:6px"
CODE = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px"
CELL = (
    f"{CODE};text-align:left;vertical-align:top;padding:1px 14px 1px 0;white-space:pre"
)
BODY = "border-left:3px solid #56B4E9;margin:8px 0 8px 10px;padding-left:12px"


def html(items: Sequence[Item], error: Exception | None) -> str:
    """The walk for a notebook: a loop is a block that can be closed."""
    made, deep = [f'<div style="{PAGE}">'], 0
    for depth, above, values in parts(items):
        inner = depth if not isinstance(above, Entered) else depth - 1
        while deep > inner:
            made.append("</details>")
            deep -= 1
        place, words = map(escape, heading(depth, above))
        if isinstance(above, Entered):
            made.append(
                f'<details open style="{BODY}"><summary><b>{words}</b></summary>'
            )
            deep += 1
            continue
        made.append(
            f'<div style="margin-top:9px;color:#777">{place} '
            f'<span style="{CODE};color:#222;font-weight:600">{words}</span></div>'
        )
        made.append('<table style="border-collapse:collapse;margin-left:16px">')
        made += [_html_row(value) for value in values]
        made.append("</table>")
    made += ["</details>"] * deep
    if error is not None:
        said = escape(f"stopped: {type(error).__name__}: {error}")
        made.append(f'<pre style="color:#C1272D;margin-top:9px">{said}</pre>')
    return "".join([*made, "</div>"])


def _html_row(value: Value) -> str:
    mark = f"! {value.problem}" if value.problem else ""
    cells = (
        (equation(value), ""),
        (value.type, "color:#00795A"),
    )
    shown = "".join(
        f'<td style="{CELL};{style}">{escape(cell)}</td>' for cell, style in cells
    )
    problem = f'<div style="color:#C1272D;font-weight:600">{escape(mark)}</div>'
    last = f"{escape(value.text)}{problem if mark else ''}"
    return f'<tr style="background:none">{shown}<td style="{CELL}">{last}</td></tr>'
