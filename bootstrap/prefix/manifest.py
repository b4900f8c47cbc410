"""What a restore left behind, so that the next one can tell in a moment that nothing changed.

Beside the conda-meta records lies a manifest: which lock was restored, and of every file its size, time, mode and
inode right after its content was verified. A file whose four values are unchanged is taken as unchanged; any
other is hashed. The manifest has no ``.json`` suffix because conda reads every ``conda-meta/*.json`` as a record.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap._util.atomic import write_atomically
from bootstrap.errors import LockError
from bootstrap.lock.reader import read_lock
from bootstrap.prefix.file_check import AlteredFile
from bootstrap.prefix.records import META_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootstrap.lock.model import Lock
    from bootstrap.prefix.records import InstalledRecord

MANIFEST_FILE = "condacolab-bootstrap"
SCHEMA = 2


@dataclass(frozen=True)
class Manifest:
    """The manifest of a restored prefix."""

    lock: Mapping[str, Any]
    """Of the lock restored: ``path``, ``sha256``, ``platform``, and the ``prefix`` that it was restored to."""
    records: Mapping[str, str]
    """``name-version-build`` to the archive's sha256."""
    files: Mapping[str, Mapping[str, str | None]]
    """``name-version-build`` to path to `fingerprint`; each record's own conda-meta file among them."""

    @property
    def owned(self) -> set[str]:
        """The paths of all files."""
        return set().union(*self.files.values())


def fingerprint(path: str) -> str | None:
    """What tells a file unchanged without reading it; None if it isn't there."""
    try:
        return fingerprint_of(path, os.lstat(path))
    except OSError:
        return None


def fingerprint_of(path: str, info: os.stat_result) -> str:
    """The `fingerprint` of a path whose status is known already: as text, which is written and read the quickest."""
    if stat.S_ISLNK(info.st_mode):
        return f"-> {os.readlink(path)}"  # noqa: PTH115 (called for every file of the prefix)
    if stat.S_ISDIR(info.st_mode):
        return "/"
    return f"{stat_signature(info)} {info.st_ino}"


def stat_signature(info: os.stat_result) -> str:
    """The size, time and mode of a file: what its hard links and its copies have in common."""
    return f"{info.st_size} {info.st_mtime_ns} {info.st_mode}"


def write_manifest(prefix: Path, state: Manifest) -> None:
    """Puts the manifest in its place; call it when every file is verified."""
    data = {"schema": SCHEMA, **vars(state)}
    # Of all files of a restore this one alone is synced: it says what the others have to be.
    write_atomically(prefix / META_DIR / MANIFEST_FILE, json.dumps(data, separators=(",", ":")))


def read_manifest(prefix: Path) -> Manifest | None:
    """The manifest, or None where there is none or it can't be read: then every file is hashed."""
    try:
        data = json.loads((prefix / META_DIR / MANIFEST_FILE).read_bytes())
        if data["schema"] != SCHEMA:
            return None
        return Manifest(lock=data["lock"], records=data["records"], files=data["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def restored_from(prefix: Path) -> Lock | None:
    """The lock that a prefix was restored from, if that file still has the same content."""
    manifest = read_manifest(prefix)
    if manifest is None:
        return None
    try:
        lock = read_lock(Path(manifest.lock["path"]))
    except LockError:
        return None
    return lock if lock.sha256 == manifest.lock["sha256"] else None


def is_ours(prefix: Path) -> bool:
    """Whether this program made the environment: it has a manifest, readable or not.

    A manifest is not waited for until it is on the disk. After a power cut its name may be there and its content not;
    then every file is hashed, and what is not as locked is mended.
    """
    return os.path.lexists(prefix / META_DIR / MANIFEST_FILE)


def suspects(prefix: Path, state: Manifest) -> set[str]:
    """The records of which some file no longer has the values in the manifest."""
    root = str(prefix)
    return {
        stem
        for stem, files in state.files.items()
        if any(fingerprint(f"{root}/{path}") != known or known is None for path, known in files.items())
    }


def changed_links(prefix: Path, state: Manifest, record: InstalledRecord) -> list[AlteredFile]:
    """The record's links that no longer lead where they did: conda-meta doesn't state where that was."""
    known = state.files.get(record.stem, {})
    faults: list[AlteredFile] = []
    for file in record.files:
        before = known.get(file.path)
        now = fingerprint(f"{prefix}/{file.path}")
        if file.kind == "softlink" and before and now and before != now:
            then = before.removeprefix("-> ")
            faults.append(
                AlteredFile(file.path, str(record), "target", f"{now.removeprefix('-> ')} instead of {then}")
            )
    return faults
