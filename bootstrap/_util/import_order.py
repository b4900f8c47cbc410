"""Imports that files in the working folder don't disturb."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def standard_library_first() -> Iterator[None]:
    """In this block, a file named like a module of the standard library doesn't hide that module."""
    before = list(sys.path)
    home = os.path.dirname(os.__file__)  # noqa: PTH120 - compared as text
    sys.path.sort(key=lambda path: not (path.startswith(home) and "-packages" not in path))
    try:
        yield
    finally:
        sys.path[:] = before
