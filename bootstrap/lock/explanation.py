"""What a lock would install, and why each package is in it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bootstrap._util.data import fields_of
from bootstrap.card import Card, Shown
from bootstrap.console import megabytes
from bootstrap.errors import RequiredPackageError, did_you_mean
from bootstrap.lock.address import origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bootstrap.lock.model import Lock, Record

_KEY_PACKAGES = ("python", "numpy", "pytorch", "pytorch-lightning", "datasets", "optuna")


@dataclass(frozen=True, repr=False)
class Why(Shown):
    """Why one package is in a lock."""

    record: Record
    needed_by: tuple[tuple[str, str], ...]
    """Packages that depend on it, each with its version spec."""
    path: tuple[str, ...]
    """The shortest way to it from a package that nothing else needs."""

    @property
    def card(self) -> Card:
        """The same for people."""
        record = self.record
        rows = [("archive", record.url), ("sha256", str(record.sha256)), ("in the lock", f"line {record.line}")]
        if self.needed_by:
            rows.append(("way to it", " -> ".join(self.path)))
            rows.append(("needed by", "\n".join(f"{n}: {record.name} {spec}".rstrip() for n, spec in self.needed_by)))
        else:
            rows.append(("needed by", "no other package: requested in environment.yml"))
        return Card(title=f"{record.version} {record.build}", word=record.name, rows=tuple(rows))

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready data."""
        told = ("name", "version", "build", "url", "sha256", "line")
        return {**{name: getattr(self.record, name) for name in told}, **fields_of(self, "record")}


@dataclass(frozen=True, repr=False)
class Explanation(Shown):
    """A lock in figures."""

    lock: Path
    platform: str
    platforms: tuple[str, ...]
    channels: tuple[str, ...]
    records: tuple[Record, ...]
    roots: tuple[Record, ...]
    """The packages that no other package needs."""
    why: Why | None = None
    """Of the package asked about."""

    @property
    def bytes_known(self) -> int:
        """The sum of the archives' sizes, where the lock states them."""
        return sum(r.size or 0 for r in self.records)

    @property
    def sizes_unknown(self) -> int:
        """How many records have no size."""
        return sum(r.size is None for r in self.records)

    @property
    def largest(self) -> tuple[Record, ...]:
        """The five largest archives."""
        return tuple(sorted(self.records, key=lambda r: -(r.size or 0))[:5])

    def version(self, name: str) -> str | None:
        """A package's locked version."""
        return next((r.version for r in self.records if r.name == name), None)

    @property
    def card(self) -> Card:
        """The same for people: of the package, if one was asked about."""
        if self.why:
            return self.why.card
        size = megabytes(self.bytes_known) if self.bytes_known else "size not stated"
        if self.bytes_known and self.sizes_unknown:
            size += f" and {self.sizes_unknown} of unknown size"
        rows = [
            ("platforms", ", ".join(self.platforms)),
            ("channels", ", ".join(self.channels)),
            ("packages", f"{len(self.records)} on {self.platform}, {size}"),
            *((name, version) for name in _KEY_PACKAGES if (version := self.version(name))),
            ("largest", ", ".join(f"{r.name} {megabytes(r.size)}" for r in self.largest if r.size)),
            ("needed by none", ", ".join(r.name for r in self.roots)),
        ]
        return Card(title=origin(self.lock), verdict="ok", word="sound", rows=tuple(rows))

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {
            **fields_of(self, "records", "roots"),
            "packages": len(self.records),
            "bytes": self.bytes_known,
            "sizes_unknown": self.sizes_unknown,
            "roots": [str(r) for r in self.roots],
            "largest": [{"name": r.name, "bytes": r.size} for r in self.largest],
        }


def explain(lock: Lock, records: Sequence[Record], platform: str, package: str | None = None) -> Explanation:
    """Explains judged records, and one package among them if named.

    Raises:
        RequiredPackageError: The package isn't in the lock.
    """
    needed = {name for r in records for name in r.depends}
    roots = tuple(r for r in records if r.name not in needed)
    return Explanation(
        lock=lock.path,
        platform=platform,
        platforms=lock.platforms,
        channels=lock.channel_urls,
        records=tuple(records),
        roots=roots,
        why=_why(lock, records, roots, package) if package else None,
    )


def _why(lock: Lock, records: Sequence[Record], roots: Sequence[Record], package: str) -> Why:
    by_name = {r.name: r for r in records}
    if package not in by_name:
        raise RequiredPackageError(
            f"The lock doesn't hold {package}.",
            evidence=[str(lock.path)],
            hint=f"{did_you_mean(package, by_name)} Check the package's name on conda-forge.".strip(),
        )
    return Why(
        record=by_name[package],
        needed_by=tuple((r.name, r.depends[package]) for r in records if package in r.depends),
        path=_shortest_path(by_name, [r.name for r in roots], package),
    )


def _shortest_path(by_name: dict[str, Record], roots: Sequence[str], goal: str) -> tuple[str, ...]:
    waiting: deque[tuple[str, ...]] = deque((root,) for root in roots)
    seen = set(roots)
    while waiting:
        path = waiting.popleft()
        if path[-1] == goal:
            return path
        for name in by_name[path[-1]].depends:
            if name in by_name and name not in seen:
                seen.add(name)
                waiting.append((*path, name))
    return (goal,)
