"""The text that is trained on, as blocks of character ids: shipped with the package, or one's own."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
import torch
from torch.utils.data import DataLoader

from bootstrap.card import Card, Shown
from bootstrap.errors import CorpusError

if TYPE_CHECKING:
    import os

TEXT = Path(__file__).parent / "data" / "newton-opticks-queries.txt"
"""Queries 29 to 31 and the close of Newton's Opticks, London 1730: public domain, 55 kB."""


@dataclass(frozen=True, repr=False)
class Corpus(Shown):
    """A text as tensors, ready for training."""

    alphabet: str
    context: int
    """Characters that a model sees at once; a block has one more, the last one's target."""
    batch: int
    train: datasets.Dataset
    validation: datasets.Dataset
    uniform_loss: float
    """Nats a character, every character equally likely."""
    frequency_loss: float
    """Nats a character, guessing by the training text's own frequencies."""

    def loaders(self, seed: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
        """Fresh loaders of both parts; the same seed gives the same order."""
        generator = torch.Generator().manual_seed(seed)
        train = DataLoader(self.train, batch_size=self.batch, shuffle=True, drop_last=True, generator=generator)
        return train, DataLoader(self.validation, batch_size=self.batch)

    def encode(self, text: str) -> list[int]:
        """The text's characters as ids.

        Raises:
            CorpusError: A character is not in the alphabet.
        """
        unknown = sorted(set(text) - set(self.alphabet))
        if unknown:
            raise CorpusError(
                "The text has characters that the corpus lacks.",
                evidence=[f"unknown: {' '.join(map(repr, unknown))}"],
                hint="Write with the corpus's own characters: `corpus.alphabet` has them.",
            )
        return [self.alphabet.index(c) for c in text]

    def decode(self, ids: list[int]) -> str:
        """Ids as text."""
        return "".join(self.alphabet[i] for i in ids)

    @property
    def card(self) -> Card:
        """The same for people."""
        return Card(title=str(self), word="text")

    def __str__(self) -> str:
        return (
            f"{len(self.train):,} blocks to train on and {len(self.validation):,} to validate, "
            f"of {self.context} characters; an alphabet of {len(self.alphabet)}"
        )


def load_corpus(
    path: str | os.PathLike[str] = TEXT, *, context: int = 64, batch: int = 32, seed: int = 1704
) -> Corpus:
    """Reads a text by paragraphs, sets some aside for validation, and cuts it into blocks of characters.

    Args:
        path: A text file, UTF-8, paragraphs between empty lines; the shipped one unless given.
        context: Characters that a model sees at once.
        batch: Blocks a training step.
        seed: Decides which paragraphs validate.

    Raises:
        CorpusError: The file is not there, no text, or too short.
    """
    path = Path(path)
    try:
        empty = not path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError("Can't read the text.", evidence=[f"{path}: {error}"]) from error
    if empty:
        raise _too_short(path, "it is empty")
    with tempfile.TemporaryDirectory(prefix="workbench-text-") as cache:
        # In memory: the file it is read from, and the cache of that, may go.
        text = datasets.Dataset.from_text(str(path), sample_by="paragraph", cache_dir=cache, keep_in_memory=True)
    if len(text) < 8:
        raise _too_short(path, f"{len(text)} paragraphs, at least 8 are needed")
    alphabet = "".join(sorted({c for row in text["text"] for c in row} | {"\n"}))
    code = {c: i for i, c in enumerate(alphabet)}

    def blocks(rows: dict[str, list[str]], stride: int) -> dict[str, list[list[int]]]:
        ids = [code[c] for row in rows["text"] for c in row + "\n"]
        return {"ids": [ids[i : i + context + 1] for i in range(0, len(ids) - context, stride)]}

    parts = text.train_test_split(test_size=0.12, seed=seed)
    cut = {"batched": True, "batch_size": None, "remove_columns": ["text"], "keep_in_memory": True}
    train = parts["train"].map(blocks, fn_kwargs={"stride": max(1, context // 4)}, **cut)
    validation = parts["test"].map(blocks, fn_kwargs={"stride": context}, **cut)
    if len(train) < batch or not len(validation):
        raise _too_short(path, f"{len(train)} blocks to train on, {len(validation)} to validate; batch={batch}")
    seen = np.bincount(np.concatenate([np.asarray(row) for row in train["ids"]]), minlength=len(alphabet))
    frequency = (seen + 1) / (seen + 1).sum()
    held_out = np.concatenate([np.asarray(row)[1:] for row in validation["ids"]])
    return Corpus(
        alphabet=alphabet,
        context=context,
        batch=batch,
        train=train.with_format("torch"),
        validation=validation.with_format("torch"),
        uniform_loss=math.log(len(alphabet)),
        frequency_loss=float(-np.log(frequency[held_out]).mean()),
    )


def _too_short(path: Path, what: str) -> CorpusError:
    return CorpusError("The text is too short for this context and batch.", evidence=[f"{path}: {what}"])
