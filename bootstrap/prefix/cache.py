"""The cache of unpacked packages, and which of its entries can be trusted.

The engine fills ``pkgs/NAME-VERSION-BUILD`` and stamps an entry with the hash it is about to fetch, before it has
fetched it; files installed by hard link can be edited through the prefix. So an entry counts only with a voucher
of ours: written after every file was compared with the package's own list of hashes, it holds the archive's
sha256 and each file's size, time and mode. An entry without a voucher, or with files that no longer match it,
is deleted before the engine may see it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.errors import PrefixNotWritableError
from bootstrap.prefix.files import FileFault, verify_files
from bootstrap.prefix.records import InstalledFile, InstalledRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bootstrap.lock import Record

ENV_VAR = "BOOTSTRAP_CACHE"


def default_cache() -> Path:
    """``$BOOTSTRAP_CACHE``, or a folder of ours in the user's cache folder."""
    if named := os.environ.get(ENV_VAR):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "condacolab-bootstrap"


Inode = tuple[int, int]
"""Device and inode."""


@dataclass(frozen=True)
class Entry:
    """An unpacked package whose content is known."""

    contents: dict[Inode, str]
    """The sha256 of each file."""
    misdeclared: frozenset[Inode]
    """Files that the package's own list of hashes gets wrong, though the archive is the locked one."""


class PackageCache:
    """Unpacked packages by ``name-version-build``, in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pkgs = root / "pkgs"
        self._vouchers = root / "vouchers"

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Holds the cache for one restore; `waiting` is called if another one has it."""
        try:
            self.pkgs.mkdir(parents=True, exist_ok=True)
            self._vouchers.mkdir(exist_ok=True)
        except (FileNotFoundError, FileExistsError, NotADirectoryError) as error:
            evidence = [f"{self.root}: {error.strerror}"]
            hint = "Choose a --cache folder that you may write to."
            raise PrefixNotWritableError("The cache can't be written.", evidence=evidence, hint=hint) from error
        descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def holds(self, record: Record) -> bool:
        """Whether there is a voucher for the record's archive; `find` also looks at its files."""
        try:
            voucher = json.loads((self._vouchers / f"{record.stem}.json").read_bytes())
            return bool(voucher["sha256"] == record.sha256)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def find(self, record: Record) -> Entry | None:
        """The record's entry if it is vouched for and unchanged since."""
        try:
            voucher = json.loads((self._vouchers / f"{record.stem}.json").read_bytes())
            if voucher["sha256"] != record.sha256:
                return None
            return self._unchanged(self.pkgs / record.stem, voucher["files"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def _unchanged(folder: Path, files: dict[str, list[Any]]) -> Entry | None:
        contents: dict[Inode, str] = {}
        misdeclared: set[Inode] = set()
        root = str(folder)
        for path, (size, mtime, mode, sha256, declared) in files.items():
            info = os.lstat(f"{root}/{path}")
            if (info.st_size, info.st_mtime_ns, info.st_mode) != (size, mtime, mode):
                return None
            if sha256:
                contents[info.st_dev, info.st_ino] = sha256
            if not declared:
                misdeclared.add((info.st_dev, info.st_ino))
        return Entry(contents, frozenset(misdeclared))

    def vouch(self, record: Record, *, accept: Iterable[FileFault] = ()) -> list[FileFault]:
        """Compares a freshly fetched entry with the package's own list of hashes, and vouches for it.

        Args:
            record: The package, whose archive the engine has just compared with the lock's sha256.
            accept: Faults that an earlier fetch of the same archive showed as well: then the list is wrong, not
                the file, and the file's real hash is taken down.

        Returns:
            The faults that are not accepted; if there is any, there is no voucher.
        """
        folder = self.pkgs / record.stem
        try:
            files = package_files(folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            return [FileFault("info/paths.json", str(record), "unreadable", str(error))]
        package = InstalledRecord(
            record.name, record.version, record.build, record.subdir, record.url, record.sha256, files, folder
        )
        # One process: this runs beside the engine, while it fetches.
        faults = verify_files(folder, [package], workers=1)
        if not set(faults) <= set(accept):
            return faults
        wrong = {fault.path for fault in faults}
        root = str(folder)
        rows: dict[str, list[Any]] = {}
        known = {f.path: f.sha256 for f in files}
        for path in [*known, "info/index.json", "info/paths.json"]:
            info = os.lstat(f"{root}/{path}")
            sha256 = _sha256(folder / path) if path in wrong else known.get(path)
            rows[path] = [info.st_size, info.st_mtime_ns, info.st_mode, sha256, path not in wrong]
        voucher = self._vouchers / f"{record.stem}.json"
        beside = voucher.with_suffix(".new")
        beside.write_text(json.dumps({"sha256": record.sha256, "files": rows}, separators=(",", ":")))
        beside.replace(voucher)
        return []

    def index_json(self, record: Record) -> dict[str, Any]:
        """The package's ``info/index.json``, or an empty mapping."""
        try:
            data: dict[str, Any] = json.loads((self.pkgs / record.stem / "info" / "index.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return data

    def discard(self, record: Record) -> None:
        """Deletes the record's entry, whatever state it is in."""
        self.discard_stem(record.stem)

    def discard_stem(self, stem: str) -> None:
        """Deletes an entry by its name."""
        (self._vouchers / f"{stem}.json").unlink(missing_ok=True)
        (self.pkgs / f"{stem}.lock").unlink(missing_ok=True)
        shutil.rmtree(self.pkgs / stem, ignore_errors=True)

    def discard_unvouched(self) -> None:
        """Deletes what an earlier run left without a voucher, the engine's temporary folders included."""
        for path in self.pkgs.iterdir():
            if path.is_dir() and not (self._vouchers / f"{path.name}.json").exists():
                self.discard_stem(path.name)


def package_files(folder: Path) -> tuple[InstalledFile, ...]:
    """The files of an unpacked package, by its own ``info/paths.json``."""
    paths = json.loads((folder / "info" / "paths.json").read_bytes())["paths"]
    return tuple(_file(entry) for entry in paths)


def _file(entry: dict[str, Any]) -> InstalledFile:
    kind = entry.get("path_type", "hardlink")
    linked = kind in ("softlink", "directory")
    return InstalledFile(
        path=entry["_path"],
        sha256=None if linked else entry.get("sha256"),
        size=None if linked else entry.get("size_in_bytes"),
        kind=kind,
        rewritten=False,
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
