"""The plain translation model trained by PyTorch: same text, updates, rates and seed.

python -m benchmarks.translate_by_torch --data FILE [--ours FILE] [--json FILE]

PyTorch begins with our weights and trains the plain model of `examples/translate.py`
on the same minibatches; its dropout is its own. After each epoch its weights go into
our model, whose search answers the development set, as ours is judged. `--ours` is the
JSON of the example: exit code 1 where its plain model is more than 1 BLEU below.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch.nn.functional import cross_entropy, dropout

import symseq as ss
from examples import translate
from symseq.models import data, seq2seq, train
from symseq.models.bleu import bleu

ALLOWED, CLIP = 1.0, 1.0
Parameters = dict[str, torch.Tensor]


def gru(p: Parameters, name: str, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Cho et al. 2014, equations 5-8. Shapes: x: float[B, 3H], projected; h: [B, H]."""
    H = h.shape[1]
    u = h @ p[f"{name}.U"]
    r, z = torch.sigmoid(x[:, : 2 * H] + u).split(H, 1)
    new = torch.tanh(x[:, 2 * H :] + (r * h) @ p[f"{name}.U_h"])
    return z * h + (1 - z) * new


def loss_of(p: Parameters, batch: data.PairBatch, rate: float) -> torch.Tensor:
    """The mean cross-entropy of a batch, with dropout."""
    source, mask, target, real = (torch.from_numpy(part) for part in batch)
    x, ends = dropout(p["source.W"][source], rate), []
    for name, order in (("encoder.forward.cell", 1), ("encoder.backward.cell", -1)):
        rows = x @ p[f"{name}.W"] + p[f"{name}.b"]
        h = torch.zeros(source.shape[1], rows.shape[2] // 3)
        for t in range(len(source))[::order]:
            h = torch.where(mask[t][:, None] > 0, gru(p, name, rows[t], h), h)
        ends.append(h)
    c = torch.tanh(torch.cat(ends, 1) @ p["context.W"] + p["context.b"])
    s = torch.tanh(c @ p["first.W"] + p["first.b"])
    y = dropout(p["target.W"][target[:-1]], rate)
    y = torch.cat([y, c.expand(len(y), *c.shape)], 2)
    rows, outputs = y @ p["decoder.cell.W"] + p["decoder.cell.b"], []
    for row in rows:
        s = gru(p, "decoder.cell", row, s)
        outputs.append(s)
    logits = dropout(torch.stack(outputs), rate) @ p["output.W"] + p["output.b"]
    nll = cross_entropy(
        logits.flatten(0, 1), target[1:].flatten().long(), reduction="none"
    )
    return (nll * real[1:].flatten()).sum() / real[1:].sum()


class Judge:
    """Our model with given weights, answering."""

    def __init__(self, model: Any, sides: Any, parts: Any, beams: int) -> None:
        self.model, self.parts, self.written = model, parts, sides[1]
        first, self.end = (self.written.numbers[m] for m in (data.START, data.END))
        how = {"first": first, "end": self.end, "longest": 30}
        source, mask, *_ = seq2seq.inputs()
        greedy = seq2seq.greedy(*model.searching(source, mask), **how)
        step, state = model.searching(source, mask, beams=beams)
        best = seq2seq.beam(step, state, beams=beams, **how)
        self.quick, self.wide = (
            ss.function([source, mask], tokens)
            for tokens in (greedy.tokens, best.tokens[:, :, 0])
        )
        self.pairs = [translate.numbered(part, sides, 100) for part in parts]

    def score(self, find: Any, k: int) -> float:
        """BLEU of the answers to part k."""
        answers = seq2seq.answers(find, self.pairs[k], self.end)
        said = [self.written.decode(answer) for answer in answers]
        return float(bleu(said, self.parts[k].targets))

    def take(self, weights: Parameters) -> None:
        for path, variable in self.model.parameters().items():
            variable.set_value(weights[path].detach().numpy())


def main(
    data_path: Annotated[Path | None, typer.Option("--data")] = None,
    epochs: int | None = None,
    examples: int | None = None,
    beams: int = 4,
    seed: int = 0,
    ours: Annotated[Path | None, typer.Option(help="JSON of the example")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Train by PyTorch, judge by our search, compare."""
    chosen = translate.CORPUS if data_path else translate.PHRASES
    size: dict[str, Any] = dict(zip(translate.OPTIONS, chosen, strict=True))
    many = int(size["epochs"] if epochs is None else epochs)
    parts, sides = translate.sentences(data_path, size["vocabulary"], seed, examples)
    lessons = translate.numbered(parts[0], sides, size["batch"], seed)
    V, W, D, H = ss.dims(
        V=len(sides[0]), W=len(sides[1]), D=size["width"], H=size["hidden"]
    )
    rng = np.random.default_rng(seed)
    model = seq2seq.build("plain", V, W, width=D, hidden=H, rng=rng)
    judge = Judge(model, sides, parts, beams)
    torch.manual_seed(seed)
    weights = {
        path: torch.tensor(variable.get_value(), requires_grad=True)
        for path, variable in model.parameters().items()
    }
    adam = torch.optim.Adam(weights.values())
    scores, losses, best, began = [], [], {}, perf_counter()
    for epoch in range(many):
        adam.param_groups[0]["lr"] = size["rate"] * train.late_decay(epoch, many)
        total, count = 0.0, 0
        for batch in lessons.epoch(epoch):
            adam.zero_grad()
            loss = loss_of(weights, batch, size["dropout"])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights.values(), CLIP)
            adam.step()
            total, count = total + loss.item(), count + 1
        judge.take(weights)
        losses.append(total / max(count, 1))
        scores.append(judge.score(judge.quick, 1))
        if scores[-1] == max(scores):
            best = {path: value.detach().clone() for path, value in weights.items()}
        said = f"epoch {epoch + 1}/{many}  loss {losses[-1]:.4f}  dev {scores[-1]:.2f}"
        print(said, flush=True)
    seconds = perf_counter() - began
    judge.take(best)
    made: dict[str, Any] = {"test_bleu": judge.score(judge.wide, 2), "loss": losses}
    made |= {"dev_bleu": scores, "seconds": seconds, "torch": torch.__version__}
    made |= {"settings": size | {"epochs": many, "seed": seed}}
    print(f"PyTorch, plain: test BLEU {made['test_bleu']:.2f}")
    below = 0.0
    if ours is not None:
        mine = json.loads(ours.read_text())["plain"]["test_bleu"]
        below = made["below"] = made["test_bleu"] - mine
        print(f"ours: {mine:.2f}, {-below:+.2f}")
    if json_file is not None:
        json_file.write_text(json.dumps(made, indent=1) + "\n")
    raise typer.Exit(int(below > ALLOWED))


if __name__ == "__main__":
    typer.run(main)
