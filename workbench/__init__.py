"""The template notebook's tools: Tier 1 checks of a transformer, and a small real training.

Meant for the locked environment: unlike the rest of the package it imports torch, matplotlib, Lightning, datasets and
optuna, and the rest of the package never imports it.

A check takes a `ModelSpec` (how to build the model, and what token ids it takes) and returns a `CheckResult`: data, a
verdict, and a figure for a notebook.
"""

from __future__ import annotations

from . import _tqdm as _tqdm
from .corpus import Corpus, load_corpus
from .figure import Picture, restyled
from .gradients import check_gradients
from .memory import check_memory
from .parameters import check_parameters
from .result import CheckResult, summary
from .shapes import check_shapes
from .spec import ModelSpec
from .speed import check_speed
from .stability import check_stability
from .training import LanguageModel, Settings, TrainingResult, draw_losses, quiet, reload, search, train
from .transformer import Transformer

__all__ = [
    "CheckResult",
    "Corpus",
    "LanguageModel",
    "ModelSpec",
    "Picture",
    "Settings",
    "TrainingResult",
    "Transformer",
    "check_gradients",
    "check_memory",
    "check_parameters",
    "check_shapes",
    "check_speed",
    "check_stability",
    "draw_losses",
    "load_corpus",
    "quiet",
    "reload",
    "restyled",
    "search",
    "summary",
    "train",
]
