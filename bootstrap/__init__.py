"""A locked, isolated conda environment for notebooks, with a numpy that is proven healthy.

In a notebook's first cell: ``bootstrap.run()``. The way back: ``bootstrap.undo()``. What is there:
``bootstrap.status()``; whether it is healthy: ``bootstrap.check()``; what an error means:
``bootstrap.explain("hash-mismatch")``. Each returns what it found, which shows itself as a card at a cell's end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bootstrap._version import __version__

if TYPE_CHECKING:
    from bootstrap import guard
    from bootstrap.api import check, diagnose, explain, explain_lock, pack, restore, run, status, undo

__all__ = [
    "__version__",
    "check",
    "diagnose",
    "explain",
    "explain_lock",
    "guard",
    "pack",
    "restore",
    "run",
    "status",
    "undo",
]


def __getattr__(name: str) -> Any:
    """Loads a verb when it is first used: importing the package must cost a notebook nothing."""
    if name == "guard":
        from importlib import import_module

        return import_module("bootstrap.guard")
    if name in __all__:
        from bootstrap import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The verbs, also those that aren't loaded yet: for Tab, ``dir`` and ``help``."""
    return sorted(__all__)
