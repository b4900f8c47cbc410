"""Which requirement would replace or break numpy, or did, and the ways out.

Resolvers are asked about a metadata-only copy of the environment, never about the environment itself: `metadata_env`
makes the copy, `resolver` asks, `impact` judges by the `dependency_graph`, `predict` narrows down, `remedies` writes
the files. `notebook` finds the `events` of a notebook (`cellcode`, `python_cells`, `python_calls` and `values` read
its Python; `shell_words`, `script` and `shell` its shell; `installer_call` the arguments of pip and uv), and `replay`
has `replayer` run them in order; `evidence` reads what a live runtime tells of its past; `sandbox_install` installs
for real in throw-away copies.
"""

from __future__ import annotations

from bootstrap.diagnosis.analysis import analyze_requirements
from bootstrap.diagnosis.answer import Diagnosis, Trial, Written
from bootstrap.diagnosis.history import History, reconstruct_history
from bootstrap.diagnosis.model import Breakage, DistChange, EnvironmentInfo, Finding, Requirement
from bootstrap.diagnosis.replay import replay_notebook
from bootstrap.diagnosis.replay_result import Replay
from bootstrap.diagnosis.replay_step import ReplayStep
from bootstrap.diagnosis.session import SessionOptions

__all__ = [
    "Breakage",
    "Diagnosis",
    "DistChange",
    "EnvironmentInfo",
    "Finding",
    "History",
    "Replay",
    "ReplayStep",
    "Requirement",
    "SessionOptions",
    "Trial",
    "Written",
    "analyze_requirements",
    "reconstruct_history",
    "replay_notebook",
]
