"""A cause in the making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import FileFault, Severity

_SHOWN = 8


@dataclass(frozen=True)
class CandidateCause:
    """One thing that is wrong, before it is known what follows from it."""

    id: str
    severity: Severity
    summary: str
    evidence: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    owner: str = ""
    repair: str = ""
    package: str = ""
    """Name of the package that it damages."""
    core: bool = False
    """Whether it lies beneath numpy: the interpreter, or a library that numpy loads."""
    live: bool = False
    """Whether it is about the running process alone, and so explains nothing that a fresh one does."""
    requirement: str = ""
    """Which other release of the package mends it; empty for the one that is there."""
    experiment: frozenset[str] = frozenset()
    """Names of the probes that passed once this was taken away; it explains these and no others."""


def shorten(faults: Iterable[FileFault | str]) -> tuple[str, ...]:
    """The first few as lines, and how many more there are."""
    lines = [str(fault) for fault in faults]
    if len(lines) > _SHOWN:
        return (*lines[:_SHOWN], f"and {len(lines) - _SHOWN} more")
    return tuple(lines)


def shown(path: str, facts: Facts) -> str:
    """A path as a headline names it: below its site folder or the prefix."""
    for folder in (*facts.disk.sites, facts.layout.prefix):
        if path.startswith(f"{folder}/"):
            return path[len(f"{folder}/") :]
    return path


def mapped_libraries(facts: Facts) -> list[str]:
    """Shared libraries in memory once numpy is imported."""
    probe = facts.probe("numpy-mapped")
    return list(probe.facts.get("mapped", ())) if probe else []


def package_name(owner: str) -> str:
    """The name in ``name version``."""
    return owner.split(" ", 1)[0]
