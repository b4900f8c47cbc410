"""The cache of unpacked packages, and which of its entries can be trusted.

The engine fills ``pkgs/NAME-VERSION-BUILD`` and stamps an entry with the hash it is about to fetch, before it has
fetched it; files installed by hard link can be edited through the prefix. So an entry counts only with a voucher
of ours, written when the engine had unpacked the archive that the lock names, into a place that was empty before:
it holds the archive's sha256 and a fingerprint of every file's size, time and mode. An entry without a voucher,
or with files that no longer match it, is deleted before the engine may see it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.errors import PrefixNotWritableError
from bootstrap.prefix.folder_lock import locked_folder
from bootstrap.prefix.manifest import stat_signature
from bootstrap.prefix.tree import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bootstrap.lock import Record

ENV_VAR = "BOOTSTRAP_CACHE"


def default_cache() -> Path:
    """``$BOOTSTRAP_CACHE``, or a folder of ours in the user's cache folder."""
    if named := os.environ.get(ENV_VAR):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "condacolab-bootstrap"


class PackageCache:
    """Unpacked packages by ``name-version-build``, in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pkgs = root / "pkgs"
        self._vouchers = root / "vouchers"

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Holds the cache for one restore; `waiting` is called if another one has it.

        What nothing came into is deleted afterwards, where it was made here.

        Raises:
            PrefixNotWritableError: It can't be made or written.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(locked_folder(self.pkgs, waiting))
                self._vouchers.mkdir(exist_ok=True)
            except (FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError) as error:
                evidence = [f"{self.root}: {error.strerror}"]
                hint = "Choose a `--cache` folder that you can write to."
                raise PrefixNotWritableError("The cache isn't writable.", evidence=evidence, hint=hint) from error
            try:
                yield
            finally:
                with suppress(OSError):
                    self._vouchers.rmdir()

    def holds(self, record: Record) -> bool:
        """Whether there is an entry with a voucher for the record's archive; `find` also looks at its files."""
        return self._voucher(record) is not None and (self.pkgs / record.stem).is_dir()

    def find(self, record: Record) -> bool:
        """Whether the record's entry is vouched for and unchanged since."""
        return self.agrees(record, fingerprint_tree(self.pkgs / record.stem))

    def made(self, record: Record) -> int | None:
        """When the record's entry was put in its place, in nanoseconds of the epoch; None where there is none."""
        try:
            return (self.pkgs / record.stem).stat().st_ctime_ns
        except OSError:
            return None

    def agrees(self, record: Record, tree: str | None) -> bool:
        """Whether the record's voucher is for an entry with this fingerprint."""
        voucher = self._voucher(record)
        return voucher is not None and tree is not None and tree == voucher.get("tree")

    def look(self, record: Record, shared: Mapping[str, str], others: Iterable[str]) -> str | None:
        """The fingerprint of a record's entry, of which a prefix has shown most: to look again would take longer.

        Args:
            record: The record.
            shared: The `stat_signature` at files that prefix and entry share, by their paths in the package.
            others: The package's other files and links.
        """
        entry = str(self.pkgs / record.stem)
        try:
            rows = [f"/{path} {known}" for path, known in shared.items()]
            rows += [f"/{path} {stat_signature(os.lstat(f'{entry}/{path}'))}" for path in others]
            return _digest([*rows, *_rows(entry, "/info")])
        except OSError:
            # It has other files than it should, or lists them otherwise.
            return fingerprint_tree(self.pkgs / record.stem)

    def mark_verified(self, record: Record, tree: str | None) -> None:
        """Vouches for an entry that the engine has just made from the locked archive; `tree` is its fingerprint."""
        data = {"sha256": record.sha256, "tree": tree}
        voucher = self._vouchers / f"{record.stem}.json"
        beside = voucher.with_suffix(".new")
        beside.write_text(json.dumps(data))
        beside.replace(voucher)

    def _voucher(self, record: Record) -> dict[str, Any] | None:
        try:
            voucher: dict[str, Any] = json.loads((self._vouchers / f"{record.stem}.json").read_bytes())
            return voucher if voucher["sha256"] == record.sha256 else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def index_json(self, record: Record) -> dict[str, Any]:
        """The package's ``info/index.json``, or an empty mapping."""
        try:
            data = json.loads((self.pkgs / record.stem / "info" / "index.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def discard(self, stem: str) -> None:
        """Deletes an entry by its name, whatever state it is in."""
        (self._vouchers / f"{stem}.json").unlink(missing_ok=True)
        (self.pkgs / f"{stem}.lock").unlink(missing_ok=True)
        shutil.rmtree(self.pkgs / stem, ignore_errors=True)

    def discard_unverified(self) -> None:
        """Deletes what has no voucher, the engine's temporary folders and its locks of them included.

        No engine may be at work.
        """
        vouched = {path.stem for path in self._vouchers.glob("*.json")}
        for stem in {path.name.removesuffix(".lock") for path in self.pkgs.iterdir()} - vouched:
            self.discard(stem)
        for unfinished in self._vouchers.glob("*.new"):
            unfinished.unlink()


def fingerprint_tree(folder: Path) -> str | None:
    """A digest of every path below a folder with its size, time and mode; None where there is no such folder."""
    try:
        return _digest(_rows(str(folder), "")) if folder.is_dir() else None
    except OSError:
        return None


def _rows(entry: str, part: str) -> Iterator[str]:
    """A row for each file and link of a part of an entry."""
    for path, info in walk(entry + part):
        if not stat.S_ISDIR(info.st_mode):
            yield f"{part}/{path} {stat_signature(info)}"


def _digest(rows: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(rows)).encode(errors="surrogateescape")).hexdigest()
