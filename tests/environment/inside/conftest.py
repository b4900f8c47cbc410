"""Collected only where the environment's packages are."""

from __future__ import annotations

from importlib.util import find_spec

# Elsewhere these are run by tests/environment/test_workbench.py, in the environment.
INSIDE = find_spec("pytorch_lightning") is not None
collect_ignore_glob = [] if INSIDE else ["test_*.py"]

if INSIDE:
    import torch

    # More threads than idle cores wait for each other most of the time.
    torch.set_num_threads(1)
