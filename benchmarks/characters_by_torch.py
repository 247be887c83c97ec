"""The character LSTM against PyTorch's nn.LSTM: same text, batches, updates and seeds.

python -m benchmarks.characters_by_torch [--target numba] [--seeds 3] [--json FILE]

"torch" begins with our weights and leaves its second bias at 0: it is the same model,
and ours must have at most 0.02 bits per character more. "torch, own" begins as the
modules of PyTorch do, and trains both biases.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import nn

from examples import characters
from symseq.models import converters, data, metrics, train

ALLOWED = 0.02


class Network(nn.Module):
    """Embedding, nn.LSTM, linear readout: as `language.CharacterModel`."""

    def __init__(self, symbols: int, width: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.lstm = nn.LSTM(width, hidden)
        self.readout = nn.Linear(hidden, symbols)

    def begin_as(self, model: Any) -> None:
        """With the weights of our model; the second bias, 0 there, is not trained."""
        weights = {
            "embedding.weight": model.embedding.W.get_value(),
            "readout.weight": model.readout.W.get_value().T,
            "readout.bias": model.readout.b.get_value(),
        } | converters.to_torch(model.core.cell, prefix="lstm.")
        self.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
        self.lstm.bias_hh_l0.requires_grad_(False)

    def nats(self, batch: data.TextBatch, state: Any) -> tuple[torch.Tensor, Any]:
        """The mean cross-entropy of a batch, and the state to carry on."""
        x, following = (torch.from_numpy(part).long() for part in batch)
        outputs, state = self.lstm(self.embedding(x), state)
        logits = self.readout(outputs).flatten(0, 1)
        loss = nn.functional.cross_entropy(logits, following.flatten())
        return loss, tuple(part.detach() for part in state)


def bits(network: Network, batches: data.TextBatches) -> float:
    """Of held-out text, the state carried on."""
    state = None

    def measure(*batch: Any) -> float:
        nonlocal state
        loss, state = network.nats(data.TextBatch(*batch), state)
        return loss.item()

    with torch.no_grad():
        nats = train.mean_loss(measure, batches.epoch(0), train.tokens_of)
    return metrics.bits(nats)


def by_torch(
    corpus: data.Corpus, settings: characters.Settings, seed: int, *, own: bool
) -> dict[str, Any]:
    """Train nn.LSTM as `characters.learn` trains ours; the best epoch is tested."""
    torch.manual_seed(seed)
    ours = characters.build("lstm", len(corpus.known), settings, seed)
    network = Network(len(corpus.known), settings.width, ours.core.outputs)
    if not own:
        network.begin_as(ours)
    trained = [p for p in network.parameters() if p.requires_grad]
    adam = torch.optim.Adam(trained)
    valid, best = [], {}
    for epoch in range(settings.epochs):
        adam.param_groups[0]["lr"] = settings.rate_of("lstm", epoch)
        state = None
        for batch in settings.batches(corpus.train, settings.batch).epoch(epoch):
            adam.zero_grad()
            loss, state = network.nats(batch, state)
            loss.backward()
            nn.utils.clip_grad_norm_(trained, settings.clip)
            adam.step()
        valid.append(bits(network, settings.batches(corpus.valid, settings.held_out)))
        if valid[-1] == min(valid):
            best = {k: v.clone() for k, v in network.state_dict().items()}
    network.load_state_dict(best)
    test = bits(network, settings.batches(corpus.test, settings.held_out))
    count = sum(p.numel() for p in trained)
    return {"test_bits": test, "valid_bits": valid, "parameters": count}


def show(runs: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    """A line for each, and by how much ours is above it."""
    mean = {k: float(np.mean([r["test_bits"] for r in runs[k]])) for k in runs}
    above = {k: mean["symseq"] - mean[k] for k in runs if k != "symseq"}
    for name, each in runs.items():
        said = "  ".join(f"{run['test_bits']:.4f}" for run in each)
        verdict = f"  ours {above[name]:+.4f}" if name in above else ""
        print(f"{name:11} {mean[name]:.4f}   ({said}){verdict}", flush=True)
    return above


def main(
    target: str = "numba",
    seeds: int = 3,
    epochs: int = characters.Settings.epochs,
    budget: int = characters.Settings.budget,
    data_file: Annotated[Path | None, typer.Option("--data")] = None,
    checkpoints: Path | None = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Train all three with each seed; exit with 1 where ours needs too many bits."""
    text = data.plain_text(data_file) if data_file else data.language_reference()
    corpus = data.Corpus.of(text)
    settings = characters.Settings(budget=budget, epochs=epochs)
    runs: dict[str, list[Any]] = {"symseq": [], "torch": [], "torch, own": []}
    for seed in range(seeds):
        saved = checkpoints and checkpoints / f"characters.lstm.{seed}.safetensors"
        mine = characters.learn("lstm", corpus, settings, target, seed, saved)
        runs["symseq"].append(mine)
        runs["torch"].append(by_torch(corpus, settings, seed, own=False))
        runs["torch, own"].append(by_torch(corpus, settings, seed, own=True))
        above = show(runs)
        if json_file is not None:
            said = {"torch": torch.__version__, "settings": asdict(settings)}
            said |= {"text": corpus.notes, "above": above, "runs": runs}
            json_file.write_text(json.dumps(said, indent=1) + "\n")
    raise typer.Exit(int(above["torch"] > ALLOWED))


if __name__ == "__main__":
    typer.run(main)
