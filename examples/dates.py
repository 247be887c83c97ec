"""Attention reads dates as people write them in 20 languages and writes them in ISO.

Source: Bahdanau, Cho and Bengio 2015, "Neural Machine Translation by Jointly Learning
    to Align and Translate": `models.seq2seq.build("bahdanau", ...)`, on characters. The
    dates are written by Babel in the medium, long and full formats of the CLDR.
Expect: at least 98 % of unseen dates right as a whole; in the heat maps the year, the
    month and the day are each looked for where that language puts them.
"""

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

import symseq as ss
from symseq.models import data, metrics, optimizers, plotting, seq2seq, train
from symseq.models.data.dates import LOCALES, dates

Kind = Literal["plain", "bahdanau", "luong"]
SHOWN = ("en_US", "ja", "hu", "pt_BR")  # whose alignment is drawn


def numbered(pairs, sides, size, seed=None):
    """Minibatches of dates as people and as machines write them, as numbers."""
    read, written = sides
    sources = [read.encode(list(text)) for text, _ in pairs]
    targets = [written.encode(data.characters(iso)) for _, iso in pairs]
    return data.Pairs(sources, targets, size, seed=seed)


def main(
    kind: Annotated[Kind, typer.Option("--model")] = "bahdanau",
    hidden: int = 96,
    width: int = 32,
    batch: int = 128,
    examples: int = 20_000,
    epochs: int = 8,
    rate: float = 4e-3,
    target: str = "numpy",
    seed: int = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
    resume: Annotated[bool, typer.Option(help="go on from the checkpoint")] = False,
) -> None:
    """Train on some dates, read others."""
    start = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    stem = out / f"dates_{kind}"
    lists = dates(examples, 500, 2000, seed=seed)
    read = data.Vocabulary.of(list(text) for text, _ in lists[0])
    written = data.Vocabulary.of(data.characters(iso) for _, iso in lists[0])
    first, end = (written.numbers[mark] for mark in (data.START, data.END))
    lessons, valid, test = (
        numbered(pairs, (read, written), batch if k == 0 else 500, None if k else seed)
        for k, pairs in enumerate(lists)
    )
    # The graph, its gradient, its updates.
    V, W, D, H = ss.dims(V=len(read), W=len(written), D=width, H=hidden)
    rng = np.random.default_rng(seed)
    model = seq2seq.build(kind, V, W, width=D, hidden=H, rng=rng)
    given = source, source_mask, answer, _ = seq2seq.inputs()
    cost = model.loss(*given)
    pace = ss.shared(np.array(rate, ss.config.floatX), name="rate")
    grads = optimizers.gradients(cost, model.parameters())
    grads = optimizers.clip_by_norm(grads, 1.0)
    updates = optimizers.adam(grads, model.parameters(), pace)
    step, state = model.searching(source, source_mask)
    found = seq2seq.greedy(step, state, first=first, end=end, longest=11)
    ss.draw(cost, stem.with_suffix(".svg"))
    print(f"{len(LOCALES)} locales, {len(read)} characters\n{model.summary()}")
    # The compiled step, and the training.
    began = time.perf_counter()
    learn = ss.function(given, cost, updates=updates, target=target)
    find = ss.function([source, source_mask], found.tokens, target=target)
    compiled = time.perf_counter() - began

    def right(pairs):
        said = seq2seq.answers(find, pairs, end)
        return metrics.exact_match(said, [iso[1:-1] for iso in pairs.targets])

    saved = stem.with_suffix(".checkpoint")
    if not resume:
        saved.unlink(missing_ok=True)
    history = train.fit(
        learn, lessons, model=model, state=train.training_state(model, cost, updates),
        validate=lambda: right(valid), epochs=epochs, checkpoint=saved,
        before_epoch=lambda k: pace.set_value(rate * train.late_decay(k, epochs)),
        picture=stem.with_suffix(".curve.svg"), metric="exact match",
    )  # fmt: skip
    # The result, and where the decoder looked for each character that it wrote.
    said = seq2seq.answers(find, test, end)
    for (text, iso), numbers in list(zip(lists[2], said, strict=True))[:8]:
        print(f"{''.join(written.decode(numbers))}  {iso}  {text}")
    if kind != "plain":
        weights = model.run(source, source_mask, answer).states.weights
        look = ss.function([source, source_mask, answer], weights, target=target)
        for locale in SHOWN:
            (example,) = dates(1, locales=(locale,), seed=seed + 1)
            one = next(numbered(example, (read, written), 1).epoch(0))
            alpha = look(one.source, one.source_mask, one.target)[:-1, 0]
            text, iso = map(list, example[0])
            picture = stem.with_suffix(f".{locale}.png")
            plotting.draw_attention(alpha, text, iso, picture, title=locale)
    result = {"test_exact": right(test), "epochs": history.epochs}
    result |= {"seconds": time.perf_counter() - start, "compile_seconds": compiled}
    print(f"exact on {len(said)} unseen dates: {result['test_exact']:.2%}")
    if json_file is not None:
        size = {"model": kind, "hidden": hidden, "examples": examples, "batch": batch}
        size |= {"rate": rate, "target": target, "seed": seed}
        json_file.write_text(json.dumps(result | {"settings": size}, indent=1))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
