"""An encoder-decoder learns to add by reading and writing digits.

Source: Sutskever, Vinyals and Le 2014, "Sequence to Sequence Learning with Neural
    Networks"; the task of Zaremba and Sutskever 2014, "Learning to Execute", section
    3.1. The summary of the question is the decoder's first state and is read at every
    step (Cho et al. 2014): `models.seq2seq.build("plain", ...)`.
Expect: at least 99 % of unseen sums of three-digit numbers right as a whole.

How does the encoder learn, which is never told what to remember? From the answers
alone: the loss is at the decoder, and its gradient comes through the summary to each
character of the question. The picture shows ‖∂loss/∂x_s‖ by its place s, before and
after training; `--frozen` trains the decoder alone, upon what a random encoder gives.

The answer is written from its last digit on, as by hand, so that what is carried over
is known when it is needed.
"""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symseq as ss
import symseq.tensor as T
from symseq.models import data, metrics, optimizers, plotting, seq2seq, train
from symseq.models.data.addition import sums

TOKENS = ("<pad>", "<unk>", "<s>", "</s>", *"0123456789+")
START, END = 2, 3
KNOWN = data.Vocabulary.listing(TOKENS)


def numbered(pairs, size, seed=None):
    """Minibatches of questions and answers, as numbers."""
    questions = [KNOWN.encode(list(question)) for question, _ in pairs]
    answers = [KNOWN.encode(["<s>", *answer[::-1], "</s>"]) for _, answer in pairs]
    return data.Pairs(questions, answers, size, seed=seed)


def right(find, pairs):
    """The share of questions whose answer is right as a whole."""
    said = seq2seq.answers(find, pairs, END)
    return metrics.exact_match(said, [answer[1:-1] for answer in pairs.targets])


def pull_of(model, target):
    """‖∂loss/∂x_s‖, the mean over a batch, for each place s of the question."""
    source, source_mask, answer, answer_mask = seq2seq.inputs()
    x = model.source(source)
    gradient = ss.grad(model.loss(x, source_mask, answer, answer_mask), x)
    norms = T.sqrt((gradient**2).sum(axis=2)).mean(axis=1) * source.shape[1]
    return ss.function([source, source_mask, answer, answer_mask], norms, target=target)


def main(
    hidden: int = 128,
    width: int = 32,
    batch: int = 32,
    examples: int = 50_000,
    epochs: int = 12,
    rate: float = 2e-3,
    frozen: Annotated[bool, typer.Option(help="train the decoder alone")] = False,
    target: str = "numpy",
    seed: int = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
    resume: Annotated[bool, typer.Option(help="go on from the checkpoint")] = False,
) -> None:
    """Train on some sums, answer others."""
    start = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    stem = out / ("addition_frozen" if frozen else "addition")
    lists = sums(examples, 500, 5000, seed=seed)
    lessons, valid, test = (
        numbered(pairs, batch if k == 0 else 500, seed if k == 0 else None)
        for k, pairs in enumerate(lists)
    )
    # The graph, its gradient, its updates.
    V, D, H = ss.dims(V=len(TOKENS), D=width, H=hidden)
    rng = np.random.default_rng(seed)
    model = seq2seq.build("plain", V, V, width=D, hidden=H, rng=rng)
    given = source, source_mask, *_ = seq2seq.inputs()
    cost = model.loss(*given)
    learned = {
        path: parameter for path, parameter in model.parameters().items()
        if not (frozen and path.startswith(("source", "encoder")))
    }  # fmt: skip
    pace = ss.shared(np.array(rate, ss.config.floatX), name="rate")
    grads = optimizers.clip_by_norm(optimizers.gradients(cost, learned), 1.0)
    updates = optimizers.adam(grads, learned, pace)
    step, state = model.searching(source, source_mask)
    found = seq2seq.greedy(step, state, first=START, end=END, longest=6)
    ss.draw(cost, stem.with_suffix(".svg"))
    count = sum(parameter.storage.size for parameter in learned.values())
    print(f"{model.summary()}\n{count:,} learned")
    # The compiled step, and the training.
    began = time.perf_counter()
    learn = ss.function(given, cost, updates=updates, target=target)
    find = ss.function([source, source_mask], found.tokens, target=target)
    pull = pull_of(model, target)
    compiled = time.perf_counter() - began
    # Questions of one form, ddd+ddd, so that a place means one thing.
    same = [pair for pair in lists[2] if len(pair[0]) == 7][:500]
    probe = next(numbered(same, 500).epoch(0))
    before = pull(*probe)
    saved = stem.with_suffix(".checkpoint")
    if not resume:
        saved.unlink(missing_ok=True)
    history = train.fit(
        learn, lessons, model=model, state=train.training_state(model, cost, updates),
        validate=lambda: right(find, valid), epochs=epochs, checkpoint=saved,
        before_epoch=lambda k: pace.set_value(rate * train.late_decay(k, epochs)),
    )  # fmt: skip
    # The result, and what pulled at the encoder.
    shown = seq2seq.answers(find, numbered(lists[2][:8], 8), END)
    for (question, answer), said in zip(lists[2], shown, strict=False):
        print(f"{question:>8} = {''.join(KNOWN.decode(said))[::-1]:5} {answer}")
    pulls = {"before": before.tolist(), "after": pull(*probe).tolist()}
    print("place   " + "".join(f"{c:>9}" for c in "ddd+ddd"))
    for when, norms in pulls.items():
        print(f"{when:8}" + "".join(f"{norm:9.2e}" for norm in norms))
    plotting.draw_curves(
        {when: np.array(norms) / max(norms) for when, norms in pulls.items()},
        stem.with_suffix(".pull.png"), x="place in the question",
        y="‖∂loss/∂x_s‖ / largest", title="What the answers tell the encoder",
    )  # fmt: skip
    curve = {"valid": history.scores}
    plotting.draw_curves(curve, stem.with_suffix(".curve.png"), y="exact")
    result = {"test_exact": right(find, test), "epochs": history.epochs, "pull": pulls}
    result |= {"seconds": time.perf_counter() - start, "compile_seconds": compiled}
    print(f"exact on {len(lists[2])} unseen sums: {result['test_exact']:.2%}")
    if json_file is not None:
        size = {"hidden": hidden, "examples": examples, "batch": batch, "rate": rate}
        size |= {"frozen": frozen, "target": target, "seed": seed}
        json_file.write_text(json.dumps(result | {"settings": size}, indent=1))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
