"""Which requirement would replace or break numpy, or did, and the ways out.

Resolvers are asked about a metadata-only copy of the environment, never about the environment itself: `shadow` makes
the copy, `resolver` asks, `court` judges, `predict` narrows down, `waysout` writes the files. `notebook` finds the
commands of a notebook (`cellcode`, `pycode` and `values` read its Python, `words`, `script` and `shell` its shell),
and `replay` has `player` run them in order; `evidence` reads what a live runtime tells of its past; `prove` installs
for real in throw-away copies.
"""

from __future__ import annotations

from bootstrap.diagnosis import replay_report, report  # noqa: F401 - they show the results
from bootstrap.diagnosis.answer import Diagnosis, Trial, Written
from bootstrap.diagnosis.asking import ask_requirements
from bootstrap.diagnosis.model import EXIT_CODES, Breakage, Change, Finding, Requirement, Subject
from bootstrap.diagnosis.replay import Replay, ask_notebook
from bootstrap.diagnosis.scene import Scene
from bootstrap.diagnosis.story import Story, tell_story

__all__ = [
    "EXIT_CODES",
    "Breakage",
    "Change",
    "Diagnosis",
    "Finding",
    "Replay",
    "Requirement",
    "Scene",
    "Story",
    "Subject",
    "Trial",
    "Written",
    "ask_notebook",
    "ask_requirements",
    "tell_story",
]
