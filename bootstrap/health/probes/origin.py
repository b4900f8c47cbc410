"""Which numpy is imported, from where, and whether its functions are its own."""

from __future__ import annotations

import importlib
import importlib.util
import marshal
import os
import sys
import types
from typing import TYPE_CHECKING, Any

from .registry import probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMESPACES = ("", "linalg", "fft", "random", "char", "strings", "ma", "rec", "lib")
_HOMES = ("numpy", "builtins", "math", "operator", "")
_OPTIONAL = ("array_api", "distutils", "f2py", "testing", "tests")


@probe("numpy-import", catches="a numpy that does not import, or is another one than installed", cost_ms=150)
def numpy_import(numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Import numpy; note its file and its version."""
    facts["file"] = getattr(numpy, "__file__", None)
    facts["version"] = str(getattr(numpy, "__version__", ""))
    facts["paths"] = [str(path) for path in getattr(numpy, "__path__", [])]
    if facts["file"] is None:
        yield "the name numpy stands for a folder without __init__.py, not for a package"
    elif not facts["paths"]:
        yield f"the name numpy stands for a single module: {facts['file']}"
    elif not hasattr(numpy, "ndarray"):
        yield f"{facts['file']} defines no ndarray"


def _standard_modules() -> list[str]:
    """Top-level modules of the standard library that are loaded from a file."""
    library = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
    names = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        inside = isinstance(file, str) and file.startswith(library) and "-packages" not in file
        if inside and "." not in name and not name.startswith(("_sysconfigdata", "_probes", "__")):
            names.append(name)
    return sorted(names)


@probe("bytecode", catches="cached bytecode that is not what its source says", cost_ms=500, needs="", routine=False)
def bytecode(_module: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Compile sources, given ones or all in given folders, and compare them with what Python would run instead.

    It is asked only where something fails for no other reason, or of bytecode that Python itself never compares:
    another patch release of Python may compile the same source a little differently.
    """
    sources = [*map(_cached_from, facts.pop("cached", ())), *_sources_in(facts.pop("folders", ()))]
    stale = [source for source in sources if source and not _bytecode_agrees(source)]
    facts["files"] = list(map(importlib.util.cache_from_source, stale))
    for path in facts["files"]:
        yield f"{path} is not what its source compiles to"


def _cached_from(cached: str) -> str:
    """The source whose bytecode this interpreter would take from a file; '' where it takes none from there."""
    try:
        source = importlib.util.source_from_cache(cached)
    except ValueError:
        return ""
    return source if importlib.util.cache_from_source(source) == cached else ""


def _sources_in(roots: Iterable[str]) -> Iterator[str]:
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in ("tests", "__pycache__")]
            yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".py"))


