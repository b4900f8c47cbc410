"""A locked, isolated conda environment for notebooks, with a numpy that is proven healthy."""

from __future__ import annotations

__version__ = "0.1.0"
