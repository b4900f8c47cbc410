"""Packages that don't fit this interpreter or this numpy, told without importing them."""

from __future__ import annotations

import mmap
import re
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.health.remediation import nearest_release
from bootstrap.health.rules.base import CauseKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause
    from bootstrap.health.record_files import Distribution

BUILT_FOR_ANOTHER_NUMPY = CauseKind("built-for-another-numpy", severity="doubtful", repairs=("upgrade",))
BUILT_FOR_ANOTHER_PYTHON = CauseKind("built-for-another-python", repairs=("reinstall",))
DEPENDENCY_MISSING = CauseKind("dependency-missing", repairs=("reinstall", "complete"))
INTERRUPTED_INSTALL = CauseKind("interrupted-install", repairs=("set-aside",))
NUMPY_OUT_OF_BOUNDS = CauseKind(
    "numpy-out-of-bounds", severity="doubtful", repairs=("upgrade",), dated="never", declared=True
)

_EXTENSION = re.compile(r"\.cpython-(\d)(\d+)[a-z]*-[^/]*\.so$")
_VARIANT = re.compile(r"-(?:headless|contrib|cpu|gpu|binary|intel|nightly|rocm|cu\d+|cuda\w*)\b")
"""Parts of a name by which projects offer the same modules in several distributions."""
_OLD_API, _NEW_API = b"numpy.core._multiarray_umath", b"numpy._core._multiarray_umath"
"""What the C API's own header looks up; from 2.0 on the second, and the first only after it."""


def misfits(facts: Facts) -> list[Cause]:
    """All of them; those that explain most first."""
    return [*_other_python(facts), *_interrupted(facts), *_old_interface(facts), *_bounds(facts), *_lacking(facts)]


def _other_python(facts: Facts) -> Iterator[Cause]:
    """Distributions whose extension modules are all for another version of Python."""
    version = facts.layout.version[:2]
    for distribution in facts.disk.foreign:
        tags: dict[tuple[int, int], str] = {}
        for entry in distribution.record():
            if (match := _EXTENSION.search(entry.path)) and (distribution.site / entry.path).exists():
                tags[int(match[1]), int(match[2])] = entry.path
        if not tags or version in tags or len(version) < 2:
            continue
        (other, path) = next(iter(tags.items()))
        numpy = distribution.name == "numpy"
        yield BUILT_FOR_ANOTHER_PYTHON(
            severity="broken" if numpy else "doubtful",
            summary=f"{distribution} was built for Python {other[0]}.{other[1]}, this is {version[0]}.{version[1]}.",
            evidence=(f"{distribution.site / path}: no extension module for {version[0]}.{version[1]} beside it",),
            files=(str(distribution.site / path),),
            owner=str(distribution),
            package=distribution.name,
        )


def _interrupted(facts: Facts) -> Iterator[Cause]:
    """Folders that pip renames while it replaces a package, and that only an interrupted pip leaves."""
    left: dict[tuple[bool, str], list[Path]] = {}
    for path in facts.disk.leftovers:
        # pip writes "~" over the first letters, and over more of them where that name is taken.
        rest = path.name.lstrip("~-_")
        owner = next(
            (str(d) for d in facts.disk.distributions if rest and d.name.endswith(rest.partition("-")[0])), ""
        )
        numpy = bool(rest) and "numpy".endswith(rest.partition("-")[0].partition(".")[0])
        left.setdefault((numpy, owner or ("numpy" if numpy else "")), []).append(path)
    for (numpy, owner), paths in left.items():
        yield INTERRUPTED_INSTALL(
            severity="doubtful" if numpy else "note",
            summary=f"An installation {'of numpy ' if numpy else ''}was interrupted, leaving "
            f"{' and '.join(path.name for path in paths)}.",
            evidence=tuple(
                f"{path}: pip renames what it is about to remove, and deletes it at the end" for path in paths
            ),
            files=tuple(map(str, paths)),
            owner=owner,
            # Where files of the package are wrong or missing, that is a cause of its own, with its own repair.
            repair=f"Delete {' and '.join(map(str, paths))}.",
        )


def _old_interface(facts: Facts) -> Iterator[Cause]:
    """Extension modules compiled with the headers of numpy 1 beside a numpy 2, which refuses them."""
    if not (facts.numpy_version or "").startswith("2."):
        return
    tried = {result.name.removeprefix("import ") for result in facts.dependents}
    suspects = [d for d in facts.disk.foreign if d.name not in tried and "numpy" in d.requires()]
    for distribution in suspects:
        extension = _compiled_for_old(distribution)
        if extension is not None:
            yield BUILT_FOR_ANOTHER_NUMPY(
                summary=f"{distribution} was built for numpy 1; the installed {facts.numpy_version} refuses it.",
                evidence=(f"{extension}: looks up the C API of numpy 1 only",),
                files=(str(extension),),
                owner=str(distribution),
                package=distribution.name,
            )


def _compiled_for_old(distribution: Distribution) -> Path | None:
    """An extension module that knows numpy 1 alone; a build is of one kind, so the first that tells decides."""
    # Small modules tell as much as large ones.
    for entry in distribution.extensions():
        path = distribution.site / entry.path
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if data.find(_NEW_API) >= 0:
                    return None
                if data.find(_OLD_API) >= 0:
                    return path
        except (OSError, ValueError):
            continue
    return None


def _bounds(facts: Facts) -> Iterator[Cause]:
    """Distributions that say themselves that they don't go with the installed numpy."""
    told = {d.version for d in facts.distributions}
    version = facts.numpy_version if facts.numpy_version in told else None
    if version is None:
        return
    for distribution in facts.disk.foreign:
        for line, wanted in distribution.applying(facts.layout.version):
            if canonical_name(wanted.name) != "numpy" or wanted.specifier.contains(version, prereleases=True):
                continue
            # A numpy below what it asks for: an older release of it asked for less.
            older = any(s.operator in (">=", ">", "~=") for s in wanted.specifier if not s.contains(version, True))
            yield NUMPY_OUT_OF_BOUNDS(
                summary=f"{distribution} requires numpy {wanted.specifier}, {version} is installed.",
                evidence=(f"{distribution.info / 'METADATA'}: Requires-Dist: {line}",),
                files=(str(distribution.info / "METADATA"),),
                owner=str(distribution),
                package=distribution.name,
                requirement=nearest_release(distribution.name, facts, older=older),
            )


def _lacking(facts: Facts) -> Iterator[Cause]:
    """Distributions that depend on numpy and declare dependencies that aren't installed."""
    names = [*(d.name for d in facts.disk.distributions), *map(canonical_name, facts.disk.conda), "numpy"]
    there = {_VARIANT.sub("", name) for name in names}
    works = {result.name.removeprefix("import ") for result in facts.dependents if result.passed}
    for distribution in facts.disk.foreign:
        asked = list(distribution.applying(facts.layout.version))
        if not any(canonical_name(wanted.name) == "numpy" for _, wanted in asked):
            continue
        lacking = [wanted.name for _, wanted in asked if _VARIANT.sub("", canonical_name(wanted.name)) not in there]
        if lacking:
            yield DEPENDENCY_MISSING(
                # What can be imported needs it for a part of itself at most.
                severity="note" if distribution.name in works else "doubtful",
                summary=f"{distribution} needs {', '.join(lacking)}, which {'is' if len(lacking) == 1 else 'are'} "
                "not installed.",
                evidence=tuple(f"{distribution.info / 'METADATA'}: Requires-Dist: {name}" for name in lacking),
                files=(str(distribution.info / "METADATA"),),
                owner=str(distribution),
                package=distribution.name,
            )
