"""How much a damaged file matters."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bootstrap.integrity.model import FileFault, Severity

_TEST_FOLDERS = {"tests", "test", "_tests"}


def is_test(path: str) -> bool:
    """Whether a file serves only a package's own tests, which some installers prune."""
    pure = PurePath(path)
    return bool(_TEST_FOLDERS.intersection(pure.parts[:-1])) or pure.name == "conftest.py"


def is_code(path: str) -> bool:
    """Whether a file is executed or loaded: Python, a shared library, a program."""
    pure = PurePath(path)
    if is_test(path):
        return False
    return pure.suffix in (".py", ".pth") or ".so" in pure.suffixes or pure.parent.name == "bin"


def fault_severity(fault: FileFault, *, near: bool) -> Severity:
    """The severity of one file's fault.

    Args:
        fault: What is wrong with the file.
        near: Whether its package is numpy, stands on it, or lies beneath it.
    """
    if is_test(fault.path):
        return "note"
    if is_code(fault.path):
        return "broken" if near else "doubtful"
    return "doubtful" if near else "note"
