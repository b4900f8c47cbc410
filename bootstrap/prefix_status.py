"""How a prefix compares with a lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bootstrap import guard
from bootstrap._util.data import fields_of
from bootstrap.card import Card, Judged
from bootstrap.console import megabytes
from bootstrap.hints import command
from bootstrap.lock import PLATFORM, read_lock, validate
from bootstrap.lock.address import origin
from bootstrap.prefix.cache import PackageCache
from bootstrap.prefix.compare import Comparison, compare_prefix
from bootstrap.prefix.manifest import is_ours
from bootstrap.prefix.records import is_environment
from bootstrap.prefix.staging import unfinished

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SHOWN = 10


@dataclass(frozen=True, repr=False)
class PrefixStatus(Judged):
    """What is at a prefix, without reading every file."""

    prefix: Path
    lock: Path
    environment: bool
    """Whether there is a conda environment at all."""
    ours: bool
    """Whether it was restored by this program."""
    comparison: Comparison | None
    """How it differs from the lock; None without an environment."""
    cache: Path
    cached: int
    """How many of the lock's packages the cache holds."""
    packages: int
    """How many packages the lock has."""
    guard: str = "never"
    """Whether it is guarded: ``on``, ``off``, ``never``, or ``not whole``."""
    unfinished: bool = False
    """Whether a restore ended right after its switch: what was written meanwhile may not be there yet."""
    pack: Mapping[str, Any] | None = None
    """What is in the pack whose lock this is, where one was named."""

    @property
    def agrees(self) -> bool:
        """Whether the environment is the lock's."""
        return self.comparison is not None and self.comparison.agrees

    @property
    def verdict(self) -> Literal["ok", "doubtful"]:
        """Whether the environment is the lock's."""
        return "ok" if self.agrees else "doubtful"

    def to_card(self, *, everything: bool) -> Card:
        """The same for people, with every difference if asked for."""
        rows = [("lock", f"{origin(self.lock)}: {self.packages} packages")]
        if self.pack:
            sizes = f"{megabytes(self.pack['size'])}, unpacked {megabytes(self.pack['unpacked'])}"
            content = f"{self.pack['packages']} packages for {self.pack['platform']}, {sizes}"
            rows.insert(0, ("pack", f"{self.pack['name']}: {content}"))
        if self.environment:
            rows.append(("guard", {"never": "off"}.get(self.guard, self.guard)))
        if self.unfinished:
            rows.append(("restore", "stopped right after its switch; the next one brings what was written meanwhile"))
        rows.append(("cache", f"{self.cache}: {self.cached} of {self.packages} packages"))
        source = {"pack": self.pack["name"]} if self.pack else {"lock": self.lock}
        restore = f"`{command('restore', prefix=self.prefix, **source)}`"
        if not self.environment:
            taken = self.prefix.is_file() or any(self.prefix.glob("*"))
            there = "files, but no conda environment" if taken else "nothing there yet"
            onward = "Choose another `--prefix`, or empty this one yourself." if taken else f"{restore} creates it"
            return Card(title=f"`{self.prefix}`: {there}", word="absent", rows=tuple(rows), next=onward)
        if self.comparison is None or self.agrees:
            onward = f"{restore} finishes" if self.unfinished else ""
            title = f"`{self.prefix}` agrees with the lock"
            return Card(title=title, verdict="ok", word="ready", rows=tuple(rows), next=onward)
        onward = f"{restore} makes it match"
        if not self.ours:
            onward = f"bootstrap didn't create it: {restore[:-1]} --adopt` takes it over and makes it match"
        return Card(
            title=f"`{self.prefix}` differs from the lock",
            verdict="doubtful",
            word="differs",
            rows=tuple(rows),
            details=tuple(self.comparison.lines(None if everything else _SHOWN)),
            next=onward,
        )

    def to_dict(self) -> dict[str, Any]:
        """The status as JSON-ready data."""
        return {**fields_of(self), "agrees": self.agrees}


def examine(prefix: Path, lock: Path, cache: Path, pack: Mapping[str, Any] | None = None) -> PrefixStatus:
    """Compares a prefix with a lock; files whose size, time and inode are the same count as unchanged.

    Args:
        prefix: Where an environment is, or nothing yet.
        lock: A lock file.
        cache: Folder of unpacked packages.
        pack: What is in the pack that the lock came from, if it came from one.

    Raises:
        LockError: The lock can't be used.
    """
    records = validate(read_lock(lock), PLATFORM)
    environment = prefix.is_dir() and is_environment(prefix)
    store = PackageCache(cache)
    return PrefixStatus(
        prefix=prefix,
        lock=lock,
        environment=environment,
        ours=environment and is_ours(prefix),
        comparison=compare_prefix(prefix, records, hash_all=False) if environment else None,
        cache=store.root,
        cached=sum(store.holds(record) for record in records),
        packages=len(records),
        guard=_guard_state(prefix) if environment else "never",
        unfinished=unfinished(prefix),
        pack=pack,
    )


def _guard_state(prefix: Path) -> str:
    status = guard.status(prefix)
    return "not whole" if status.state == "on" and not status.active else status.state
