"""Proves a stage right after the engine has filled it, and completes its conda-meta records.

Every file must be there with its type and size. The content of files that share an inode with the cache or with
the environment in place came out of an archive whose sha256 the engine compared with the lock's while it unpacked
it; what was written for this prefix alone, and what had to be copied, is hashed here. `check` hashes everything.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from bootstrap.errors import VerificationError
from bootstrap.prefix.files import verify_files
from bootstrap.prefix.records import META_DIR, read_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bootstrap.lock import Record
    from bootstrap.prefix.cache import PackageCache
    from bootstrap.prefix.records import InstalledFile, InstalledRecord

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


def prove(stage: Path, locked: Sequence[Record]) -> list[InstalledRecord]:
    """Returns the stage's records once they and their files are proven to be the locked ones.

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
    root = str(stage)
    doubtful = [replace(r, files=tuple(f for f in r.files if not _shared(root, f))) for r in installed]
    if faults := verify_files(stage, doubtful):
        evidence = [f"{f.path} ({f.owner}): {f.reason} {f.detail}".rstrip() for f in faults[:10]]
        raise VerificationError(
            f"{len(faults)} restored files are not as their packages have them.", evidence=evidence
        )
    return installed


def _shared(root: str, file: InstalledFile) -> bool:
    """Whether a file has its declared size and is linked to from elsewhere."""
    try:
        info = os.lstat(f"{root}/{file.path}")
    except OSError:
        return False
    return info.st_nlink > 1 and info.st_size == file.size and not file.rewritten


def describe(stage: Path, records: Iterable[Record], cache: PackageCache) -> None:
    """Adds to newly written conda-meta records what only the package's own index.json knows."""
    for record in records:
        meta = stage / META_DIR / f"{record.stem}.json"
        index = cache.index_json(record)
        more = {key: index[key] for key in _FROM_INDEX if index.get(key) is not None}
        # The engine leaves out what it wasn't told. Reading and writing megabytes of JSON for that would take
        # longer than all of the rest.
        head, body = meta.read_text().split("\n", 1)
        more = {key: value for key, value in more.items() if f'\n  "{key}":' not in f"\n{body}"}
        if more and head == "{":
            added = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in more.items())
            meta.write_text(f"{{\n{added}{body}")


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
