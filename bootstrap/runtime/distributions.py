"""Distributions of the Python that runs this: found, judged, and copied into folders of another Python's path.

All are copies (hard links where the file system has them): what pip replaces in the environment and the bytecode that
its Python writes stay there.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from bootstrap._util.names import canonical_name

_NO_BYTECODE = shutil.ignore_patterns("__pycache__")


def find(name: str) -> metadata.Distribution | None:
    """An installed distribution; None if there is none of this name."""
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def required(distribution: metadata.Distribution) -> set[str]:
    """The names that a distribution requires without an extra."""
    plain = [line for line in distribution.requires or () if "extra ==" not in line]
    return {canonical_name(match[0]) for line in plain if (match := re.match(r"[\w.-]+", line))}


def pure_closure(name: str, there: set[str]) -> set[str] | None:
    """A distribution and all that it requires, as far as it is installed here, without what is there already.

    Args:
        name: Its name.
        there: Canonical names of what needs not come.

    Returns:
        Their names; None where it isn't installed, or not all of them are pure Python.
    """
    if find(name) is None:
        return None
    closure: set[str] = set()
    waiting = [canonical_name(name)]
    while waiting:
        name = waiting.pop()
        distribution = find(name)
        if distribution is None or name in closure:
            continue
        if not distribution.files or any(".so" in file.suffixes for file in distribution.files):
            return None
        closure.add(name)
        waiting += required(distribution) - there
    return closure


def copy_distribution(name: str, folder: Path, *, only: str = "") -> None:
    """Copies a distribution's modules and metadata, if it is installed.

    Args:
        name: Its name.
        folder: Where to.
        only: Suffix of the top-level folders to copy, where not all are wanted.
    """
    if (distribution := find(name)) is None:
        return
    base = Path(str(distribution.locate_file("")))
    for file in distribution.files or ():
        source = base / file
        if ".." in file.parts or file.suffix in (".pyc", ".pth") or not file.parts[0].endswith(only):
            continue
        if source.is_file():
            _copy(source, folder / file)


def module_path(name: str) -> Path | None:
    """The file of a module of Python code, or the folder of a package; None if there is none."""
    with suppress(ModuleNotFoundError):
        spec = importlib.util.find_spec(name)
        if spec and spec.origin and spec.origin.endswith(".py"):
            return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
    return None


def copy_module(name: str, folder: Path) -> None:
    """Copies a module or package of Python code, if there is one."""
    if source := module_path(name):
        copy = folder.joinpath(*name.split(".")[:-1], source.name)
        if source.is_dir():
            copy_package(source, copy)
        else:
            _copy(source, copy)


def copy_package(package: Path, copy: Path) -> None:
    """Copies a package's folder, beside what lies there of it."""
    shutil.copytree(package, copy, copy_function=_copy, ignore=_NO_BYTECODE, dirs_exist_ok=True)


def _copy(source: str | Path, target: str | Path) -> None:
    """A copy that shares the file's blocks where both lie on one file system: nobody edits these in place."""
    source, target = Path(source), Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
