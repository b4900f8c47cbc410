"""A conda environment on disk: restore it from a lock, compare it with one, verify its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bootstrap.prefix.compare import Comparison, compare_prefix
    from bootstrap.prefix.file_check import AlteredFile
    from bootstrap.prefix.transaction import Restored, restore

_HOMES = {
    "Comparison": "compare",
    "AlteredFile": "file_check",
    "Restored": "transaction",
    "compare_prefix": "compare",
    "restore": "transaction",
}

__all__ = ["AlteredFile", "Comparison", "Restored", "compare_prefix", "restore"]


def __getattr__(name: str) -> Any:
    """Loads a name when it is first used: the engine's process needs none of them, and is waited for."""
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(f"bootstrap.prefix.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
