"""Which numpy is imported, from where, and whether its functions are its own."""

from __future__ import annotations

import importlib
import os
import sys
import types
from typing import TYPE_CHECKING, Any

from .registry import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMESPACES = ("", "linalg", "fft", "random", "char", "strings", "ma", "rec", "lib")
_HOMES = ("numpy", "builtins", "math", "operator", "")
_OPTIONAL = ("array_api", "distutils", "f2py", "testing", "tests")


@probe("numpy-import", catches="a numpy that does not import, or is another one than installed", cost_ms=150)
def numpy_import(numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Import numpy; note its file, its version and the files of its extension modules."""
    facts["file"] = getattr(numpy, "__file__", None)
    facts["version"] = str(getattr(numpy, "__version__", ""))
    facts["paths"] = [str(path) for path in getattr(numpy, "__path__", [])]
    if facts["file"] is None:
        yield "the name numpy stands for a folder without __init__.py, not for a package"
    elif not facts["paths"]:
        yield f"the name numpy stands for a single module: {facts['file']}"
    elif not hasattr(numpy, "ndarray"):
        yield f"{facts['file']} defines no ndarray"


@probe("numpy-modules", catches="missing or clashing parts that are only loaded later", cost_ms=120)
def numpy_modules(numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Import the public subpackages of numpy that it doesn't load by itself."""
    root = os.path.dirname(numpy.__file__)  # noqa: PTH120
    for entry in sorted(os.listdir(root)):  # noqa: PTH208
        if entry.startswith("_") or entry in _OPTIONAL:
            continue
        if not os.path.isfile(os.path.join(root, entry, "__init__.py")):  # noqa: PTH113, PTH118
            continue
        try:
            importlib.import_module(f"numpy.{entry}")
        except Exception as error:
            yield f"import numpy.{entry}: {type(error).__name__}: {error}"
    extensions = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if (name == "numpy" or name.startswith("numpy.")) and not file.startswith(root + os.sep) and file:
            yield f"{name} was loaded from {file}, outside {root}"
        if name.startswith("numpy.") and file.endswith((".so", ".pyd")):
            extensions[name] = file
    facts["extensions"] = extensions


def _source(function: Any) -> tuple[str, str]:
    """The module that a function says it is from, and the file of its code ('' for compiled code)."""
    inner = getattr(function, "__wrapped__", function)
    code = getattr(inner, "__code__", None)
    outer = getattr(getattr(function, "__code__", None), "co_filename", "")
    return str(getattr(function, "__module__", "") or ""), str(getattr(code, "co_filename", "") or outer)


@probe("numpy-functions", catches="functions of numpy that other code has replaced", cost_ms=8)
def numpy_functions(numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Ask every public function of numpy where its code is from; all of it has to be numpy's."""
    root = os.path.dirname(os.path.abspath(numpy.__file__)) + os.sep  # noqa: PTH100, PTH120
    own = (os.path.realpath(root) + os.sep, root)
    foreign: list[str] = []
    files: list[str] = []
    for namespace in _NAMESPACES:
        holder = numpy
        if namespace:
            holder = sys.modules.get(f"numpy.{namespace}")
        if not isinstance(holder, types.ModuleType):
            continue
        for name, value in list(vars(holder).items()):
            if name.startswith("_") or isinstance(value, (type, types.ModuleType)) or not callable(value):
                continue
            module, file = _source(value)
            # Cython names its sources by relative paths, old numpy's generated wrappers say "<__array_...>".
            outside = file.startswith("/") and not file.startswith(own)
            made_up = file in ("<string>", "<stdin>")
            stranger = not file and module.split(".")[0] not in _HOMES
            if outside or made_up or stranger:
                label = f"numpy.{namespace + '.' if namespace else ''}{name}"
                foreign.append(f"{label} comes from {file or module}")
                files.append(file or module)
    facts["files"] = sorted(set(files))
    yield from foreign


@probe("numpy-mapped", catches="libraries taken from outside the environment", cost_ms=2)
def numpy_mapped(_numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Read which shared libraries are in memory once numpy is imported, and what the loader was told."""
    mapped = set()
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            for line in file:
                fields = line.rstrip("\n").split(None, 5)
                if len(fields) == 6 and fields[5].startswith("/") and ".so" in fields[5]:
                    mapped.add(fields[5])
    except OSError:
        pass
    facts["mapped"] = sorted(mapped)
    yield from ()
