"""A short, real training with Lightning, and a search of its settings with optuna."""

from __future__ import annotations

import logging
import tempfile
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
import optuna
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torchmetrics.aggregation import MeanMetric
from torchmetrics.classification import MulticlassAccuracy

from bootstrap.card import Card, Shown
from bootstrap.errors import CheckpointError
from bootstrap.progress import NullProgress, Step

from .figure import COLOURS, INK, drawing, picture
from .spec import logits_of
from .transformer import Transformer

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from bootstrap.progress import Progress

    from .corpus import Corpus
    from .figure import Picture


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a transformer is built and trained."""

    learning_rate: float = 3e-3
    width: int = 96
    heads: int = 4
    layers: int = 2
    dropout: float = 0.0


@dataclass(frozen=True, repr=False)
class TrainingResult(Shown):
    """What one training came to."""

    loss: float
    """Validation loss, nats a character: the best one where checkpoints were kept, else the last."""
    checkpoint: str
    """Path of the best checkpoint; empty where none was asked for."""
    history: tuple[tuple[int, float], ...] = ()
    """Step and training loss."""
    validation: tuple[tuple[int, float], ...] = ()
    """Step and validation loss."""

    @property
    def card(self) -> Card:
        """The same for people."""
        rows = [("steps", str(self.history[-1][0]))] if self.history else []
        if self.checkpoint:
            rows.append(("kept in", self.checkpoint))
        return Card(title=f"{self.loss:.3f} nats a character", verdict="ok", word="trained", rows=tuple(rows))


class LanguageModel(pl.LightningModule):
    """Trains a network to predict the next character.

    Args:
        vocabulary: How many token ids there are.
        context: The longest sequence.
        steps: Length of the training, for the learning rate's schedule.
        settings: The learning rate and, where no network is given, how one is built, as ``asdict(Settings(...))``.
        network: Any module from token ids to logits; a `Transformer` unless given.
    """

    def __init__(
        self, *, vocabulary: int, context: int, steps: int, settings: dict[str, Any], network: nn.Module | None = None
    ) -> None:
        super().__init__()
        # So that a checkpoint alone can be loaded; a network of one's own isn't plain data and must be given again.
        self.save_hyperparameters(ignore=["network"])
        chosen = Settings(**settings)
        self.learning_rate = chosen.learning_rate
        self.steps = steps
        self.context = context
        self.network = network or Transformer(
            vocabulary=vocabulary,
            context=context,
            width=chosen.width,
            heads=chosen.heads,
            layers=chosen.layers,
            dropout=chosen.dropout,
        )
        self.val_loss = MeanMetric()
        self.val_accuracy = MulticlassAccuracy(vocabulary, average="micro")

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next character, at every position."""
        return logits_of(self.network(ids))

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
    def generate(self, prompt: list[int], *, length: int, seed: int, temperature: float = 0.7) -> list[int]:
        """Go on from the prompt, one character at a time."""
        self.eval()
        generator = torch.Generator().manual_seed(seed)
        ids = list(prompt)
        for _ in range(length):
            seen = torch.tensor([ids[-self.context :]], device=self.device)
            odds = torch.softmax(self(seen)[0, -1].float().cpu() / temperature, dim=-1)
            ids.append(int(torch.multinomial(odds, 1, generator=generator)))
        return ids


class _LossHistory(pl.Callback):
    """Keeps the losses and tells how far the training is."""

    def __init__(self, steps: int, progress: Progress) -> None:
        self.training: list[tuple[int, float]] = []
        self.validation: list[tuple[int, float]] = []
        self._steps = steps
        self._progress = progress

    def on_train_batch_end(self, trainer: pl.Trainer, _model: Any, outputs: Any, *_: Any) -> None:
        self.training.append((trainer.global_step, float(outputs["loss"])))
        self._progress.step(Step("training", trainer.global_step, self._steps, unit="steps"))

    def on_validation_end(self, trainer: pl.Trainer, _model: Any) -> None:
        self.validation.append((trainer.global_step, float(trainer.callback_metrics["val_loss"])))


