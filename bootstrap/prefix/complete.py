"""Proves a stage right after the engine has filled it, and completes its conda-meta records.

Files that share an inode with a vouched cache entry have been hashed already, as have files that the stage shares
with the environment it was cloned from; every other file is hashed here.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bootstrap.errors import VerificationError
from bootstrap.prefix.files import verify_files
from bootstrap.prefix.records import read_records
from bootstrap.prefix.state import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bootstrap.lock import Record
    from bootstrap.prefix.cache import Entry, PackageCache
    from bootstrap.prefix.records import InstalledFile, InstalledRecord
    from bootstrap.prefix.state import State

# What a lock doesn't state of a package and its own index.json does; conda reads these from conda-meta.
_FROM_INDEX = (
    "arch",
    "build_number",
    "constrains",
    "license",
    "license_family",
    "noarch",
    "platform",
    "python_site_packages_path",
    "timestamp",
    "track_features",
)


def prove(
    stage: Path,
    locked: Sequence[Record],
    *,
    entries: Mapping[str, Entry],
    before: State | None,
) -> list[InstalledRecord]:
    """Returns the stage's records once they and all their files are proven to be the locked ones.

    Args:
        stage: The filled stage.
        locked: What must be in it.
        entries: The vouched cache entries by package name.
        before: The ledger of the environment that the stage was cloned from, if it agreed with its files.

    Raises:
        VerificationError: Something is missing, superfluous, or not as the package has it.
    """
    installed, unreadable = read_records(stage)
    wanted = {(r.name, r.version, r.build, r.sha256) for r in locked}
    found = {(r.name, r.version, r.build, r.sha256) for r in installed}
    if unreadable or wanted != found or len(installed) != len(wanted):
        evidence = [f"{b.meta.name}: {b.reason}" for b in unreadable]
        evidence += [f"not installed: {name} {version} {build}" for name, version, build, _ in sorted(wanted - found)]
        evidence += [
            f"not in the lock: {name} {version} {build}" for name, version, build, _ in sorted(found - wanted)
        ]
        raise VerificationError("The restored records are not those of the lock.", evidence=evidence[:10])
    proven = [_settle(stage, record, entries.get(record.name)) for record in installed]
    root = str(stage)
    doubtful = [
        replace(r, files=tuple(f for f in r.files if not _known(root, r, f, entries.get(r.name), before)))
        for r in proven
    ]
    if faults := verify_files(stage, doubtful):
        evidence = [f"{f.path} ({f.owner}): {f.reason} {f.detail}".rstrip() for f in faults[:10]]
        raise VerificationError(
            f"{len(faults)} restored files are not as their packages have them.", evidence=evidence
        )
    return proven


def _known(
    root: str, record: InstalledRecord, file: InstalledFile, entry: Entry | None, before: State | None
) -> bool:
    if file.sha256 is None:
        return False
    path = f"{root}/{file.path}"
    try:
        info = os.lstat(path)
    except OSError:
        return False
    if entry and entry.contents.get((info.st_dev, info.st_ino)) == file.sha256:
        return True
    known = before.files.get(record.stem, {}).get(file.path) if before else None
    return bool(known) and fingerprint(path) == known


def _settle(stage: Path, record: InstalledRecord, entry: Entry | None) -> InstalledRecord:
    """The record with the real hashes of files that the package's own list gets wrong."""
    if not entry or not entry.misdeclared:
        return record
    real: dict[str, tuple[str, int]] = {}
    for file in record.files:
        info = (stage / file.path).lstat()
        if (info.st_dev, info.st_ino) in entry.misdeclared:
            real[file.path] = (entry.contents[info.st_dev, info.st_ino], info.st_size)
    data = json.loads(record.meta.read_bytes())
    for row in data["paths_data"]["paths"]:
        if row["_path"] in real:
            row["sha256_in_prefix"], row["size_in_bytes"] = real[row["_path"]]
    record.meta.write_text(json.dumps(data, indent=2))
    files = (replace(f, sha256=real[f.path][0], size=real[f.path][1]) if f.path in real else f for f in record.files)
    return replace(record, files=tuple(files))


def describe(stage: Path, records: Iterable[Record], cache: PackageCache) -> None:
    """Adds to newly written conda-meta records what only the package's own index.json knows."""
    for record in records:
        meta = stage / "conda-meta" / f"{record.stem}.json"
        index = cache.index_json(record)
        text = meta.read_text()
        data: dict[str, Any] = json.loads(text)
        more = {key: index[key] for key in _FROM_INDEX if index.get(key) is not None and data.get(key) is None}
        if more:
            meta.write_text(json.dumps({**data, **more}, indent=2))


def sweep_bytecode(stage: Path, gone: Iterable[InstalledRecord], present: Sequence[InstalledRecord]) -> None:
    """Deletes compiled modules that Python left behind for sources that are gone or new.

    Packages often give every source the same time, so that a source of the same length would be taken for the
    one that was compiled; and a package's folder with nothing but bytecode in it would still be imported.

    Args:
        stage: The filled stage.
        gone: Records that were removed or replaced.
        present: The stage's records; what they own stays.
    """
    owned = {file.path for record in present for file in record.files}
    sources = {file.path for record in gone for file in record.files if file.path.endswith(".py")}
    folders: dict[str, set[str]] = {}
    for source in sources:
        folder, _, name = source.rpartition("/")
        folders.setdefault(folder, set()).add(name.removesuffix(".py"))
    # The deepest first, so that a folder is empty by the time its turn comes.
    for folder in sorted(folders, key=lambda f: -f.count("/")):
        cache = stage / folder / "__pycache__"
        for compiled in cache.glob("*.pyc"):
            if compiled.name.split(".")[0] in folders[folder] and str(compiled.relative_to(stage)) not in owned:
                compiled.unlink()
        for empty in (cache, stage / folder):
            with suppress(OSError):
                empty.rmdir()
