"""How much a damaged file matters."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bootstrap.health.model import FileFault, Severity

_INTERPRETER = re.compile(r"python[\d.]*")
_TEST_FOLDERS = {"tests", "test", "_tests"}


def is_test(path: str) -> bool:
    """Whether a file serves only a package's own tests, which some installers prune."""
    pure = PurePath(path)
    return bool(_TEST_FOLDERS.intersection(pure.parts[:-1])) or pure.name == "conftest.py"


def is_code(path: str) -> bool:
    """Whether a file is loaded by the interpreter, or is one: Python, a shared library, ``bin/python``."""
    pure = PurePath(path)
    if is_test(path):
        return False
    interpreter = pure.parent.name == "bin" and _INTERPRETER.fullmatch(pure.name)
    return pure.suffix in (".py", ".pth") or ".so" in pure.suffixes or bool(interpreter)


def fault_severity(fault: FileFault, *, near: bool) -> Severity:
    """The severity of one file's fault.

    Args:
        fault: What is wrong with the file.
        near: Whether its package is numpy, depends on it, or is a dependency of it.
    """
    if is_test(fault.path):
        return "note"
    if is_code(fault.path):
        return "broken" if near else "doubtful"
    # Launchers in bin/ name their interpreter's path, which tools rewrite; nothing imports them.
    launcher = PurePath(fault.path).parent.name == "bin"
    return "doubtful" if near and not launcher else "note"
