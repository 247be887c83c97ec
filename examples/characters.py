"""Five cells of the same size read a text by characters: who foresees it best?

Source: Graves 2013, section 3: each character is foreseen from all before it; the state
    goes on from minibatch to minibatch. Cells: Elman 1990, Hochreiter and Schmidhuber
    1997, Cho et al. 2014, Cheng et al. 2016 (LSTMN), Krause et al. 2016 (mLSTM).
    Text: Python's language reference, or `--data FILE`.
Expect: bits a character: GRU 1.85, LSTM 1.89, mLSTM and RNN 1.94, LSTMN 2.39, ± 0.03.
"""

import json
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.models import data, language, metrics, optimizers, plotting, train
from symseq.tensor.shared_randomstreams import RandomStreams

CELLS = {
    "rnn": models.SimpleRNN,
    "lstm": partial(models.LSTM, forget_bias=1.0),
    "gru": models.GRU,
    "lstmn": partial(models.attention.LSTMN, forget_bias=1.0),
    "mlstm": partial(models.MultiplicativeLSTM, forget_bias=1.0),
}


@dataclass(frozen=True)
class Settings:
    """What all cells have in common, on symseq and elsewhere."""

    budget: int = 100_000  # parameters
    width: int = 32  # of the embedding
    batch: int = 32
    steps: int = 32
    epochs: int = 4
    rate: float = 8e-3
    clip: float = 1.0  # of the gradients' norm
    held_out: int = 16  # stretches of held-out text side by side

    def rate_of(self, kind, epoch):
        """RNN and mLSTM learn at half the rate: at the whole one they stumble."""
        pace = self.rate * train.late_decay(epoch, self.epochs)
        return pace / 2 if kind in ("rnn", "mlstm") else pace

    def batches(self, tokens, size):
        return data.TextBatches(tokens, size, self.steps)


def build(kind, symbols, settings, seed):
    """The model whose number of parameters comes nearest to the budget."""

    def of_width(hidden):
        rng = np.random.default_rng(seed)
        cell = CELLS[kind](settings.width, hidden, rng=rng)
        return language.CharacterModel(symbols, cell, rng=rng)

    return of_width(language.width_for(settings.budget, lambda H: of_width(H).count()))


def learn(kind, corpus, settings, target="numpy", seed=0, checkpoint=None):
    """Train one model; its bits per character, and a sample of what it writes."""
    x, y, first = T.imatrix("x"), T.imatrix("y"), T.ivector("first")
    model = build(kind, len(corpus.known), settings, seed)
    state, apart = language.Carried(model), language.Carried(model)
    (cost, carry), (held_out, shift) = (model.cost(x, y, s) for s in (state, apart))
    how = {"steps": settings.steps, "streams": RandomStreams(seed)}
    drawn = model.sample(first, apart.state, temperature=0.7, **how)
    rate = ss.shared(np.array(0, ss.config.floatX), name="rate")
    params = model.parameters()
    grads = optimizers.clip_by_norm(optimizers.gradients(cost, params), settings.clip)
    updates = optimizers.adam(grads, params, rate)
    step = ss.function([x, y], cost, updates=updates | carry, target=target)
    measure = ss.function([x, y], held_out, updates=shift, target=target)
    go = {"updates": apart.updates(drawn.carried), "target": target}
    go_on = ss.function([first], drawn.tokens, **go)

    def bits(tokens):
        apart.reset(settings.held_out)
        batches = settings.batches(tokens, settings.held_out).epoch(0)
        return metrics.bits(train.mean_loss(measure, batches, train.tokens_of))

    def before(epoch):
        state.reset(settings.batch)
        rate.set_value(settings.rate_of(kind, epoch))

    history = train.fit(
        step, settings.batches(corpus.train, settings.batch),
        model=model, state=train.training_state(model, cost, updates),
        validate=lambda: -bits(corpus.valid), epochs=settings.epochs,
        before_epoch=before, checkpoint=checkpoint, weigh=train.tokens_of,
    )  # fmt: skip
    result = {"hidden": model.core.outputs, "parameters": model.count()}
    result |= {"test_bits": bits(corpus.test), "seconds": sum(history.seconds),
               "valid_bits": [-score for score in history.scores]}  # fmt: skip
    apart.reset(1)
    written = corpus.known.encode("\n")
    while len(written) < 240:
        written = np.concatenate([written, go_on(written[-1:])[:, 0]])
    return result | {"sample": "".join(corpus.known.decode(written)).strip()}


def table(runs):
    """One line for each model, its test bits as mean ± sd over the seeds."""
    print(f"{'model':10} {'H':>4} {'parameters':>10} {'bits ± sd':>15} {'s':>6}")
    for kind, seeds in runs.items():
        bits, seconds = np.array([[r["test_bits"], r["seconds"]] for r in seeds]).T
        size = f"{seeds[0]['hidden']:4} {seeds[0]['parameters']:10,}"
        sd = f"{bits.std(ddof=1):.4f}" if len(bits) > 1 else "-"
        print(f"{kind:10} {size} {bits.mean():6.4f} ± {sd:6} {seconds.mean():6.0f}")


def main(
    target: str = "numpy", seed: int = 0, seeds: int = 3, cells: str = ",".join(CELLS),
    budget: int = 100_000, batch: int = 32, steps: int = 32, epochs: int = 4,
    rate: float = 8e-3, checkpoints: Path | None = None, out: Path = Path("out"),
    data_file: Annotated[Path | None, typer.Option("--data")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:  # fmt: skip
    """Train each cell with each seed, compare them, and let them write."""
    if not set(cells.split(",")) <= set(CELLS):
        raise typer.BadParameter(f"--cells are among {', '.join(CELLS)}; got {cells}")
    out.mkdir(parents=True, exist_ok=True)
    text = data.plain_text(data_file) if data_file else data.language_reference()
    corpus, runs = data.Corpus.of(text), {kind: [] for kind in cells.split(",")}
    settings = Settings(budget, Settings.width, batch, steps, epochs, rate)
    for one, kind in product(range(seed, seed + seeds), runs):
        saved = checkpoints and checkpoints / f"characters.{kind}.{one}.safetensors"
        runs[kind].append(run := learn(kind, corpus, settings, target, one, saved))
        print(f"{kind}, seed {one}: {run['test_bits']:.4f} bits\n{run['sample']}\n")
        if json_file is not None:  # after each: a stopped run keeps what it has
            said = {"settings": asdict(settings) | {"target": target}, "runs": runs}
            json_file.write_text(json.dumps(said | {"text": corpus.notes}, indent=1))
    table(runs)
    curves = {k: np.mean([r["valid_bits"] for r in runs[k]], axis=0) for k in runs}
    plotting.draw_curves(curves, out / "characters.png", y="validation bits")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