def _trainer(steps: int, *, checks: int, folder: str, callbacks: Iterable[pl.Callback] = ()) -> pl.Trainer:
    """A silent trainer of so many steps that validates so many times."""
    callbacks = list(callbacks)
    return pl.Trainer(
        accelerator="auto",
        devices=1,
        max_steps=steps,
        max_epochs=-1,
        val_check_interval=max(1, steps // checks),
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        deterministic="warn",
        logger=False,
        enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
        default_root_dir=folder,
    )


def train(
    corpus: Corpus,
    settings: Settings | None = None,
    *,
    steps: int,
    seed: int = 1704,
    folder: str | os.PathLike[str] | None = None,
    make: Callable[[Settings], nn.Module] | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Trains from nothing and validates.

    Args:
        corpus: The text.
        settings: How the transformer is built and trained.
        steps: Batches in all.
        seed: The same seed gives the same losses.
        folder: Where the best checkpoint is kept; none is without it.
        make: Builds a network of one's own.
        progress: Receives the steps.
    """
    settings = settings or Settings()
    pl.seed_everything(seed, verbose=False)
    model = LanguageModel(
        vocabulary=len(corpus.alphabet),
        context=corpus.context,
        steps=steps,
        settings=asdict(settings),
        network=make(settings) if make else None,
    )
    shown = progress or NullProgress()
    losses = _LossHistory(steps, shown)
    with tempfile.TemporaryDirectory(prefix="workbench-train-") as scratch:
        keep = [ModelCheckpoint(folder, monitor="val_loss", filename="best", enable_version_counter=False)]
        callbacks = [losses, *(keep if folder is not None else [])]
        run = _trainer(steps, checks=4 if folder is not None else 1, folder=scratch, callbacks=callbacks)
        training, validation = corpus.loaders(seed)
        try:
            run.fit(model, training, validation)
        finally:
            shown.close()
    best = keep[0] if folder is not None else None
    return TrainingResult(
        loss=float(best.best_model_score) if best else float(run.callback_metrics["val_loss"]),
        checkpoint=best.best_model_path if best else "",
        history=tuple(losses.training),
        validation=tuple(losses.validation),
    )


def search(
    corpus: Corpus,
    settings: Settings | None = None,
    *,
    trials: int,
    steps: int,
    seed: int = 1704,
    make: Callable[[Settings], nn.Module] | None = None,
    progress: Progress | None = None,
) -> optuna.Study:
    """Lets optuna try learning rates and widths with short trainings.

    Args:
        corpus: The text.
        settings: All other settings, which every trial has.
        trials: How many settings.
        steps: Batches a trial.
        seed: The same seed gives the same trials and losses.
        make: Builds a network of one's own from the settings.
        progress: Receives the trials.
    """
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    shown = progress or NullProgress()

    def objective(trial: optuna.Trial) -> float:
        shown.step(Step("searching", trial.number, trials, unit="trials"))
        tried = replace(
            settings or Settings(),
            learning_rate=trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
            width=trial.suggest_categorical("width", [64, 96, 128]),
        )
        return train(corpus, tried, steps=steps, seed=seed + trial.number, make=make).loss

    try:
        study.optimize(objective, n_trials=trials)
    finally:
        shown.close()
    return study


def reload(
    corpus: Corpus,
    checkpoint: str | os.PathLike[str],
    *,
    seed: int = 1704,
    network: nn.Module | None = None,
) -> tuple[LanguageModel, dict[str, float]]:
    """The model from its checkpoint, and its validation loss and accuracy measured again.

    Args:
        corpus: The text that it was trained on.
        checkpoint: The file.
        seed: For the order of the data.
        network: A fresh network of the same shape, where it was trained with one of one's own.

    Raises:
        CheckpointError: The file can't be read, or is of another model.
    """
    try:
        # What code a file of somebody else's could hold isn't run.
        model = LanguageModel.load_from_checkpoint(Path(checkpoint), network=network, weights_only=True)
    except Exception as error:
        # Lightning and torch have no error of their own for it: it comes as any of a dozen.
        raise CheckpointError(
            "Can't load the checkpoint.",
            evidence=[str(checkpoint), f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"],
        ) from error
    with tempfile.TemporaryDirectory(prefix="workbench-reload-") as scratch:
        run = _trainer(1, checks=1, folder=scratch)
        [metrics] = run.validate(model, corpus.loaders(seed)[1], verbose=False)
    return model, dict(metrics)


def draw_losses(outcome: TrainingResult, corpus: Corpus) -> Picture:
    """The losses of a training over its steps, beside what guessing would give."""
    with drawing(height=3.0) as (figure, [axes]):
        axes.plot(*zip(*outcome.history, strict=True), color=COLOURS[0], linewidth=1, label="training")
        axes.plot(*zip(*outcome.validation, strict=True), "o-", color=COLOURS[1], label="validation")
        for level, words in ((corpus.uniform_loss, "uniform guess"), (corpus.frequency_loss, "guess by frequency")):
            axes.axhline(level, color=INK, linewidth=0.8, linestyle="--")
            axes.annotate(
                words,
                (1, level),
                xycoords=("axes fraction", "data"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="right",
                size=8,
            )
        axes.set(xlabel="step", ylabel="nats a character", title="Loss")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return picture(figure, f"Loss over {len(outcome.history)} steps, to {outcome.loss:.2f} nats a character.")


def quiet() -> None:
    """Turns off the libraries' chatter; warnings that could mean a fault stay on."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    for message in (
        r".*does not have many workers.*",  # the data lies in memory: workers would only cost
        r".*Checkpoint directory .* exists and is not empty.*",
        r".*GPU available but not used.*",
        r".*optuna\.visualization\.matplotlib.* is experimental.*",
        r".*isinstance\(treespec, LeafSpec\).* is deprecated.*",  # between Lightning and torch
    ):
        warnings.filterwarnings("ignore", message=message)
