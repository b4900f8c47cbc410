"""Is the Python module in memory what its file now says?

The functions of a loaded module are compared with those that its source compiles to. A file that was last changed
before the process began needs no comparison: the time of change of status (ctime) can't be set by an installer.
"""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

State = Literal["same", "differs", "removed", "unknown"]


def changed_since(path: str, moment: float) -> bool:
    """Whether a file was made or changed after a moment, or is gone."""
    try:
        return os.stat(path).st_ctime > moment
    except OSError:
        return True


def loaded() -> dict[str, types.ModuleType]:
    """Loaded modules that have a file, by name."""
    return {
        name: module
        for name, module in list(sys.modules.items())
        if isinstance(module, types.ModuleType) and isinstance(getattr(module, "__file__", None), str)
    }


def loaded_below(folder: str) -> dict[str, types.ModuleType]:
    """Loaded modules whose source lies in a folder, by name."""
    return {name: module for name, module in loaded().items() if str(module.__file__).startswith(f"{folder}/")}


def state_of(module: types.ModuleType) -> State:
    """Whether a loaded module's functions and classes are those of its source file."""
    path = str(module.__file__)
    if not path.endswith(".py"):
        return "unknown"
    try:
        source = Path(path).read_bytes()
    except OSError:
        return "removed"
    held = dict(_functions(module))
    if not held:
        return "unknown"
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return "differs"
    there = dict(_codes(code))
    # What a decorator or a condition hid is in neither list; what is in memory has to be in the source.
    return "same" if all(there.get(name) == value for name, value in held.items()) else "differs"


def _functions(module: types.ModuleType) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for value in list(vars(module).values()):
        holders = [value]
        if isinstance(value, type) and value.__module__ == module.__name__:
            holders = list(vars(value).values())
        for holder in holders:
            inner = getattr(holder, "__wrapped__", holder)
            code = getattr(inner, "__code__", None)
            if isinstance(code, types.CodeType) and code.co_filename == module.__file__:
                yield _key(code), _content(code)


def _codes(code: types.CodeType) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield _key(constant), _content(constant)
            yield from _codes(constant)


def _key(code: types.CodeType) -> str:
    # Two functions of one name are told apart by their line; equal files have equal lines.
    return f"{getattr(code, 'co_qualname', code.co_name)}:{code.co_firstlineno}"


def _content(code: types.CodeType) -> tuple[Any, ...]:
    constants = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    # A frozen set prints its members in the order in which it was filled.
    told = [sorted(map(repr, c)) if isinstance(c, frozenset) else repr(c) for c in constants]
    return code.co_code, code.co_names, code.co_varnames, told


def differing(modules: Iterable[types.ModuleType]) -> Iterator[str]:
    """Names of the modules that are not as their files say; all are compared, however long it takes."""
    return (module.__name__ for module in modules if state_of(module) in ("differs", "removed"))
