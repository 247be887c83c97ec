"""The LSTM of the Theano tutorial learns to tell the language of a name.

Source: "LSTM Networks for Sentiment Analysis", deeplearning.net tutorial: embedding,
    masked LSTM, mean over time, dropout, softmax (`models.SequenceClassifier`).
Expect: about 80 % of unseen names of territories, languages and currencies in 18
    languages; naive Bayes on character 1-3-grams has about 71 %. Of film reviews (Maas
    et al. 2011, `--data aclImdb.tar.xz`) 88.5 %; without LSTM (`--model mean`) 88.0 %.
"""

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.models import data, losses, metrics, optimizers, plotting, train
from symseq.models.data import imdb, names
from symseq.tensor.shared_randomstreams import RandomStreams

# What works, for names and for reviews.
OPTIONS = ("dim", "maxlen", "batch", "vocabulary", "epochs", "window", "rate")
NAMES, REVIEWS = (128, 64, 64, 200, 28, None, 4e-3), (64, 400, 64, 5000, 8, 100, 2e-3)
NETWORK = {"reviews": {"hidden": 0.2, "dropped": 0.3}}
NETWORK["names"] = {"spread": 1.0, "forget_bias": 1.0, "hidden": 0.1, "dropped": 0.1}
Model = StrEnum("Model", ["lstm", "mean"])
Optimizer = StrEnum("Optimizer", list(optimizers.OPTIMIZERS))
RATES = {"adadelta": 1.0, "adagrad": 0.05, "sgd": 0.1, "momentum": 0.1, "nesterov": 0.1}


def read(path, seed):
    """Texts to train, validate and test on, and how a text becomes tokens."""
    if path is None:
        return *data.split(names.names(), 0.8, 0.1, 0.1, seed=seed), data.characters
    known, test = imdb.reviews(path)
    return *data.split(known, 0.95, 0.05, seed=seed), test, data.words


def build(task, classes, vocabulary, dim, kind, seed):
    """The model and its inputs; lengths have names, for pictures and errors."""
    B, L = ss.dims("B T")
    V, D, K = ss.dims(V=len(vocabulary), D=dim, K=len(classes))
    how = {"rng": np.random.default_rng(seed), "recurrent": kind == "lstm"}
    model = models.SequenceClassifier(V, D, K, **how, **NETWORK[task])
    x, mask = T.TensorType("int32", (L, B))("x"), T.TensorType("floatX", (L, B))("mask")
    return model, x, mask, T.TensorType("int32", (B,))("labels")


def answer(text, file, target):
    """Print the likeliest classes of `text` by the model saved in `file`."""
    _, said = models.checkpoints.read(file)
    known, cut = data.Vocabulary.listing(said["tokens"]), getattr(data, said["cut"])
    model, x, mask, _ = build(vocabulary=known, seed=0, **said["build"])
    model.load(file)
    classify = ss.function([x, mask], T.nnet.softmax(model(x, mask)), target=target)
    ids = data.pad([known.encode(cut(text))[: said["longest"]]])
    (p,) = classify(ids, data.mask_of([len(ids)]))
    for k in np.argsort(-p)[:3]:
        print(f"{said['build']['classes'][k]:12} {p[k]:6.1%}")


def main(
    data_path: Annotated[Path | None, typer.Option("--data", help="IMDB")] = None,
    predict: Annotated[str | None, typer.Option(help="a text to classify")] = None,
    kind: Annotated[Model, typer.Option("--model")] = Model.lstm,
    dim: int | None = None,
    maxlen: int | None = None,
    batch: int | None = None,
    vocabulary: int | None = None,
    epochs: int | None = None,
    optimizer: Optimizer = Optimizer.adam,
    target: str = "numpy",
    seed: int = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
    resume: Annotated[bool, typer.Option(help="go on from the checkpoint")] = False,
) -> None:
    """Train the classifier, or with --predict ask the one that was saved."""
    start = time.perf_counter()
    task = "names" if data_path is None else "reviews"
    out.mkdir(parents=True, exist_ok=True)
    stem = out / f"{kind}_{task}"
    endings = (".safetensors", ".svg", ".checkpoint", ".curve.svg")
    file, picture, saved, curve = map(stem.with_suffix, endings)
    if predict is not None and file.exists():
        return answer(predict, file, target)
    size = dict(zip(OPTIONS, REVIEWS if data_path else NAMES, strict=True))
    given = zip(OPTIONS, (dim, maxlen, batch, vocabulary, epochs), strict=False)
    size |= {name: value for name, value in given if value is not None}
    # The texts, as numbers, in minibatches.
    *parts, cut = read(data_path, seed)
    known = data.Vocabulary.of(map(cut, parts[0].texts), size["vocabulary"])
    drawn, fixed = {"seed": seed, "window": size["window"]}, {"seed": None}
    batches, valid, test = (
        data.Batches.of(part, known, cut, size["batch"], longest=size["maxlen"], **how)
        for part, how in zip(parts, (drawn, fixed, fixed), strict=True)
    )
    print(f"{' + '.join(str(len(part)) for part in parts)} texts, {len(known)} tokens")
    # The graph, its gradient, its updates.
    classes = parts[0].classes
    about = {"task": task, "classes": classes, "dim": size["dim"], "kind": kind}
    model, x, mask, labels = build(vocabulary=known, seed=seed, **about)
    cost = losses.cross_entropy(model(x, mask, RandomStreams(seed)), labels)
    grads = optimizers.clip_by_norm(optimizers.gradients(cost, model.parameters()), 5.0)
    pace, many = RATES.get(optimizer, size["rate"]), size["epochs"]
    rate = ss.shared(np.array(pace, ss.config.floatX), name="rate")
    updates = optimizers.OPTIMIZERS[optimizer](grads, model.parameters(), rate)
    nodes = len(ss.traverse.sort_nodes([cost, *updates.values()]))
    ss.draw(cost, picture)
    print(f"{model.summary()}\n{nodes} nodes with the gradient; {picture}")
    # The compiled step, and the training.
    began = time.perf_counter()
    step = ss.function([x, mask, labels], cost, updates=updates, target=target)
    guess = ss.function([x, mask], T.argmax(model(x, mask), axis=1), target=target)
    compiled = time.perf_counter() - began
    if not resume:
        saved.unlink(missing_ok=True)
    train.fit(
        step, batches, model=model, state=train.training_state(model, cost, updates),
        validate=lambda: metrics.accuracy(*train.predict(guess, valid)),
        before_epoch=lambda k: rate.set_value(pace * train.late_decay(k, many)),
        epochs=many, checkpoint=saved, picture=curve, metric="accuracy",
    )  # fmt: skip
    said = {"build": about, "cut": cut.__name__, "longest": size["maxlen"]}
    model.save(file, tokens=known.tokens, **said)
    # The result, beside the baseline.
    found, right = train.predict(guess, test)
    plotting.draw_confusion(found, right, classes, stem.with_suffix(".confusion.png"))
    result = {"nodes": nodes, "test_accuracy": metrics.accuracy(found, right)}
    if data_path is None:
        result["naive_bayes"] = models.NaiveBayes.fit(parts[0]).accuracy(parts[2])
    result |= {"seconds": time.perf_counter() - start, "compile_seconds": compiled}
    print("\n".join(f"{name:16} {value:.4g}" for name, value in result.items()))
    if json_file is not None:
        size |= {"model": kind, "optimizer": optimizer, "target": target, "seed": seed}
        json_file.write_text(json.dumps(result | {"settings": size}, indent=1))
    if predict is not None:
        answer(predict, file, target)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
