"""A short, real training in the restored environment: text, datasets, torch, Lightning and optuna together.

Run it with the prefix's own interpreter::

    PREFIX/bin/python -I demo/train.py --json OUT.json

A small character-level transformer learns the last three Queries of Newton's Opticks. optuna tries a few
learning rates and shapes, the best one is trained longer, saved, loaded again, and made to write a sentence.
The model, the data and the training are those of the template notebook (workbench). The script fails
(exit code 1) when the model hasn't learned, or when the loaded checkpoint doesn't give the loss that was saved.
It never opens a network connection: an attempt is an error.
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
import math
from pathlib import Path
from typing import Any

# Isolated, an interpreter doesn't look beside its script; the environment itself doesn't hold this package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import datasets
import numpy as np
import optuna
import pytorch_lightning as pl
import torch
import torchmetrics
from rich.console import Console
from rich.table import Table

from workbench import Settings, load_corpus, quiet, reload, search, train

IMPORT_SECONDS = time.perf_counter() - STARTED
# The least that counts as learned: nats a character below the loss of guessing by frequency alone.
MARGIN = 0.3


class NotLearnedError(Exception):
    """The training ran, and its result is not what a working environment gives."""


def judge(frequency_loss: float, final: float, reloaded: float, trials: list[float]) -> None:
    """Raise unless the model has learned and its checkpoint holds it."""
    bar = frequency_loss - MARGIN
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

    corpus = load_corpus(seed=seed)
    lap("data")
    study = search(corpus, trials=arguments.trials, steps=arguments.trial_steps, seed=seed)
    lap("search")
    final = train(corpus, Settings(**study.best_params), steps=arguments.steps, seed=seed, folder=SCRATCH.name)
    lap("training")
    model, metrics = reload(corpus, final.checkpoint, seed=seed)
    written = model.generate(corpus.encode("The Rays of Light "), length=240, seed=seed)
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
        "sample": corpus.decode(written),
    }
    try:
        judge(corpus.frequency_loss, final.loss, metrics["val_loss"], losses)
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
    quiet()
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
