"""A freeze file as an environment: every line's package with the metadata that its index has of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bootstrap.diagnosis.index import archive_at, version_in
from bootstrap.diagnosis.model import NUMPY_NAME, Dist
from bootstrap.diagnosis.requirements import read_file, understand
from bootstrap.errors import FreezeError, FreezePythonError, RequirementSyntaxError
from bootstrap.progress import Step
from bootstrap.provenance import admits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bootstrap.diagnosis.index import Index
    from bootstrap.diagnosis.model import Requirement
    from bootstrap.diagnosis.target import Target
    from bootstrap.progress import Progress

_AT_ONCE = 16
_COLAB_PINS = ("google-auth", "ipykernel", "ipython", "pandas", "portpicker", "requests", "tornado")
"""What google.colab's setup file asks for in the very version that Colab brings."""
_STRANGERS = 0.03
"""A freeze file of this Python may hold so many packages that say they don't run on it: odd pins, old metadata."""


def read_freeze(path: Path, target: Target, index: Index, progress: Progress) -> list[Dist]:
    """The distributions of a freeze file.

    Metadata comes from the index, of the very version; of a local version that only another index has
    (``torch==2.8.0+cu126``) from the public one. Where there is none (folders, private packages) a distribution
    counts as one without dependencies, and ``known`` is False.

    Raises:
        RequirementsNotFoundError: The file can't be read.
        FreezeError: It isn't the output of pip freeze.
        FreezePythonError: It is of another Python than the target's.
        IndexUnreachableError: The index doesn't answer.
    """
    try:
        lines = understand(target, read_file(path)).requirements
    except RequirementSyntaxError as error:
        raise FreezeError("The file isn't the output of pip freeze.", evidence=error.evidence) from error
    pinned = [(r, version) for r in lines if (version := _version(r)) is not None]
    unpinned = [r for r in lines if _version(r) is None]
    if not pinned or len(unpinned) > len(pinned):
        evidence = [f"{path}: {len(pinned)} of {len(lines)} lines name a version", *(r.where for r in unpinned[:5])]
        raise FreezeError("The file isn't the output of pip freeze.", evidence=evidence)
    _refuse_other_python(path, pinned, target, index)
    dists: list[Dist] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done, dist in enumerate(pool.map(lambda item: _dist(item[0], item[1], index), pinned), 1):
            dists.append(dist)
            progress.step(Step("read metadata", done, len(pinned), detail=str(dist)))
    _refuse_misfits(path, dists, target)
    # What has an address only: its name is there, its needs are not, and its version where the archive's name has it.
    versions = {dist.key: dist.version for dist in dists}
    for r in (r for r in unpinned if r.name):
        version = version_in(archive_at(r.text.partition(" @ ")[2].strip()).filename, r.name) or "0"
        dists.append(Dist(r.name, version, _pins(r.name, versions), known=False))
    return list({dist.key: dist for dist in dists}.values())


def _pins(name: str, versions: Mapping[str, str]) -> tuple[str, ...]:
    """What a package that no index has is known to need: google-colab pins what its machine has."""
    pinned = _COLAB_PINS if name == "google-colab" else ()
    return tuple(f"{other}=={versions[other]}" for other in pinned if other in versions)


def _version(requirement: Requirement) -> str | None:
    """The version that a line pins; empty for a wheel's address, which tells it itself."""
    text = requirement.text.partition(";")[0].strip()
    if " @ " in text:
        url = text.partition(" @ ")[2].strip().partition("#")[0]
        return "" if url.endswith(".whl") and url.startswith("http") else None
    for sign in ("===", "=="):
        name, separator, version = text.partition(sign)
        if separator and name and "," not in version and "*" not in version:
            return version.strip()
    return None


def _dist(requirement: Requirement, version: str, index: Index) -> Dist:
    if version:
        dist = index.dist(requirement.name, version)
    else:
        archive = archive_at(requirement.text.partition(" @ ")[2].strip())
        version = archive.version
        dist = index.dist_of(archive) or index.dist(requirement.name, version)
    if dist is None:
        return Dist(requirement.name, version, known=False)
    return Dist(dist.name, version, dist.requires, dist.extras, dist.requires_python)


def _refuse_other_python(path: Path, pinned: list[tuple[Requirement, str]], target: Target, index: Index) -> None:
    """Tells by numpy, which has wheels for some Pythons only."""
    numpy = next(((r, v) for r, v in pinned if r.name == NUMPY_NAME and v), None)
    archive = index.choose(NUMPY_NAME, numpy[1]) if numpy else None
    if numpy and archive and not index.runs_here(archive):
        evidence = [f"{path}: numpy {numpy[1]} has no wheel for Python {target.short_version} ({target.python})"]
        raise FreezePythonError("The freeze file comes from another Python version.", evidence=evidence)


def _refuse_misfits(path: Path, dists: list[Dist], target: Target) -> None:
    strangers = [d for d in dists if d.requires_python and not admits(d.requires_python, target.version)]
    if len(strangers) > max(2, _STRANGERS * len(dists)):
        evidence = [f"{path}: {len(strangers)} of {len(dists)} packages don't run on Python {target.short_version}"]
        evidence += [f"{d} needs Python {d.requires_python}" for d in strangers[:5]]
        raise FreezePythonError("The freeze file comes from another Python version.", evidence=evidence)
