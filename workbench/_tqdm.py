"""Imported first: tqdm tells every notebook without ipywidgets that it has none, which nobody here needs to read."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="IProgress not found")
    import tqdm.auto  # noqa: F401 - to have it say so here
