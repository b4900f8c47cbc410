"""What changed between two locks: as data, in the order in which a person wants to read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal

from bootstrap._util.data import fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bootstrap.lock.model import Lock, Record

Kind = Literal["added", "removed", "upgraded", "downgraded", "rebuilt"]
Level = Literal["major", "minor", "patch"]

FIRST = "numpy"
"""The package that this project exists for heads every comparison."""


@dataclass(frozen=True)
class PackageChange:
    """One package that isn't the same in both locks."""

    name: str
    kind: Kind
    old: Record | None
    new: Record | None
    explicit: bool
    """Whether environment.yml names it; the others are there because something needs them."""
    level: Level | None = None
    """Which part of the version moved, for an upgrade or a downgrade."""

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON-ready data."""
        return {**fields_of(self, "old", "new"), "old": _side(self.old), "new": _side(self.new)}


@dataclass(frozen=True)
class Size:
    """The archives of one lock on one platform."""

    records: int
    known: int
    """Bytes of those whose size the lock states."""
    unknown: int
    """How many records state none."""

    def to_dict(self) -> dict[str, int]:
        """The size as JSON-ready data."""
        return {"records": self.records, "bytes": self.known, "records_without_size": self.unknown}


@dataclass(frozen=True)
class Difference:
    """Two locks compared on one platform."""

    platform: str
    changes: tuple[PackageChange, ...]
    """numpy's first, then the explicit packages in environment.yml's order, then the others by name."""
    old_size: Size
    new_size: Size

    def of(self, *kinds: Kind) -> tuple[PackageChange, ...]:
        """The changes of these kinds."""
        return tuple(c for c in self.changes if c.kind in kinds)

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON-ready data."""
        return {
            "schema": 1,
            **fields_of(self, "old_size", "new_size"),
            "old": self.old_size.to_dict(),
            "new": self.new_size.to_dict(),
        }


def compare(
    old: Lock | None,
    new: Lock,
    *,
    platform: str,
    explicit: Sequence[str],
    version_key: Callable[[str], Any],
) -> Difference:
    """Compares two locks.

    Args:
        old: The lock before; None where there was none, so that all of `new` counts as added.
        new: The lock after.
        platform: E.g. ``linux-64``.
        explicit: The packages that environment.yml names, in its order.
        version_key: Makes a version comparable as conda compares versions.
    """
    before = {r.name: r for r in old.for_platform(platform)} if old else {}
    after = {r.name: r for r in new.for_platform(platform)}
    rank = {name: number for number, name in enumerate(explicit)}
    changes = [
        _change(name, before.get(name), after.get(name), explicit=name in rank, version_key=version_key)
        for name in before.keys() | after.keys()
        if not _same(before.get(name), after.get(name))
    ]
    changes.sort(key=lambda c: (c.name != FIRST, rank.get(c.name, len(rank)), c.name))
    return Difference(platform, tuple(changes), _size(before.values()), _size(after.values()))


def _same(old: Record | None, new: Record | None) -> bool:
    # The file, not the URL: a lock made from a mirror holds the same packages.
    return old is not None and new is not None and (old.filename, old.sha256) == (new.filename, new.sha256)


def _change(
    name: str, old: Record | None, new: Record | None, *, explicit: bool, version_key: Callable[[str], Any]
) -> PackageChange:
    if old is None or new is None:
        return PackageChange(name, "added" if old is None else "removed", old, new, explicit)
    before, after = version_key(old.version), version_key(new.version)
    if before == after:
        return PackageChange(name, "rebuilt", old, new, explicit)
    kind: Kind = "upgraded" if before < after else "downgraded"
    return PackageChange(name, kind, old, new, explicit, _level(old.version, new.version))


def _level(old: str, new: str) -> Level:
    """Which part of the version differs first; an epoch counts as major."""
    levels: tuple[Level, Level] = ("major", "minor")
    if ("!" in old or "!" in new) and old.split("!")[0] != new.split("!")[0]:
        return "major"
    parts = zip_longest(_parts(old), _parts(new), fillvalue="0")
    for level, (before, after) in zip(levels, parts, strict=False):
        if before != after:
            return level
    return "patch"


def _parts(version: str) -> list[str]:
    return re.split(r"[._-]", version.rsplit("!", 1)[-1].split("+")[0])


def _size(records: Any) -> Size:
    sizes = [r.size for r in records]
    return Size(len(sizes), sum(s for s in sizes if s is not None), sum(s is None for s in sizes))


def _side(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {"version": record.version, "build": record.build, "size": record.size, "url": record.url}
