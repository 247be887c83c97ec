"""English to Japanese: without attention, with soft attention, with hard attention.

Source: Cho et al. 2014 (plain); Bahdanau, Cho and Bengio 2015; Luong, Pham and Manning
    2015 (general score, here scaled, and input feeding); Xu et al. 2015 (hard: a place
    is drawn at each step of Bahdanau's decoder, learned by the score function).
Expect: with `--data small_parallel_enja.tar.xz --epochs 6`, in BLEU: plain 24.7, hard
    28.8, Bahdanau 33.8, Luong 34.0, all with the same data, updates and widths. Without
    data a grammar of a few hundred sentences stands in, which all models learn.
"""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symseq as ss
from symseq.models import data, optimizers, plotting, seq2seq, train
from symseq.models.bleu import bleu
from symseq.models.data.parallel import Parallel, parallel
from symseq.models.data.phrases import phrases
from symseq.tensor.shared_randomstreams import RandomStreams

# What works, with the corpus and without.
OPTIONS = ("hidden", "width", "batch", "vocabulary", "epochs", "rate", "dropout")
CORPUS = (256, 256, 64, 4000, 10, 1e-3, 0.2)
PHRASES = (64, 32, 32, 200, 30, 1e-2, 0.1)


def sentences(path, vocabulary, seed=0, examples=None):
    """Training, development and test pairs, and the words of both sides."""
    whole, *rest = phrases(seed) if path is None else parallel(path)
    part = whole.first(examples)
    return [part, *rest], part.vocabularies(vocabulary)


def numbered(part, sides, size, seed=None):
    """Minibatches of sentences, as numbers."""
    read, written = sides
    sources = [read.encode(words) for words in part.sources]
    targets = [written.encode([data.START, *w, data.END]) for w in part.targets]
    return data.Pairs(sources, targets, size, seed=seed)


def learn(kind, parts, sides, size, target, seed, beams, stem, resume):
    """Train one model: its test BLEU, what it said, how long it took."""
    read, written = sides
    first, end = (written.numbers[mark] for mark in (data.START, data.END))
    lessons, dev, test = (
        numbered(part, sides, size["batch"] if k == 0 else 100, None if k else seed)
        for k, part in enumerate(parts)
    )
    V, W, D, H = ss.dims(V=len(read), W=len(written), D=size["width"], H=size["hidden"])
    rng, streams = np.random.default_rng(seed), RandomStreams(seed)
    how = {"width": D, "hidden": H, "dropout": size["dropout"]}
    model = seq2seq.build(kind, V, W, rng=rng, **how)
    given = source, source_mask, answer, _ = seq2seq.inputs()
    if kind == "hard":  # of its losses only the draws are known
        cost, loss = seq2seq.hard_loss(model, *given, streams=streams, entropy=0.01)
    else:
        cost = loss = model.loss(*given, streams=streams)
    pace = ss.shared(np.array(size["rate"], ss.config.floatX), name="rate")
    grads = optimizers.gradients(cost, model.parameters())
    grads = optimizers.clip_by_norm(grads, 1.0)
    updates = optimizers.adam(grads, model.parameters(), pace)
    marks = {"first": first, "end": end, "longest": 30}
    greedy = seq2seq.greedy(*model.searching(source, source_mask), **marks)
    step, state = model.searching(source, source_mask, beams=beams)
    best = seq2seq.beam(step, state, beams=beams, **marks)
    ss.draw(loss, stem.with_suffix(".svg"))
    began = time.perf_counter()
    update = ss.function(given, loss, updates=updates, target=target)
    quick, wide = (
        ss.function([source, source_mask], tokens, target=target)
        for tokens in (greedy.tokens, best.tokens[:, :, 0])
    )
    compiled = time.perf_counter() - began

    def score(find, pairs, part):
        said = [written.decode(s) for s in seq2seq.answers(find, pairs, end)]
        return bleu(said, part.targets), said

    many, saved = size["epochs"], stem.with_suffix(".checkpoint")
    if not resume:
        saved.unlink(missing_ok=True)
    history = train.fit(
        update, lessons, model=model, state=train.training_state(model, loss, updates),
        validate=lambda: score(quick, dev, parts[1])[0], epochs=size["epochs"],
        before_epoch=lambda k: pace.set_value(size["rate"] * train.late_decay(k, many)),
        checkpoint=saved, picture=stem.with_suffix(".curve.svg"), metric="BLEU",
    )  # fmt: skip
    points, said = score(wide, test, parts[2])
    if kind != "plain":
        weights = model.run(source, source_mask, answer).states.weights
        look = ss.function([source, source_mask, answer], weights, target=target)
        for k, words in enumerate(parts[2].sources[:3]):
            one = next(numbered(Parallel([words], [said[k]]), sides, 1).epoch(0))
            alpha = look(one.source, one.source_mask, one.target)[:-1, 0]
            picture = stem.with_suffix(f".{k}.png")
            plotting.draw_attention(alpha, words, said[k], picture, title=kind)
    result = {"test_bleu": points, "dev_bleu": history.scores, "loss": history.losses}
    result |= {"parameters": model.count(), "seconds": sum(history.seconds)}
    return result | {"compile_seconds": compiled}, said


def main(
    data_path: Annotated[Path | None, typer.Option("--data", help="parallel")] = None,
    kinds: Annotated[str, typer.Option("--models")] = ",".join(seq2seq.KINDS),
    hidden: int | None = None, width: int | None = None, batch: int | None = None,
    vocabulary: int | None = None, epochs: int | None = None,
    examples: Annotated[int | None, typer.Option(help="the first so many")] = None,
    beams: int = 4, target: str = "numpy", seed: int = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
    resume: Annotated[bool, typer.Option(help="go on from the checkpoint")] = False,
) -> None:  # fmt: skip
    """Train each model on the same sentences, and put their BLEU in one table."""
    if unknown := set(kinds.split(",")) - set(seq2seq.KINDS):
        raise typer.BadParameter(f"--models are of {seq2seq.KINDS}; not {unknown}")
    out.mkdir(parents=True, exist_ok=True)
    size = dict(zip(OPTIONS, CORPUS if data_path else PHRASES, strict=True))
    given = zip(OPTIONS, (hidden, width, batch, vocabulary, epochs), strict=False)
    size |= {name: value for name, value in given if value is not None}
    parts, sides = sentences(data_path, size["vocabulary"], seed, examples)
    print(f"{' + '.join(str(len(p)) for p in parts)} pairs, {[*map(len, sides)]} words")
    results = {}
    for kind in kinds.split(","):
        how = (size, target, seed, beams, out / f"translate_{kind}", resume)
        results[kind], said = learn(kind, parts, sides, *how)
        for k in range(3):
            for words in (parts[2].sources[k], said[k], parts[2].targets[k]):
                print(" ".join(words))
    print("model      test BLEU  parameters  seconds")
    for k, r in results.items():
        print(f"{k:10}{r['test_bleu']:10.2f}{r['parameters']:12,}{r['seconds']:9.0f}")
    if json_file is not None:
        size |= {"examples": len(parts[0]), "target": target, "seed": seed}
        json_file.write_text(json.dumps(results | {"settings": size}, indent=1))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
