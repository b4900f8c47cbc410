"""Proves what the engine has put into a stage, record by record, and completes the conda-meta records.

Every file must be there with its type and size. The content of files that share an inode with the cache or with
the environment in place came out of an archive whose sha256 the engine compared with the lock's while it unpacked
it; what was written for this prefix alone, and what had to be copied, is hashed here. `check` hashes everything.
"""

from __future__ import annotations

import json
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bootstrap.errors import VerificationError
from bootstrap.prefix.conda_fields import completed
from bootstrap.prefix.file_check import AlteredFile, verify_files
from bootstrap.prefix.manifest import Manifest, fingerprint, fingerprint_of, stat_signature
from bootstrap.prefix.records import ENTRY_POINT, META_DIR, InstalledRecord, installed_file
from bootstrap.prefix.tree import status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bootstrap.lock import Record
    from bootstrap.prefix.cache import PackageCache

_FROM_PACKAGE = ("hardlink", "softlink")
"""Types of paths that lie in the package as well; entry points don't."""
_SITE_PACKAGES = re.compile(r"lib/python[^/]+/site-packages/")


@dataclass(frozen=True)
class _Proven:
    """What was found of one record."""

    record: Record
    meta: str | None
    """The `fingerprint` of its conda-meta record, as that was read."""
    faults: Sequence[AlteredFile]
    files: dict[str, str | None] = field(default_factory=dict)
    text: str | None = None
    """The conda-meta record with what it lacked; None where it lacked nothing."""


