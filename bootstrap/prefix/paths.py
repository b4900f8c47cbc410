"""Which paths a package may have, and a record that is about to be removed or repaired.

The engine joins them to the prefix as they are. It imports nothing but the standard library: it is loaded by the
engine's process.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

META_DIR = "conda-meta"
ASIDE = ".set-aside-by-bootstrap"
"""Folder in the environment for files that no package owns and that had to give way, with their paths kept."""
ENGINES_OWN = ("__clobbers__", ".trash", "CACHEDIR.TAG")
"""Names at the top of a prefix that the engine writes to."""
INSTALLERS_OWN = (META_DIR, *ENGINES_OWN, ASIDE)
"""Names at the top of a prefix that no package may have."""

# A backslash becomes a slash when the engine writes the record.
_PLAIN = re.compile(r"(?:(?!\.{1,2}(?:/|\Z))[^/\\\x00-\x1f\x7f\ud800-\udfff]+(?:/(?!\Z)|\Z))+")


def fault(path: object, reserved: tuple[str, ...] = INSTALLERS_OWN) -> str | None:
    """Why a path is refused, in words; None where it is plainly below the prefix, and nobody's own place.

    Args:
        path: What stands in ``paths.json`` or in a record.
        reserved: Names at the top of a prefix that it may not have.
    """
    if not isinstance(path, str):
        return "is not text"
    if not path:
        return "is empty"
    if not _PLAIN.fullmatch(path):
        if path.startswith("/"):
            return "is absolute"
        return "leads out of its folder" if ".." in path.split("/") else "is not a plain relative path"
    if path.partition("/")[0] in reserved:
        return "is reserved for the installer"
    return None


def first_fault(paths: Collection[Any], reserved: tuple[str, ...] = INSTALLERS_OWN) -> tuple[Any, str] | None:
    """The first of some ten thousand paths that `fault` refuses, and why; None where it refuses none."""
    with suppress(TypeError):  # one is not text
        if all(map(_PLAIN.fullmatch, paths)) and {path.partition("/")[0] for path in paths}.isdisjoint(reserved):
            return None
    return next((path, words) for path in paths if (words := fault(path, reserved)))


def above(paths: Iterable[str]) -> set[str]:
    """Every folder above these paths."""
    folders: set[str] = set()
    for folder in {path.rpartition("/")[0] for path in paths}:
        ancestor = folder
        while ancestor and ancestor not in folders:
            folders.add(ancestor)
            ancestor = ancestor.rpartition("/")[0]
    return folders


def astray(prefix: str, paths: Iterable[str]) -> list[str]:
    """Folders above these paths that are links and lead out of a prefix, or to its records."""
    root = os.path.realpath(prefix)
    return [folder for folder in sorted(above(paths)) if not _stays(root, f"{prefix}/{folder}")]


def _stays(root: str, folder: str) -> bool:
    if not os.path.islink(folder):  # noqa: PTH114 (called for every folder of an environment)
        return True
    goal = os.path.realpath(folder)
    return goal.startswith(f"{root}/") and not f"{goal}/".startswith(f"{root}/{META_DIR}/")
