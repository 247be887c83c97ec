"""``symseq train``, and what trained models are for: ``classify`` and ``write``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from symseq.cli.classifier import PRESETS, Texts, Told
from symseq.cli.classifier import learn as learn_classes
from symseq.cli.job import Job
from symseq.cli.language import CELLS, Writer
from symseq.cli.language import learn as learn_language
from symseq.cli.options import Json, check_place, command, write_json

Model = Annotated[Path, typer.Argument(help="what `symseq train` wrote")]
Out = Annotated[
    Path, typer.Option(help="the model; its curve and checkpoint lie beside it")
]
Resume = Annotated[bool, typer.Option("--resume", help="go on from the checkpoint")]
Target = Annotated[str, typer.Option(help="reference, numpy or numba")]

app = typer.Typer(help="Train a model on texts.", no_args_is_help=True)


@app.command("classifier")
@command
def train_classifier(
    texts: Annotated[
        Path | None,
        typer.Argument(
            help="a file of lines LABEL<tab>TEXT, or the film reviews aclImdb; else "
            "names in 18 languages (extra examples)"
        ),
    ] = None,
    out: Out = Path("classifier.safetensors"),
    by: Annotated[
        str | None, typer.Option(help="characters or words  [names: characters]")
    ] = None,
    width: Annotated[int | None, typer.Option(help="of embedding and LSTM")] = None,
    epochs: int | None = None,
    rate: float | None = None,
    target: Target = "numpy",
    seed: int = 0,
    resume: Resume = False,
    json_file: Json = None,
) -> None:
    """Tell the classes of texts: masked LSTM, mean over time, softmax."""
    began = perf_counter()
    read = Texts.read(texts, by, seed)
    size = PRESETS[read.by]
    many = size.epochs if epochs is None else epochs
    job = Job(out, many, rate or size.rate, seed, target, resume)
    _tell(job, learn_classes(job, read, width), began, json_file)


@app.command("language")
@command
def train_language(
    text: Annotated[Path, typer.Argument(help="a text in UTF-8")],
    out: Out = Path("language.safetensors"),
    cell: Annotated[str, typer.Option(help=", ".join(CELLS))] = "lstm",
    hidden: int = 128,
    epochs: int = 4,
    rate: float = 4e-3,
    target: Target = "numpy",
    seed: int = 0,
    resume: Resume = False,
    json_file: Json = None,
) -> None:
    """Foresee each character of a text from all before it."""
    began = perf_counter()
    job = Job(out, epochs, rate, seed, target, resume)
    _tell(job, learn_language(job, text, cell, hidden), began, json_file)


def _tell(job: Job, found: dict[str, Any], began: float, to: Path | None) -> None:
    found |= {"seconds": perf_counter() - began}
    for name, value in found.items():
        shown = f"{value:.4g}" if isinstance(value, float) else value
        print(f"{name:14} {shown}")
    print(job.out, job.beside(".curve.svg"))
    if to is not None:
        write_json(check_place(to), found | {"settings": job.settings()})


@command
def classify(
    model: Model, texts: Annotated[list[str], typer.Argument(help="to tell apart")]
) -> None:
    """The likeliest classes of texts."""
    told = Told.load(model)
    for text in texts:
        p = told.probabilities(text)
        best = [f"{told.classes[k]} {p[k]:.1%}" for k in np.argsort(-p)[:3]]
        print(f"{text}\t{', '.join(best)}")


@command
def write(
    model: Model,
    start: Annotated[str, typer.Option(help="what to go on from")] = "\n",
    length: Annotated[int, typer.Option(min=1, help="characters")] = 300,
    temperature: Annotated[float, typer.Option(help="the lower, the surer")] = 0.7,
    seed: int = 0,
) -> None:
    """A text that a model of a language makes up."""
    print(Writer.load(model).write(start, length, temperature, seed))
