"""A short, real training in the restored environment: text, datasets, torch, Lightning and optuna together.

Run it with the prefix's own interpreter::

    PREFIX/bin/python -I demo/train.py --json OUT.json

A small character-level transformer learns the last three Queries of Newton's Opticks. optuna tries a few
learning rates and shapes, the best one is trained longer, saved, loaded again, and made to write a sentence.
The script fails (exit code 1) when the model hasn't learned, or when the loaded checkpoint doesn't give the
loss that was saved. It never opens a network connection: an attempt is an error.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

STARTED = time.perf_counter()
SCRATCH = tempfile.TemporaryDirectory(prefix="demo-train-")
os.environ.update(
    CUBLAS_WORKSPACE_CONFIG=":4096:8",  # what CUDA needs to be deterministic
    DO_NOT_TRACK="1",
    HF_DATASETS_OFFLINE="1",
    HF_HOME=SCRATCH.name,
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
)


def forbid_network(event: str, args: tuple[object, ...]) -> None:
    """Audit hook: raise at the first look-up or connection that leaves this process for the network."""
    connects = event == "socket.connect" and isinstance(args[1], tuple)
    if connects or event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        raise RuntimeError(f"the training tried to use the network: {event} {args[1:]}")


sys.addaudithook(forbid_network)

# ruff: noqa: E402  (the settings above are read when these are imported)
import argparse
import json
import logging
import math
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
import optuna
import pytorch_lightning as pl
import torch
import torchmetrics
from pytorch_lightning.callbacks import ModelCheckpoint
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchmetrics.aggregation import MeanMetric
from torchmetrics.classification import MulticlassAccuracy

if TYPE_CHECKING:
    from collections.abc import Iterable

IMPORT_SECONDS = time.perf_counter() - STARTED
TEXT = Path(__file__).with_name("newton-opticks-queries.txt")
CONTEXT = 64  # characters that the model sees at once
BATCH = 32
# The least that counts as learned: nats a character below the loss of guessing by frequency alone.
MARGIN = 0.3


class NotLearnedError(Exception):
    """The training ran, and its result is not what a working environment gives."""


@dataclass(frozen=True)
class Shape:
    """What optuna chooses."""

    learning_rate: float
    width: int
    heads: int


@dataclass(frozen=True)
class Corpus:
    """The text as tensors, ready for training."""

    alphabet: str
    train: datasets.Dataset
    validation: datasets.Dataset
    uniform_loss: float  # nats a character, every character equally likely
    frequency_loss: float  # nats a character, guessing by the training text's own frequencies

    def loaders(self, seed: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
        """Fresh loaders of both parts; the same seed gives the same order."""
        generator = torch.Generator().manual_seed(seed)
        train = DataLoader(self.train, batch_size=BATCH, shuffle=True, drop_last=True, generator=generator)
        return train, DataLoader(self.validation, batch_size=BATCH)


def load_corpus(path: Path, *, seed: int) -> Corpus:
    """Read the text by paragraphs, set some aside for validation, and cut it into blocks of characters."""
    text = datasets.load_dataset(
        "text", data_files=str(path), sample_by="paragraph", split="train", cache_dir=SCRATCH.name
    )
    alphabet = "".join(sorted({c for row in text["text"] for c in row} | {"\n"}))
    code = {c: i for i, c in enumerate(alphabet)}

    def blocks(rows: dict[str, list[str]], stride: int) -> dict[str, list[list[int]]]:
        ids = [code[c] for row in rows["text"] for c in row + "\n"]
        return {"ids": [ids[i : i + CONTEXT + 1] for i in range(0, len(ids) - CONTEXT, stride)]}

    parts = text.train_test_split(test_size=0.12, seed=seed)
    cut = {"batched": True, "batch_size": None, "remove_columns": ["text"]}
    train = parts["train"].map(blocks, fn_kwargs={"stride": CONTEXT // 4}, **cut)
    validation = parts["test"].map(blocks, fn_kwargs={"stride": CONTEXT}, **cut)
    seen = np.bincount(np.concatenate([np.asarray(row) for row in train["ids"]]), minlength=len(alphabet))
    frequency = (seen + 1) / (seen + 1).sum()
    held_out = np.concatenate([np.asarray(row)[1:] for row in validation["ids"]])
    return Corpus(
        alphabet=alphabet,
        train=train.with_format("torch"),
        validation=validation.with_format("torch"),
        uniform_loss=math.log(len(alphabet)),
        frequency_loss=float(-np.log(frequency[held_out]).mean()),
    )


class LanguageModel(pl.LightningModule):
    """A two-layer causal transformer over characters."""

    def __init__(
        self, *, alphabet: int, learning_rate: float, width: int, heads: int, steps: int, layers: int = 2
    ) -> None:
        super().__init__()
        self.save_hyperparameters()  # so that a checkpoint alone can be loaded
        self.learning_rate = learning_rate
        self.steps = steps
        self.embed = nn.Embedding(alphabet, width)
        self.position = nn.Embedding(CONTEXT, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, alphabet)
        self.val_loss = MeanMetric()
        self.val_accuracy = MulticlassAccuracy(alphabet, average="micro")

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next character, at every position."""
        length = ids.shape[1]
        x = self.embed(ids) + self.position(torch.arange(length, device=ids.device))
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=ids.device)
        return self.head(self.body(x, mask=mask, is_causal=True))

    def loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Mean loss in nats a character, with the logits and the targets it came from."""
        ids = batch["ids"]
        logits, targets = self(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()
        return nn.functional.cross_entropy(logits, targets), logits, targets

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        """One step's loss."""
        return self.loss(batch)[0]

    def validation_step(self, batch: dict[str, Tensor], _index: int) -> None:
        """Add one batch to the validation loss and accuracy."""
        loss, logits, targets = self.loss(batch)
        self.val_loss.update(loss, weight=len(targets))
        self.val_accuracy.update(logits, targets)
        self.log("val_loss", self.val_loss)
        self.log("val_accuracy", self.val_accuracy)

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW with one warm-up and one descent over the whole training."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.learning_rate, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=self.steps, pct_start=0.15
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @torch.no_grad()
    def write(self, prompt: list[int], *, length: int, seed: int, temperature: float = 0.7) -> list[int]:
        """Go on from the prompt, one character at a time."""
        self.eval()
        dice = torch.Generator().manual_seed(seed)
        ids = list(prompt)
        for _ in range(length):
            seen = torch.tensor([ids[-CONTEXT:]], device=self.device)
            odds = torch.softmax(self(seen)[0, -1].float().cpu() / temperature, dim=-1)
            ids.append(int(torch.multinomial(odds, 1, generator=dice)))
        return ids


