"""Packages that don't fit this interpreter or this numpy, told without importing them."""

from __future__ import annotations

import mmap
import re
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bootstrap.integrity.drafts import Draft
from bootstrap.integrity.mending import repair_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bootstrap.integrity.facts import Facts
    from bootstrap.integrity.record_files import Distribution

_EXTENSION = re.compile(r"\.cpython-(\d)(\d+)[a-z]*-[^/]*\.so$")
_OLD_API, _NEW_API = b"numpy.core._multiarray_umath", b"numpy._core._multiarray_umath"
"""What the C API's own header looks up; from 2.0 on the second, and the first only after it."""
_SCAN_SECONDS = 0.6
_SCAN_BYTES = 96 * 2**20


def misfits(facts: Facts) -> list[Draft]:
    """All of them; those that explain most first."""
    return [*_other_python(facts), *_interrupted(facts), *_old_interface(facts), *_bounds(facts)]


def _other_python(facts: Facts) -> Iterator[Draft]:
    """Distributions whose extension modules are all for another version of Python."""
    version = facts.layout.version[:2]
    for distribution in facts.disk.foreign:
        tags: dict[tuple[int, int], str] = {}
        for entry in distribution.record():
            if (found := _EXTENSION.search(entry.path)) and (distribution.site / entry.path).exists():
                tags[int(found[1]), int(found[2])] = entry.path
        if not tags or version in tags or len(version) < 2:
            continue
        (other, path) = next(iter(tags.items()))
        numpy = distribution.name == "numpy"
        yield Draft(
            id="built-for-another-python",
            severity="broken" if numpy else "doubtful",
            summary=f"{distribution} was built for Python {other[0]}.{other[1]}, this is {version[0]}.{version[1]}.",
            evidence=(f"{distribution.site / path}: no extension module for {version[0]}.{version[1]} beside it",),
            files=(str(distribution.site / path),),
            owner=str(distribution),
            package=distribution.name,
            repair=repair_package(distribution.name, facts),
        )


def _interrupted(facts: Facts) -> Iterator[Draft]:
    """Folders that pip renames while it replaces a package, and that only an interrupted pip leaves."""
    for path in facts.disk.leftovers:
        # pip writes "~" over the first letters, and over more of them where that name is taken.
        rest = path.name.lstrip("~-_")
        owner = next(
            (str(d) for d in facts.disk.distributions if rest and d.name.endswith(rest.partition("-")[0])), ""
        )
        numpy = bool(rest) and "numpy".endswith(rest.partition("-")[0].partition(".")[0])
        yield Draft(
            id="interrupted-install",
            severity="doubtful" if numpy else "note",
            summary=f"An installation {'of numpy ' if numpy else ''}was interrupted: {path.name} is left of it.",
            evidence=(f"{path}: pip renames what it is about to remove, and deletes it at the end",),
            files=(str(path),),
            owner=owner or ("numpy" if numpy else ""),
            repair=f"Delete {path}." + (f" Then: {repair_package('numpy', facts)}" if numpy else ""),
        )


def _old_interface(facts: Facts) -> Iterator[Draft]:
    """Extension modules compiled with the headers of numpy 1 beside a numpy 2, which refuses them."""
    if not (facts.numpy_version or "").startswith("2."):
        return
    tried = {result.name.removeprefix("import ") for result in facts.dependents}
    suspects = [d for d in facts.disk.foreign if d.name not in tried and "numpy" in d.requires()]
    suspects.sort(key=lambda d: -_changed(d.info))
    until = time.monotonic() + _SCAN_SECONDS
    for distribution in suspects:
        found = _compiled_for_old(distribution, until)
        if found is not None:
            yield Draft(
                id="built-for-another-numpy",
                severity="doubtful",
                summary=f"{distribution} was built for numpy 1; the installed {facts.numpy_version} refuses it.",
                evidence=(f"{found}: looks up the C API of numpy 1 only",),
                files=(str(found),),
                owner=str(distribution),
                package=distribution.name,
                repair=repair_package(distribution.name, facts, upgrade=True),
            )


def _changed(path: Path) -> float:
    try:
        return path.stat().st_ctime
    except OSError:
        return 0.0


def _compiled_for_old(distribution: Distribution, until: float) -> Path | None:
    for entry in distribution.record():
        if ".so" not in entry.path or (entry.size or 0) > _SCAN_BYTES:
            continue
        if time.monotonic() > until:
            return None
        path = distribution.site / entry.path
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if data.find(_OLD_API) >= 0 and data.find(_NEW_API) < 0:
                    return path
        except (OSError, ValueError):
            continue
    return None


def _bounds(facts: Facts) -> Iterator[Draft]:
    """Distributions that say themselves that they don't go with the installed numpy."""
    told = {d.version for d in facts.distributions}
    version = facts.numpy_version if facts.numpy_version in told else None
    specifiers: Any = _packaging("specifiers")
    requirements: Any = _packaging("requirements")
    if version is None or specifiers is None or requirements is None:
        return
    for distribution in facts.disk.foreign:
        for line in distribution.requirements():
            if not line.lower().startswith("numpy"):
                continue
            try:
                wanted = requirements.Requirement(line)
                applies = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
            except ValueError:  # what packaging raises for a line that it can't read
                continue
            if wanted.name.lower() != "numpy" or not applies:
                continue
            if not wanted.specifier.contains(version, prereleases=True):
                yield Draft(
                    id="numpy-out-of-bounds",
                    severity="doubtful",
                    summary=f"{distribution} asks for numpy {wanted.specifier}, {version} is installed.",
                    evidence=(f"{distribution.info / 'METADATA'}: Requires-Dist: {line}",),
                    files=(str(distribution.info / "METADATA"),),
                    owner=str(distribution),
                    package=distribution.name,
                    repair=repair_package(distribution.name, facts, upgrade=True),
                )


def _packaging(name: str) -> Any:
    """A module of the library packaging, or of pip's copy of it; None without either."""
    for home in ("packaging", "pip._vendor.packaging"):
        try:
            return import_module(f"{home}.{name}")
        except ImportError:
            continue
    return None
