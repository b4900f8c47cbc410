"""What tests share; nothing here is a test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""


def link_or_copy(source: Path | str, goal: Path | str) -> None:
    """One more name of a file, or a copy of it where the file system is another."""
    try:
        os.link(source, goal)
    except OSError:
        shutil.copy2(source, goal)


def one_of(first: Any, *others: Any) -> list[ParameterSet]:
    """Parameters of a test, of which `make test` takes the first, and `make test-all` all."""
    # Here, because programs that tests start import this package as well, some of them without pytest.
    import pytest

    return [pytest.param(first), *(pytest.param(other, marks=pytest.mark.exhaustive) for other in others)]
