"""From a comparison to what has to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.lock import Record
    from bootstrap.prefix.compare import Comparison
    from bootstrap.prefix.records import InstalledRecord


def action(before: Comparison) -> str:
    """What bringing an environment to the lock is called."""
    if before.agrees:
        return "unchanged"
    only_files = not (before.missing or before.extra or before.changed or before.unreadable)
    return "repaired" if only_files else "updated"


def to_reinstall(before: Comparison) -> list[str]:
    """Names of installed packages with altered files, a distribution laid over them, or another prefix in them."""
    return sorted({fault.package for fault in (*before.altered, *before.overlaid)})


def to_install(before: Comparison, records: Sequence[Record]) -> list[Record]:
    """What the engine will unpack again: it relinks every noarch package when python's minor version changes."""
    names = {r.name for r in before.missing} | {c.locked.name for c in before.changed} | set(to_reinstall(before))
    names |= {r.name for r in records if any(b.meta.name == f"{r.stem}.json" for b in before.unreadable)}
    python = next((c for c in before.changed if c.locked.name == "python"), None)
    if python and _minor(python.installed.version) != _minor(python.locked.version):
        names |= {r.name for r in records if r.subdir == "noarch"}
    return [r for r in records if r.name in names]


def to_remove(before: Comparison) -> list[InstalledRecord]:
    """Installed records that won't be there afterwards, or not in this version."""
    return [*before.extra, *(c.installed for c in before.changed)]


def to_keep(before: Comparison, records: Sequence[Record]) -> list[InstalledRecord]:
    """Installed records that the engine leaves as they are."""
    touched = {r.name for r in to_remove(before)} | {r.name for r in to_install(before, records)}
    return [r for r in before.installed if r.name not in touched]


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
