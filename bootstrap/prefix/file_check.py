"""Do the files of a prefix have the content that conda-meta says?

Hashing an environment is bound by the processor. Python hashes without its lock, so that threads use all cores.
"""

from __future__ import annotations

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bootstrap.prefix.records import InstalledFile, InstalledRecord

_T = TypeVar("_T")
_CHUNK = 1 << 18
_PORTION = 1 << 26
_OPENING = 30_000
"""Bytes that are hashed in the time that it takes to open a file."""
_COMPILED = "pyc_file"
"""conda's type for bytecode that it compiled: Python rewrites and deletes it as it sees fit."""

Reason = Literal["missing", "type", "size", "sha256", "unreadable", "target", "foreign", "prefix"]
"""What is wrong with a file: ``target`` of a link that leads elsewhere, ``foreign`` of what others brought;
``prefix`` of one that names the place from which the environment was moved."""


@dataclass(frozen=True)
class AlteredFile:
    """A file that is not as its package installed it."""

    path: str
    """Relative to the prefix."""
    owner: str
    """The package, with its version."""
    reason: Reason
    detail: str = ""

    @property
    def package(self) -> str:
        """The owner's name."""
        return self.owner.rsplit(" ", 1)[0]


def verify_files(prefix: Path, records: Iterable[InstalledRecord]) -> list[AlteredFile]:
    """Compares every file of the records with its recorded type, size and sha256.

    Args:
        prefix: The environment.
        records: The packages to look at.
    """
    wanted = (
        ((file, str(record)), file.size or 0) for record in records for file in record.files if file.kind != _COMPILED
    )
    work, look = portions(wanted), partial(_altered, str(prefix))
    if len(work) < 2:
        return list(chain.from_iterable(map(look, work)))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        return list(chain.from_iterable(pool.map(look, work)))


def portions(files: Iterable[tuple[_T, int]]) -> list[list[_T]]:
    """Files in portions that take about as long as each other to hash.

    Args:
        files: Each with its bytes.
    """
    groups: list[list[_T]] = []
    room = 0
    for file, size in files:
        if room <= 0:
            groups.append([])
            room = _PORTION
        groups[-1].append(file)
        room -= size + _OPENING
    return groups


def _altered(prefix: str, files: Iterable[tuple[InstalledFile, str]]) -> list[AlteredFile]:
    buffer = memoryview(bytearray(_CHUNK))
    faults = ((file.path, owner, _fault(f"{prefix}/{file.path}", file, buffer)) for file, owner in files)
    return [AlteredFile(path, owner, *fault) for path, owner, fault in faults if fault]


def _fault(path: str, file: InstalledFile, buffer: memoryview) -> tuple[Reason, str] | None:
    try:
        info = os.lstat(path)
    except OSError as error:
        return ("missing", "") if isinstance(error, FileNotFoundError) else ("unreadable", str(error.strerror))
    if file.kind == "directory":
        return None if stat.S_ISDIR(info.st_mode) else ("type", "is not a directory")
    if file.kind == "softlink":
        return None if stat.S_ISLNK(info.st_mode) or stat.S_ISREG(info.st_mode) else ("type", "is not a link")
    if not stat.S_ISREG(info.st_mode):
        return ("type", "is not a regular file")
    if file.size is not None and info.st_size != file.size:
        return ("size", f"{info.st_size} bytes instead of {file.size}")
    if file.sha256 is None:
        return None
    try:
        sha256 = sha256_of(path, buffer)
    except OSError as error:
        return ("unreadable", str(error.strerror))
    return None if sha256 == file.sha256 else ("sha256", f"{sha256[:12]} instead of {file.sha256[:12]}")


def sha256_of(path: str, buffer: memoryview) -> str:
    """The sha256 of a file's content, which is read through a buffer."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (pathlib costs a third more here)
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()