@dataclass(frozen=True)
class Outcome:
    """What one training came to."""

    loss: float
    checkpoint: str


def trainer(steps: int, *, checks: int, callbacks: Iterable[pl.Callback] = ()) -> pl.Trainer:
    """A silent trainer of so many steps that validates so many times."""
    callbacks = list(callbacks)
    return pl.Trainer(
        accelerator="auto",
        devices=1,
        max_steps=steps,
        max_epochs=-1,
        val_check_interval=steps // checks,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        deterministic="warn",
        logger=False,
        enable_checkpointing=bool(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
        default_root_dir=SCRATCH.name,
    )


def train(corpus: Corpus, shape: Shape, *, steps: int, seed: int, save: bool = False) -> Outcome:
    """Train one shape from nothing and validate it; the best checkpoint is kept when asked for."""
    pl.seed_everything(seed, verbose=False)
    model = LanguageModel(alphabet=len(corpus.alphabet), steps=steps, **asdict(shape))
    keep = [ModelCheckpoint(SCRATCH.name, monitor="val_loss", filename="best")] if save else []
    run = trainer(steps, checks=4 if save else 1, callbacks=keep)
    training, validation = corpus.loaders(seed)
    run.fit(model, training, validation)
    best = keep[0] if keep else None
    return Outcome(
        loss=float(best.best_model_score) if best else float(run.callback_metrics["val_loss"]),
        checkpoint=best.best_model_path if best else "",
    )


def search(corpus: Corpus, *, trials: int, steps: int, seed: int) -> optuna.Study:
    """Let optuna try a few shapes with short trainings."""
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))

    def objective(trial: optuna.Trial) -> float:
        shape = Shape(
            learning_rate=trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
            width=trial.suggest_categorical("width", [64, 96, 128]),
            heads=trial.suggest_categorical("heads", [2, 4]),
        )
        return train(corpus, shape, steps=steps, seed=seed + trial.number).loss

    study.optimize(objective, n_trials=trials)
    return study


def reload(corpus: Corpus, outcome: Outcome, *, seed: int) -> tuple[LanguageModel, dict[str, float]]:
    """The model from its checkpoint, and its validation loss and accuracy measured anew."""
    model = LanguageModel.load_from_checkpoint(outcome.checkpoint)
    [metrics] = trainer(1, checks=1).validate(model, corpus.loaders(seed)[1], verbose=False)
    return model, dict(metrics)


def judge(corpus: Corpus, final: float, reloaded: float, trials: list[float]) -> None:
    """Raise unless the model has learned and its checkpoint holds it."""
    bar = corpus.frequency_loss - MARGIN
    if not final < bar:
        raise NotLearnedError(f"final validation loss {final:.3f} is not below {bar:.3f}: it has not learned")
    if not final < min(trials):
        raise NotLearnedError(f"final loss {final:.3f} is not below the best short trial's {min(trials):.3f}")
    if not math.isclose(final, reloaded, abs_tol=1e-4):
        raise NotLearnedError(f"the checkpoint gives {reloaded:.6f} and was saved at {final:.6f}")


