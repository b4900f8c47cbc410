"""A conda environment on disk: restore it from a lock, compare it with one, verify its files."""

from __future__ import annotations

from bootstrap.prefix.compare import Comparison, compare_prefix
from bootstrap.prefix.files import FileFault
from bootstrap.prefix.transaction import Restored, restore

__all__ = ["Comparison", "FileFault", "Restored", "compare_prefix", "restore"]
