"""A locked, isolated conda environment for notebooks, with a numpy that is proven healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bootstrap import guard
    from bootstrap.api import check, diagnose, explain_lock, restore, run, status, undo

__all__ = ["__version__", "check", "diagnose", "explain_lock", "guard", "restore", "run", "status", "undo"]


def __getattr__(name: str) -> Any:
    """Loads a verb when it is first used: importing the package must cost a notebook nothing."""
    if name == "guard":
        from importlib import import_module

        return import_module("bootstrap.guard")
    if name in __all__:
        from bootstrap import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