class StageVerifier:
    """Gathers what is proven of a stage, which the engine may still be filling.

    Args:
        stage: The folder that the engine fills.
        cache: Where the packages came from.
        asked: What was asked for, by the names of the packages.
    """

    def __init__(self, stage: Path, cache: PackageCache, asked: Mapping[str, str]) -> None:
        self._stage = stage
        self._cache = cache
        self.asked = dict(asked)
        umask = os.umask(0o022)
        os.umask(umask)
        self._script_mode = 0o666 & ~umask | 0o111
        self._proven: dict[str, _Proven] = {}

    def add(self, record: Record) -> str | None:
        """Proves one record that was just installed from the cache; faults are raised by `finish`.

        Returns:
            The fingerprint of the cache's entry for it, or None where the record can't be read.
        """
        index = self._cache.index_json(record)
        looks = self._prove(record, index, new=True)
        if looks is None:
            return None
        shared, others = looks
        if index.get("noarch") == "python":
            site = next((match[0] for path in (*shared, *others) if (match := _SITE_PACKAGES.match(path))), None)
            shared = {_in_package(path, site): signature for path, signature in shared.items()}
            others = [_in_package(path, site) for path in others]
        return self._cache.look(record, shared, others)

    def outdated(self) -> list[Record]:
        """Records that are no longer as they were when they were proven.

        At its end the engine decides whose of several files of one path is in its place, moves files for that, and
        rewrites the records of the packages concerned.
        """
        return [p.record for p in self._proven.values() if fingerprint(str(self._meta(p.record))) != p.meta]

    def _meta(self, record: Record) -> Path:
        return self._stage / META_DIR / f"{record.stem}.json"

    def _prove(
        self, record: Record, index: Mapping[str, Any], *, new: bool = False
    ) -> tuple[dict[str, str], list[str]] | None:
        """Proves a record; gives the `stat_signature` at files that share an inode, and its other files."""
        meta = self._meta(record)
        read = fingerprint(str(meta))
        try:
            text = meta.read_text(encoding="utf-8")
            data = json.loads(text)
            same = (data["name"], data["version"], data["build"], data["sha256"])
            entries = data["paths_data"]["paths"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            fault = AlteredFile(f"{META_DIR}/{meta.name}", str(record), "unreadable", str(error))
            self._proven[record.stem] = _Proven(record, read, [fault])
            return None
        faults = []
        if same != (record.name, record.version, record.build, record.sha256):
            faults.append(AlteredFile(f"{META_DIR}/{meta.name}", str(record), "sha256", "is another package's"))
        if new:
            self._let_umask_decide(entries)
        seen: dict[str, str | None] = {}
        shared: dict[str, str] = {}
        doubtful: list[dict[str, Any]] = []
        # What follows is done for every file of the environment, on cores that the engine needs: hence few calls.
        for entry, info in zip(entries, self._statuses(entries), strict=True):
            path = entry["_path"]
            if info is None:
                doubtful.append(entry)
            elif (
                info.st_nlink > 1
                and info.st_size == entry.get("size_in_bytes")
                and entry.get("path_type", "hardlink") == "hardlink"
                and not entry.get("prefix_placeholder")
                and stat.S_ISREG(info.st_mode)
            ):
                known = shared[entry.get("original_path") or path] = stat_signature(info)
                seen[path] = f"{known} {info.st_ino}"
            else:
                seen[path] = fingerprint_of(f"{self._stage}/{path}", info)
                doubtful.append(entry)
        files = tuple(map(installed_file, doubtful))
        written = InstalledRecord(
            record.name, record.version, record.build, record.subdir, record.url, record.sha256, files, meta
        )
        faults += verify_files(self._stage, [written])
        links = {path: told[3:] for path, told in seen.items() if told and told.startswith("-> ")}
        spec = self.asked.get(record.name)
        content = completed(data, index=index, record=record, spec=spec, links=links)
        self._proven[record.stem] = _Proven(record, read, faults, seen, None if content == text else content)
        return shared, [_own_path(e) for e in doubtful if e.get("path_type", "hardlink") in _FROM_PACKAGE]

    def _let_umask_decide(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Gives the scripts that the engine has made the mode that conda gives them."""
        for entry in entries:
            if entry.get("path_type") == ENTRY_POINT:
                with suppress(OSError):
                    (self._stage / entry["_path"]).chmod(self._script_mode)

    def _statuses(self, entries: Sequence[Mapping[str, Any]]) -> list[os.stat_result | None]:
        root = f"{self._stage}/"
        paths = [root + entry["_path"] for entry in entries]
        try:
            return list(map(os.lstat, paths))
        except OSError:
            return [status(path) for path in paths]

    def finish(self, locked: Sequence[Record]) -> dict[str, str]:
        """Proves that the stage holds exactly these records; call it when the engine has ended.

        Returns:
            By their names, the new texts of files in conda-meta: records with what the engine doesn't know.

        Raises:
            VerificationError: Something is missing, superfluous, or not as the package has it.
        """
        for record in locked:
            if record.stem not in self._proven:
                self._prove(record, self._cache.index_json(record))
        proven = [self._proven[record.stem] for record in locked]
        evidence = [f"{f.path} ({f.owner}): {f.reason} {f.detail}".rstrip() for p in proven for f in p.faults]
        expected = {f"{record.stem}.json" for record in locked}
        present = {path.name for path in (self._stage / META_DIR).glob("*.json")}
        evidence += [f"{META_DIR}/{name}: not in the lock" for name in sorted(present - expected)]
        if evidence:
            raise VerificationError("The restored files don't match the lock.", evidence=evidence[:10])
        return {f"{p.record.stem}.json": p.text for p in proven if p.text}

    def manifest(self, locked: Sequence[Record], lock: Mapping[str, Any]) -> Manifest:
        """The manifest of the stage, once `finish` has proven it and its records are in their place."""
        files = {record.stem: self._proven[record.stem].files for record in locked}
        for stem, seen in files.items():
            meta = f"{META_DIR}/{stem}.json"
            seen[meta] = fingerprint(f"{self._stage}/{meta}")
        return Manifest(lock=lock, records={r.stem: r.sha256 or "" for r in locked}, files=files)


def _own_path(entry: Mapping[str, Any]) -> str:
    """Where a package wants a file; it lies elsewhere where another package has one of the same name."""
    path: str = entry.get("original_path") or entry["_path"]
    return path


def _in_package(path: str, site_packages: str | None) -> str:
    """Where a noarch python package has the file that it installs at a path."""
    if site_packages and path.startswith(site_packages):
        return f"site-packages/{path[len(site_packages) :]}"
    return f"python-scripts/{path.removeprefix('bin/')}" if path.startswith("bin/") else path


def sweep_bytecode(stage: Path, gone: Iterable[str], present: Manifest) -> None:
    """Deletes compiled modules that Python left behind for sources that are gone or new.

    Packages often give every source the same time, so that a source of the same length would be taken for the
    one that was compiled; and a package's folder with nothing but bytecode in it would still be imported.

    Args:
        stage: The filled stage.
        gone: Files of records that were removed or replaced.
        present: The stage's manifest; what its records own stays.
    """
    owned = present.owned
    sources = {path for path in gone if path.endswith(".py")}
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