def used_modules() -> dict[str, dict[str, str]]:
    """Version and file of each library that the training ran on."""
    modules = (np, torch, pl, torchmetrics, datasets, optuna)
    return {m.__name__: {"version": str(m.__version__), "file": str(m.__file__)} for m in modules}


def silence() -> None:
    """Turn off the libraries' chatter; warnings that could mean a fault stay on."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    for message in (
        r".*does not have many workers.*",  # the data lies in memory: workers would only cost
        r".*Checkpoint directory .* exists and is not empty.*",
        r".*GPU available but not used.*",
        r".*isinstance\(treespec, LeafSpec\).* is deprecated.*",  # between Lightning and torch
    ):
        warnings.filterwarnings("ignore", message=message)


def show(console: Console, report: dict[str, Any]) -> None:
    """The report as a compact table and the sample."""
    table = Table(
        title=f"Trained on {report['device']} in {report['seconds']['total']:.0f} s",
        caption="loss: validation, nats a character",
    )
    table.add_column("")
    table.add_column("loss", justify="right")
    table.add_column("")
    table.add_row("uniform guess", f"{report['uniform_loss']:.3f}", f"{report['alphabet']} characters")
    table.add_row("guess by frequency", f"{report['frequency_loss']:.3f}", "")
    for trial in report["trials"]:
        how = ", ".join(f"{k} {v:.2g}" if isinstance(v, float) else f"{k} {v}" for k, v in trial["params"].items())
        table.add_row(f"trial {trial['number']}", f"{trial['loss']:.3f}", how)
    table.add_row("[bold]final", f"[bold]{report['final_loss']:.3f}", f"accuracy {report['accuracy']:.1%}")
    table.add_row("checkpoint reloaded", f"{report['reloaded_loss']:.3f}", "")
    console.print(table)
    for name, module in report["modules"].items():
        console.print(f"{name} {module['version']}  {module['file']}", style="dim", highlight=False, soft_wrap=True)
    console.print(f"\n{report['sample']}", markup=False, highlight=False)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything, from the text to the report."""
    seed = arguments.seed
    seconds = {"imports": IMPORT_SECONDS}

    def lap(name: str) -> None:
        seconds[name] = time.perf_counter() - STARTED - sum(seconds.values())

    corpus = load_corpus(TEXT, seed=seed)
    lap("data")
    study = search(corpus, trials=arguments.trials, steps=arguments.trial_steps, seed=seed)
    lap("search")
    final = train(corpus, Shape(**study.best_params), steps=arguments.steps, seed=seed, save=True)
    lap("training")
    model, metrics = reload(corpus, final, seed=seed)
    prompt = "The Rays of Light "
    written = model.write([corpus.alphabet.index(c) for c in prompt], length=240, seed=seed)
    lap("checkpoint and sample")
    seconds["total"] = time.perf_counter() - STARTED
    losses = [trial.value for trial in study.trials]
    report = {
        "learned": True,
        "seed": seed,
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "prefix": sys.prefix,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "threads": torch.get_num_threads(),
        "modules": used_modules(),
        "alphabet": len(corpus.alphabet),
        "uniform_loss": corpus.uniform_loss,
        "frequency_loss": corpus.frequency_loss,
        "trials": [{"number": t.number, "loss": t.value, "params": t.params} for t in study.trials],
        "best_params": study.best_params,
        "steps": arguments.steps,
        "final_loss": final.loss,
        "accuracy": metrics["val_accuracy"],
        "reloaded_loss": metrics["val_loss"],
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "sample": "".join(corpus.alphabet[i] for i in written),
    }
    try:
        judge(corpus, final.loss, metrics["val_loss"], losses)
    except NotLearnedError as error:
        report |= {"learned": False, "failure": str(error)}
    return report


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="A short, real training in this environment.")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--seed", type=int, default=1704, help="the same seed gives the same losses")
    parser.add_argument("--trials", type=int, default=4, help="optuna's trials (default: %(default)s)")
    parser.add_argument("--trial-steps", type=int, default=50, help="steps a trial (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=300, help="steps of the best (default: %(default)s)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Train, show, write the report; 0 when the model has learned."""
    arguments = parse(argv)
    silence()
    # The model is small: more threads gain little, and lose much where the cores are busy. With one, the losses
    # don't depend on the number of cores either.
    torch.set_num_threads(1)
    report = run(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    show(Console(), report)
    if not report["learned"]:
        Console(stderr=True).print(f"[red]{report['failure']}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
