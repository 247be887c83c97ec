"""The commands of `symseq`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from symseq import __version__
from symseq.cli import train
from symseq.cli.bench import bench as measure
from symseq.cli.bench import installed_targets
from symseq.cli.load import load
from symseq.cli.options import (
    Inputs,
    Json,
    Lengths,
    What,
    check_place,
    command,
    shapes_of,
    write_json,
)
from symseq.compiler.summary.summary import WIDTH
from symseq.compiler.summary.summary import summary as summarize
from symseq.draw.picture import STYLES
from symseq.draw.unroll import unroll_picture
from symseq.errors import UsageError
from symseq.explore.explore import explore as make_page

DRAWERS = {**STYLES, "unrolled": unroll_picture}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(train.app, name="train")


def version(asked: bool) -> None:
    if asked:
        print(f"symseq {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True)
    ] = False,
) -> None:
    """Look at sequence models, time them, train them."""


@app.command()
@command
def draw(
    what: What,
    out: Annotated[
        Path | None, typer.Argument(help=".svg, .png, .pdf or .dot  [NAME.svg]")
    ] = None,
    inputs: Inputs = None,
    style: Annotated[str, typer.Option(help=", ".join(DRAWERS))] = "graph",
    detail: Annotated[
        str | None, typer.Option(help="graph: layers, ops or full")
    ] = None,
    max_nodes: Annotated[
        int | None, typer.Option(help="graph, arrays: how much to draw at most")
    ] = None,
    highlight: Annotated[
        list[str] | None,
        typer.Option(
            help="graph: a variable; what leads from one to the next is strong"
        ),
    ] = None,
    rewritten: Annotated[
        bool | None, typer.Option("--rewritten", help="graph: a function's, as it runs")
    ] = None,
    legend: Annotated[
        bool | None, typer.Option(help="graph: explain the shapes")
    ] = None,
    shape: Lengths = None,
    steps: Annotated[int | None, typer.Option(help="unrolled: how many steps")] = None,
    see: Annotated[
        int | None, typer.Option(help="unrolled: stress what this step sees; -1: last")
    ] = None,
) -> None:
    """A picture: the graph, its arrays, its cells, or its loops unrolled."""
    given = {
        "detail": detail, "max_nodes": max_nodes, "highlight": highlight or None,
        "rewritten": rewritten, "legend": legend, "shapes": shapes_of(shape) or None,
        "steps": steps, "see": see,
    }  # fmt: skip
    drawer, options = _chosen(style, given)
    if out is not None:
        check_place(out)
    loaded = load(what)
    if highlight:
        options["highlight"] = [loaded.variable(name) for name in highlight]
    to = out or Path(f"{loaded.name}.svg")
    drawer(loaded.called(inputs), **options).save(to)
    print(to)


def _chosen(style: str, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What draws a style, and the options that were given, which it must take."""
    if style not in DRAWERS:
        raise UsageError(f"--style is one of {', '.join(DRAWERS)}; got {style!r}")
    options = {name: value for name, value in given.items() if value is not None}
    taken = inspect.signature(DRAWERS[style]).parameters
    for name in options:
        if name not in taken:
            said = "--shape" if name == "shapes" else "--" + name.replace("_", "-")
            raise UsageError(f"{said} is not for --style {style}")
    return DRAWERS[style], options


@app.command()
@command
def explore(
    what: What,
    out: Annotated[Path, typer.Argument(help="the page, ending in .html")],
    inputs: Inputs = None,
    shape: Lengths = None,
    title: Annotated[str | None, typer.Option(help="what the page is called")] = None,
) -> None:
    """One HTML page to look around in the graph; it needs no network and no server."""
    check_place(out)
    given = shapes_of(shape) or None
    make_page(load(what).called(inputs), out, shapes=given, title=title)
    print(out)


@app.command()
@command
def summary(
    what: What, inputs: Inputs = None, shape: Lengths = None, json_file: Json = None
) -> None:
    """A table by groups: shapes, parameters, flops, bytes kept for the gradient."""
    if json_file is not None:
        check_place(json_file)
    found = summarize(load(what).called(inputs), shapes=shapes_of(shape))
    show(found)
    if json_file is not None:
        rows = [{k: _plain(v) for k, v in row.items()} for row in found.rows]
        write_json(json_file, rows)


@app.command()
@command
def bench(
    what: What,
    inputs: Inputs = None,
    shape: Lengths = None,
    target: Annotated[
        list[str] | None, typer.Option(help="may be repeated  [all that are installed]")
    ] = None,
    rounds: Annotated[int, typer.Option(help="calls timed of each target")] = 9,
    json_file: Json = None,
) -> None:
    """Time a graph or a function on each target, in turns, its results compared."""
    if json_file is not None:
        check_place(json_file)
    targets = list(dict.fromkeys(target or installed_targets()))
    value = load(what).called(inputs)
    found = measure(value, shapes_of(shape), targets=targets, rounds=rounds)
    show(found)
    if json_file is not None:
        write_json(json_file, found.data())


app.command()(train.classify)
app.command()(train.write)


def show(table: RenderableType) -> None:
    """Print a table: as wide as it is where no terminal limits it."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(table)


def _plain(value: Any) -> Any:
    """A number as it is, a polynomial of lengths as its text."""
    return value if isinstance(value, (int, str, list)) else str(value)