def _bytecode_agrees(source: str) -> bool:
    """Whether the cached bytecode of a source file, if Python would run it, is what the source compiles to."""
    try:
        with open(importlib.util.cache_from_source(source), "rb") as file:
            data = file.read()
        with open(source, "rb") as file:
            text = file.read()
        held = os.stat(source)
    except OSError:
        return True
    flags = int.from_bytes(data[4:8], "little")
    dated = (int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little"))
    current = (int(held.st_mtime) & 0xFFFFFFFF, held.st_size & 0xFFFFFFFF)
    if data[:4] != importlib.util.MAGIC_NUMBER or (flags == 0 and dated != current):
        return True  # Python passes over it
    try:
        return bool(marshal.loads(data[16:]) == compile(text, source, "exec", dont_inherit=True))  # noqa: S302 - as import does
    except (SyntaxError, EOFError, ValueError, TypeError):
        return False


@probe("numpy-modules", catches="missing or clashing parts that are only loaded later", cost_ms=120)
def numpy_modules(numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Import the public subpackages of numpy that it doesn't load by itself."""
    root = os.path.dirname(numpy.__file__)
    for entry in sorted(os.listdir(root)):
        if entry.startswith("_") or entry in _OPTIONAL:
            continue
        if not os.path.isfile(os.path.join(root, entry, "__init__.py")):
            continue
        try:
            importlib.import_module(f"numpy.{entry}")
        except Exception as error:
            yield f"import numpy.{entry}: {type(error).__name__}: {error}"
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if (name == "numpy" or name.startswith("numpy.")) and not file.startswith(root + os.sep) and file:
            yield f"{name} was loaded from {file}, outside {root}"
    facts["stdlib"] = _standard_modules()


@probe("numpy-again", catches="a numpy that can't be imported twice in one process", cost_ms=100, routine=False)
def numpy_again(_numpy: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Take numpy out of sys.modules and import it again; asked where a running process has done the first half."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "numpy"]:
        del sys.modules[name]
    again = importlib.import_module("numpy")
    if again.ones(3).sum() != 3:
        yield "numpy computes wrong answers after a second import"


def _source(function: Any) -> tuple[str, str]:
    """The module that a function says it is from, and the file of its code ('' for compiled code)."""
    inner = getattr(function, "__wrapped__", function)
    code = getattr(inner, "__code__", None)
    outer = getattr(getattr(function, "__code__", None), "co_filename", "")
    return str(getattr(function, "__module__", "") or ""), str(getattr(code, "co_filename", "") or outer)


@probe("numpy-functions", catches="functions of numpy that other code has replaced", cost_ms=8)
def numpy_functions(numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Ask every public function of numpy where its code is from; all of it has to be numpy's."""
    root = os.path.dirname(os.path.abspath(numpy.__file__)) + os.sep
    own = (os.path.realpath(root) + os.sep, root)
    foreign: dict[str, str] = {}
    for name, value in _public(numpy):
        if isinstance(value, type) or not callable(value):
            continue
        module, file = _source(value)
        # Cython names its sources by relative paths, old numpy's generated wrappers say "<__array_...>".
        outside = file.startswith("/") and not file.startswith(own)
        # A cell of a notebook is a file in a temporary folder, or "<ipython-input-...>".
        made_up = file in ("<string>", "<stdin>") or file.startswith("<ipython-input")
        stranger = not file and module.split(".")[0] not in _HOMES
        if outside or made_up or stranger:
            foreign[name] = file or module
    facts["files"] = sorted(set(foreign.values()))
    yield from (f"{name} comes from {place}" for name, place in foreign.items())


def _public(numpy: Any) -> Iterator[tuple[str, Any]]:
    """What stands under the public names of numpy's loaded namespaces, modules left out."""
    for namespace in _NAMESPACES:
        holder = sys.modules.get(f"numpy.{namespace}") if namespace else numpy
        if isinstance(holder, types.ModuleType):
            for name, value in list(vars(holder).items()):
                if not name.startswith("_") and not isinstance(value, types.ModuleType):
                    yield f"numpy.{namespace + '.' if namespace else ''}{name}", value


@probe("numpy-surface", catches="what a process has replaced in numpy, by comparison", cost_ms=5, routine=False)
def numpy_surface(numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Write down what stands under each public name of numpy, for a running process to be compared with."""
    facts["surface"] = surface(numpy)
    yield from ()


def surface(numpy: Any) -> dict[str, str]:
    """Public names of numpy's loaded namespaces, each with a word for what it stands for."""
    version = str(getattr(numpy, "__version__", ""))
    return {"numpy.__version__": version, **{name: _word(value) for name, value in _public(numpy)}}


def _word(value: Any) -> str:
    """What a value is, in a word that is the same in every process."""
    if isinstance(value, (bool, int, float, str)):
        return repr(value)[:80]
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(name, str):
        return f"a {type(value).__name__}"
    home = getattr(value, "__module__", None)
    return f"{type(value).__name__} {home + '.' if isinstance(home, str) else ''}{name}"


@probe("numpy-mapped", catches="libraries taken from outside the environment", cost_ms=2)
def numpy_mapped(_numpy: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Read which shared libraries are in memory once numpy is imported, and what the loader was told."""
    mapped = set()
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            for line in file:
                fields = line.rstrip("\n").split(None, 5)
                if len(fields) == 6 and fields[5].startswith("/") and ".so" in fields[5]:
                    mapped.add(fields[5])
    except OSError:
        pass
    facts["mapped"] = sorted(mapped)
    yield from ()
