"""Which imports will fail in this process, because one half of numpy is in memory and the other on disk.

Modules of numpy that aren't loaded yet will be read from disk; what they ask loaded modules for is looked up there
without importing anything.
"""

from __future__ import annotations

import ast
import sys
import types
from importlib.util import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENOUGH = 4
_SKIPPED = ("tests", "f2py", "distutils", "_pyinstaller", "typing", "testing")


def failing_imports(root: Path) -> list[str]:
    """Lines such as ``import numpy.strings: cannot import name '_center' from 'numpy._core.umath'``.

    Args:
        root: The folder of the package ``numpy``.
    """
    failures: list[str] = []
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if any(part in _SKIPPED for part in relative.parts):
            continue
        parts = ["numpy", *relative.with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        if name in sys.modules:
            continue
        first = next(_missing(path, name if is_package else name.rpartition(".")[0], root), None)
        if first is not None:
            failures.append(f"import {name}: {first}")
            if len(failures) >= _ENOUGH:
                break
    return failures


def _missing(path: Path, package: str, root: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        try:
            source = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
        except ImportError:
            continue
        module = sys.modules.get(source or "")
        if not isinstance(module, types.ModuleType) or not str(source).startswith("numpy"):
            continue
        for alias in node.names:
            if alias.name == "*" or alias.name in vars(module) or f"{source}.{alias.name}" in sys.modules:
                continue
            folder = root.parent.joinpath(*str(source).split("."))
            known = (folder / f"{alias.name}.py", folder / alias.name / "__init__.py")
            compiled = list(folder.glob(f"{alias.name}.*.so")) if folder.is_dir() else []
            if not any(p.is_file() for p in known) and not compiled:
                yield f"cannot import name {alias.name!r} from {str(source)!r}"
