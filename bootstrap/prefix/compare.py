"""Does a prefix hold what a lock says? Record by record, and file by file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bootstrap._util.listing import capped
from bootstrap.prefix.file_check import AlteredFile, verify_files
from bootstrap.prefix.foreign_dists import find_overlays
from bootstrap.prefix.manifest import changed_links, read_manifest, suspects
from bootstrap.prefix.records import ENTRY_POINT, META_DIR, read_records, require_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bootstrap.lock import Record
    from bootstrap.prefix.records import BadRecord, InstalledFile, InstalledRecord


@dataclass(frozen=True)
class RecordChange:
    """A package that is installed otherwise than locked."""

    installed: InstalledRecord
    locked: Record

    @property
    def kind(self) -> Literal["version", "build", "archive"]:
        """What differs first: ``version``, ``build`` or ``archive`` (same name, other content)."""
        if self.installed.version != self.locked.version:
            return "version"
        return "build" if self.installed.build != self.locked.build else "archive"


@dataclass(frozen=True)
class Comparison:
    """How a prefix differs from a lock."""

    missing: tuple[Record, ...] = ()
    """Locked, not installed."""
    extra: tuple[InstalledRecord, ...] = ()
    """Installed by conda, not locked."""
    changed: tuple[RecordChange, ...] = ()
    """Installed in another version, build or archive than locked."""
    altered: tuple[AlteredFile, ...] = ()
    """Files of installed packages that aren't as installed."""
    overlaid: tuple[AlteredFile, ...] = ()
    """Distributions that another installer laid over a package's own of the same name."""
    unreadable: tuple[BadRecord, ...] = ()
    """conda-meta files that are no records."""
    installed: tuple[InstalledRecord, ...] = ()
    """All that is installed by conda; empty where the manifest alone says that nothing differs."""
    hashed_all: bool = True
    """Whether every file was read, or only those whose size, time, mode or inode changed."""

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.extra or self.changed or self.altered or self.overlaid or self.unreadable)

    @property
    def by_manifest(self) -> bool:
        """Whether the manifest alone says that nothing differs."""
        return self.agrees and not self.installed

    def lines(self, limit: int | None) -> list[str]:
        """How the prefix differs, one line each, at most `limit` lines."""
        moved = [f for f in self.altered if f.reason == "prefix"]
        lines = [f"moved: {moved[0].detail}, and {len(moved)} files refer to the old path"] if moved else []
        lines += [f"missing: {r}" for r in self.missing]
        lines += [
            f"{c.kind}: {c.locked.name} is {c.installed.version} {c.installed.build}, "
            f"locked {c.locked.version} {c.locked.build}"
            for c in self.changed
        ]
        lines += [f"not in the lock: {r}" for r in self.extra]
        lines += [f"altered ({f.reason}): {f.path} of {f.owner}" for f in self.altered if f not in moved]
        lines += [f"installed over {f.owner}: {f.path}" for f in self.overlaid]
        lines += [f"unreadable record: {b.meta}: {b.reason}" for b in self.unreadable]
        return capped(lines, limit, "more (-v shows all)")

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON-ready data."""
        return {
            "agrees": self.agrees,
            "missing": [str(r) for r in self.missing],
            "extra": [str(r) for r in self.extra],
            "changed": [
                {
                    "name": c.locked.name,
                    "kind": c.kind,
                    "installed": f"{c.installed.version} {c.installed.build}",
                    "locked": f"{c.locked.version} {c.locked.build}",
                }
                for c in self.changed
            ],
            "altered": [{"path": f.path, "owner": f.owner, "reason": f.reason} for f in self.altered],
            "overlaid": [{"path": f.path, "owner": f.owner} for f in self.overlaid],
            "unreadable": [{"path": str(b.meta), "reason": b.reason} for b in self.unreadable],
            "hashed_all": self.hashed_all,
        }


def compare_prefix(prefix: Path, locked: Iterable[Record], *, hash_all: bool = True) -> Comparison:
    """Compares a prefix with locked records.

    Args:
        prefix: The environment.
        locked: The records that should be installed, as `bootstrap.lock.validate` returns them.
        hash_all: Read every file. Otherwise files that the manifest of the last restore shows unchanged are
            trusted, which takes a fraction of a second.

    Raises:
        PrefixNotFoundError: There is nothing at the prefix.
        NotAnEnvironmentError: There is something that isn't a conda environment.
    """
    require_environment(prefix)
    wanted = {r.name: r for r in locked}
    if not hash_all and _agrees_by_ledger(prefix, wanted.values()):
        return Comparison(hashed_all=False)
    records, unreadable = read_records(prefix)
    installed = {r.name: r for r in records}
    to_hash: Sequence[InstalledRecord] = records
    state = read_manifest(prefix)
    if not hash_all and state:
        doubtful = suspects(prefix, state)
        to_hash = [r for r in records if r.stem in doubtful or r.stem not in state.files]
    links = [fault for r in to_hash for fault in changed_links(prefix, state, r)] if state else []
    versions = {r.stem: str(r) for r in records}
    overlays = find_overlays(prefix, {r.stem: [f.path for f in r.files] for r in records})
    # Another record of a name hides the first: both are shown as extra, since neither can be trusted.
    doubled = tuple(r for r in records if installed[r.name] is not r)
    return Comparison(
        missing=tuple(r for name, r in wanted.items() if name not in installed),
        extra=(*(r for r in records if r.name not in wanted), *(r for r in doubled if r.name in wanted)),
        changed=tuple(
            RecordChange(installed[name], r)
            for name, r in wanted.items()
            if name in installed and not _same(installed[name], r)
        ),
        altered=(*verify_files(prefix, to_hash), *links, *moved_files(prefix, records)),
        overlaid=tuple(AlteredFile(folder, versions[stem], "foreign") for stem, folder in overlays),
        unreadable=tuple(unreadable),
        installed=tuple(records),
        hashed_all=len(to_hash) == len(records),
    )


def _agrees_by_ledger(prefix: Path, locked: Iterable[Record]) -> bool:
    state = read_manifest(prefix)
    if state is None or dict(state.records) != {r.stem: r.sha256 for r in locked}:
        return False
    metas = {path.name for path in (prefix / META_DIR).glob("*.json")}
    if metas != {f"{stem}.json" for stem in state.records} or _elsewhere(prefix, state.lock.get("prefix")):
        return False
    return not suspects(prefix, state) and not find_overlays(prefix, state.files)


def moved_files(prefix: Path, records: Iterable[InstalledRecord]) -> list[AlteredFile]:
    """The files that name another place than the prefix, where the environment was made in that one and moved."""
    state = read_manifest(prefix)
    rewritten = [(file, str(record)) for record in records for file in record.files if file.rewritten]
    places = {state.lock.get("prefix")} if state else {_made(prefix, file) for file, _ in rewritten} - {None}
    if not places or not all(_elsewhere(prefix, place) for place in places):
        return []
    made = min(filter(None, places))
    return [AlteredFile(file.path, owner, "prefix", f"made for {made}") for file, owner in rewritten]


def _elsewhere(prefix: Path, made: str | None) -> bool:
    """Whether a prefix is not the one that it was made to be; links may lead to it under another name."""
    if made is None or made == str(prefix):
        return False
    try:
        return not prefix.samefile(made)
    except OSError:
        return True


def _made(prefix: Path, file: InstalledFile) -> str | None:
    """The prefix in the first line of a script that an installer made, which runs the prefix's own Python."""
    if file.kind != ENTRY_POINT:
        return None
    try:
        with (prefix / file.path).open(encoding="utf-8") as script:
            line = script.readline()
    except (OSError, UnicodeDecodeError):
        return None
    match = re.match(r"#!(/.+)/bin/python[\d.]*$", line)
    return match[1] if match else None


def _same(installed: InstalledRecord, locked: Record) -> bool:
    return (installed.version, installed.build, installed.sha256) == (locked.version, locked.build, locked.sha256)
